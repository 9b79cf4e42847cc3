"""Incidents as tables: what is known, what was done, which schools are concerned, which notices went out.

What has to be told by when stands nowhere: it is computed from these rows (`clocks`).
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.reports.models import Report
from backoffice.schools.models import School
from backoffice.storage import columns
from backoffice.storage.base import only, plugin_base, titled
from backoffice.storage.columns import Keep
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _SCHOOL, _REPORT = Account.__table__.c, School.__table__.c, Report.__table__.c

NotificationsBase = plugin_base("notifications")


class EntryKind(StrEnum):
    """What a line of the timeline tells."""

    NOTE = "note"
    FACTS = "facts"
    SCHOOLS = "schools"
    DECISION = "decision"
    TASK = "task"
    TOLD = "told"
    CLOSED = "closed"


class Incident(NotificationsBase):  # type: ignore[misc, valid-type]
    """Something went wrong, or a drill plays that it did: what is known of it as far as laws ask.

    `version` counts the changes of its facts, so that nobody overwrites what they have not seen.
    """

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("public_id"),
        # The same form opens one.
        UniqueConstraint("form"),
        only("role", Role),
        only("risk", Risk),
        only("encrypted", Encrypted),
        CheckConstraint("held_until is null or held_since is not null", name="held_from_some_moment"),
        CheckConstraint("held_until >= held_since", name="held_forwards"),
        Index(None, "opened_at"),
        Index(None, "closed_at"),
        Index(None, "report_id"),
        Index(None, "opened_by"),
        Index(None, "led_by"),
        Index(None, "closed_by"),
        titled(lazy("Incidents")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    title: Mapped[str] = columns.sealed("What it is called among us", keep=Keep.SIX_YEARS)
    what: Mapped[str] = columns.sealed("What happened, as far as known", keep=Keep.SIX_YEARS)
    systems: Mapped[str | None] = columns.sealed("Which systems it was in", keep=Keep.SIX_YEARS, apart=True)
    is_drill: Mapped[bool] = columns.flag("Whether it is played", keep=Keep.SIX_YEARS)
    role: Mapped[str] = columns.choice("What we are to the data", keep=Keep.SIX_YEARS)
    risk: Mapped[str] = columns.choice("How the risk to people is judged", keep=Keep.SIX_YEARS)
    kinds: Mapped[list[str]] = columns.words("Which kinds of data it was", keep=Keep.SIX_YEARS)
    encrypted: Mapped[str] = columns.choice(
        "Whether the data were encrypted, and their key safe", keep=Keep.SIX_YEARS
    )
    noticed_at: Mapped[datetime] = columns.moment("When it was noticed", keep=Keep.SIX_YEARS)
    determined_at: Mapped[datetime | None] = columns.moment(
        "When it was determined that it was a breach", keep=Keep.SIX_YEARS
    )
    confirmed_at: Mapped[datetime | None] = columns.moment(
        "When it was confirmed, with all that a notice has to say", keep=Keep.SIX_YEARS
    )
    held_since: Mapped[datetime | None] = columns.moment(
        "From when the police asked in writing to tell nobody", keep=Keep.SIX_YEARS
    )
    held_until: Mapped[datetime | None] = columns.moment("Until when they asked so", keep=Keep.SIX_YEARS)
    report_id: Mapped[int | None] = columns.reference(
        "From which report it was opened", ForeignKey(_REPORT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    opened_by: Mapped[int | None] = columns.reference(
        "Who opened it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    led_by: Mapped[int | None] = columns.reference(
        "Who leads what is done", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    opened_at: Mapped[datetime] = columns.moment("When it was opened", keep=Keep.SIX_YEARS)
    closed_at: Mapped[datetime | None] = columns.moment("When it was closed", keep=Keep.SIX_YEARS)
    closed_by: Mapped[int | None] = columns.reference(
        "Who closed it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    version: Mapped[int] = columns.number("How often its facts were changed", keep=Keep.SIX_YEARS)
    form: Mapped[str] = columns.text("The form that it came by, so that it counts once", keep=Keep.SIX_YEARS)


class TimelineEntry(NotificationsBase):  # type: ignore[misc, valid-type]
    """One line of what happened and was done. Nobody changes one or takes one out."""

    __tablename__ = "timeline_entry"
    __table_args__ = (
        only("kind", EntryKind),
        Index(None, "incident_id", "id"),
        Index(None, "written_by"),
        titled(lazy("Timelines of incidents")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    kind: Mapped[str] = columns.choice("What it tells", keep=Keep.SIX_YEARS)
    said: Mapped[str] = columns.sealed("What happened or was done", keep=Keep.SIX_YEARS)
    reason: Mapped[str | None] = columns.sealed("Why it was decided", keep=Keep.SIX_YEARS)
    happened_at: Mapped[datetime] = columns.moment("When it happened", keep=Keep.SIX_YEARS)
    written_at: Mapped[datetime] = columns.moment("When it was written down", keep=Keep.SIX_YEARS)
    written_by: Mapped[int | None] = columns.reference(
        "Who wrote it down", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )


class IncidentTask(NotificationsBase):  # type: ignore[misc, valid-type]
    """Something that somebody has to do for an incident."""

    __tablename__ = "incident_task"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "incident_id", "id"),
        Index(None, "done_by"),
        titled(lazy("Tasks of incidents")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    said: Mapped[str] = columns.sealed("What is to be done", keep=Keep.SIX_YEARS)
    due_at: Mapped[datetime | None] = columns.moment("By when", keep=Keep.SIX_YEARS)
    added_at: Mapped[datetime] = columns.moment("When it was set", keep=Keep.SIX_YEARS)
    done_at: Mapped[datetime | None] = columns.moment("When it was done", keep=Keep.SIX_YEARS)
    done_by: Mapped[int | None] = columns.reference(
        "Who did it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )


class Counted(StrEnum):
    """From which moment a contract counts its hours; the values are the law's."""

    NOTICED = "noticed"
    DETERMINED = "determined"
    CONFIRMED = "confirmed"


