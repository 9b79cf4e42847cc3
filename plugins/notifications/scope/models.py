"""The scope of an incident as tables: what it follows from, and the people whom that reached."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.schools.models import Classroom, District, School, Student
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Keep
from plugins.notifications.models import Incident, NotificationsBase

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _SCHOOL, _DISTRICT = Account.__table__.c, School.__table__.c, District.__table__.c
_CLASSROOM, _STUDENT = Classroom.__table__.c, Student.__table__.c


class PersonKind(StrEnum):
    """What somebody is at the school."""

    STUDENT = "student"
    STAFF = "staff"
    PARENT = "parent"


class SourceKind(StrEnum):
    """By what a source was named."""

    ACCOUNT = "account"
    SESSION = "session"
    EXPORT = "export"
    PLACE = "place"


class Extent(StrEnum):
    """Whose data a source held or opened.

    `ACCOUNT` is all that somebody of staff could see; of the export of an account, `ROOMS` are the classes
    that it taught and `OWN` those of a school of its own, as the export held them. `FAMILY` is a child as one
    parent sees it.
    """

    ACCOUNT = "account"
    ROOMS = "rooms"
    OWN = "own"
    DISTRICT = "district"
    SCHOOL = "school"
    CLASSROOM = "classroom"
    STUDENT = "student"
    FAMILY = "family"


class ScopeSource(NotificationsBase):  # type: ignore[misc, valid-type]
    """What a scope follows from, and of which time: from a moment up to another, which is no part of it.

    One that was named by mistake is withdrawn, and stays. No page shows whose it is.
    """

    __tablename__ = "scope_source"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("kind", SourceKind),
        only("extent", Extent),
        CheckConstraint("until_at > from_at", name="forwards"),
        CheckConstraint("classrooms is null or extent in ('rooms', 'own')", name="classes_of_an_account"),
        CheckConstraint("(withdrawn_at is null) = (withdrawn_reason is null)", name="withdrawn_with_reason"),
        Index(None, "incident_id", "id"),
        Index(None, "school_id", "classroom_id"),
        Index(None, "school_id", "student_id"),
        Index(None, "account_id"),
        Index(None, "district_id"),
        Index(None, "written_by"),
        Index(None, "withdrawn_by"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            [_CLASSROOM.school_id, _CLASSROOM.id],
            ondelete="SET NULL (classroom_id)",
        ),
        ForeignKeyConstraint(
            ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="SET NULL (student_id)"
        ),
        titled(lazy("What scopes of incidents follow from")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    kind: Mapped[str] = columns.choice("By what it was named", keep=Keep.SIX_YEARS)
    extent: Mapped[str] = columns.choice("Whose data it held or opened", keep=Keep.SIX_YEARS)
    account_id: Mapped[int | None] = columns.reference(
        "Which account", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    district_id: Mapped[int | None] = columns.reference(
        "Which district", ForeignKey(_DISTRICT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    school_id: Mapped[int | None] = columns.reference(
        "Which school, or that of the class or child",
        ForeignKey(_SCHOOL.id, ondelete="SET NULL"),
        keep=Keep.SIX_YEARS,
    )
    classroom_id: Mapped[int | None] = columns.reference("Which class", keep=Keep.SIX_YEARS)
    student_id: Mapped[int | None] = columns.reference("Which child", keep=Keep.STUDENT)
    classrooms: Mapped[list[int] | None] = columns.references(
        "Which classes an export of an account held; none said: those that it has now", keep=Keep.SIX_YEARS
    )
    from_at: Mapped[datetime] = columns.moment("From when", keep=Keep.SIX_YEARS)
    until_at: Mapped[datetime] = columns.moment("Up to when", keep=Keep.SIX_YEARS)
    written_at: Mapped[datetime] = columns.moment("When it was written down", keep=Keep.SIX_YEARS)
    written_by: Mapped[int | None] = columns.reference(
        "Who wrote it down", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    withdrawn_at: Mapped[datetime | None] = columns.moment("When it was withdrawn", keep=Keep.SIX_YEARS)
    withdrawn_by: Mapped[int | None] = columns.reference(
        "Who withdrew it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    withdrawn_reason: Mapped[str | None] = columns.sealed(
        "Why it was withdrawn", keep=Keep.SIX_YEARS, apart=True
    )


class AffectedPerson(NotificationsBase):  # type: ignore[misc, valid-type]
    """One person of the set, whom no page shows. Whoever is erased counts still, without being known.

    Nobody is taken out: whom no source reaches any more has a moment since when that is so.
    """

    __tablename__ = "affected_person"
    __table_args__ = (
        only("kind", PersonKind),
        CheckConstraint("student_id is null or account_id is null", name="one_person"),
        Index(None, "incident_id", "school_id"),
        Index(None, "school_id", "student_id"),
        Index(None, "account_id"),
        ForeignKeyConstraint(
            ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="SET NULL (student_id)"
        ),
        titled(lazy("People that incidents are about")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    kind: Mapped[str] = columns.choice("What the person is there", keep=Keep.SIX_YEARS)
    school_id: Mapped[int | None] = columns.reference(
        "At which school", ForeignKey(_SCHOOL.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    student_id: Mapped[int | None] = columns.reference("Which child", keep=Keep.STUDENT)
    account_id: Mapped[int | None] = columns.reference(
        "Which account", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    added_at: Mapped[datetime] = columns.moment("When it came into the set", keep=Keep.SIX_YEARS)
    no_longer_at: Mapped[datetime | None] = columns.moment(
        "Since when no source reaches it any more", keep=Keep.SIX_YEARS
    )


class ScopeReach(NotificationsBase):  # type: ignore[misc, valid-type]
    """That a source has reached somebody of the set. It is taken back by withdrawing the source alone."""

    __tablename__ = "scope_reach"
    __table_args__ = (Index(None, "person_id"), titled(lazy("Whom sources of scopes reached")))

    source_id: Mapped[int] = columns.reference(
        "Which source",
        ForeignKey(ScopeSource.id, ondelete="CASCADE"),
        keep=Keep.SIX_YEARS,
        primary_key=True,
    )
    person_id: Mapped[int] = columns.reference(
        "Whom of the set",
        ForeignKey(AffectedPerson.id, ondelete="CASCADE"),
        keep=Keep.SIX_YEARS,
        primary_key=True,
    )


TABLES = (ScopeSource, AffectedPerson, ScopeReach)