class ConcernedSchool(NotificationsBase):  # type: ignore[misc, valid-type]
    """A school whose people are concerned: how many, where it is, and when who was told.

    Numbers and the place stay after the school is erased: what the law asked for has to be shown then, too.
    """

    __tablename__ = "concerned_school"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("incident_id", "school_id"),
        CheckConstraint("students >= 0 and staff >= 0 and parents >= 0", name="no_fewer_than_none"),
        only("contract_start", Counted),
        CheckConstraint("contract_hours between 1 and 8760", name="within_a_year"),
        CheckConstraint("contract_rule is not null or contract_hours is null", name="hours_of_a_contract"),
        CheckConstraint(
            "left_out_at is null or (told_at is null and individuals_told_at is null)", name="told_stays"
        ),
        CheckConstraint("shown_at is null or told_at is not null", name="shown_once_told"),
        Index(None, "school_id"),
        titled(lazy("Schools that incidents concern")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    school_id: Mapped[int | None] = columns.reference(
        "Which school", ForeignKey(_SCHOOL.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    place: Mapped[str] = columns.text("By the law of which place", keep=Keep.SIX_YEARS)
    time_zone: Mapped[str] = columns.text("In which zone its days are counted", keep=Keep.SIX_YEARS)
    students: Mapped[int] = columns.number("How many students", keep=Keep.SIX_YEARS)
    staff: Mapped[int] = columns.number("How many of its staff", keep=Keep.SIX_YEARS)
    parents: Mapped[int] = columns.number("How many parents", keep=Keep.SIX_YEARS)
    told_at: Mapped[datetime | None] = columns.moment("When we told it", keep=Keep.SIX_YEARS)
    individuals_told_at: Mapped[datetime | None] = columns.moment(
        "When its people were told", keep=Keep.SIX_YEARS
    )
    left_out_at: Mapped[datetime | None] = columns.moment(
        "Since when it is known not to be concerned", keep=Keep.SIX_YEARS
    )
    late_reason: Mapped[str | None] = columns.sealed("Why it was told late", keep=Keep.SIX_YEARS, apart=True)
    # Written by a trigger: in a drill it stays empty, whoever says that the school was told.
    shown_at: Mapped[datetime | None] = columns.moment(
        "Since when the school sees the incident itself", keep=Keep.SIX_YEARS
    )
    concerned_at: Mapped[datetime | None] = columns.moment(
        "Since when it is concerned, if not from the beginning", keep=Keep.SIX_YEARS
    )
    scoped_at: Mapped[datetime | None] = columns.moment(
        "Since when it is concerned by whom the scope reaches, and by nothing else", keep=Keep.SIX_YEARS
    )
    contract_rule: Mapped[str | None] = columns.text(
        "By which rule the contract has it told, once somebody has said so", keep=Keep.SIX_YEARS
    )
    contract_hours: Mapped[int | None] = columns.number(
        "Within how many hours, by the contract", keep=Keep.SIX_YEARS
    )
    contract_start: Mapped[str | None] = columns.choice(
        "From which moment these are counted", keep=Keep.SIX_YEARS
    )


class GivenNotice(NotificationsBase):  # type: ignore[misc, valid-type]
    """That what one rule asks for was done: to an authority, or to whomever it names."""

    __tablename__ = "given_notice"
    __table_args__ = (
        UniqueConstraint("incident_id", "rule", "concerned_school_id", postgresql_nulls_not_distinct=True),
        Index(None, "concerned_school_id"),
        Index(None, "given_by"),
        titled(lazy("Notices that were given")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    rule: Mapped[str] = columns.text("By which rule of the law", keep=Keep.SIX_YEARS)
    concerned_school_id: Mapped[int | None] = columns.reference(
        "For which school, where the rule is about one",
        ForeignKey(ConcernedSchool.id, ondelete="CASCADE"),
        keep=Keep.SIX_YEARS,
    )
    at: Mapped[datetime] = columns.moment("When it went out", keep=Keep.SIX_YEARS)
    late_reason: Mapped[str | None] = columns.sealed("Why it was late", keep=Keep.SIX_YEARS, apart=True)
    given_by: Mapped[int | None] = columns.reference(
        "Who wrote it down", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
