"""Drills as tables: after which script one is played, what came in, and what it scored."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import titled
from backoffice.storage.columns import Keep
from plugins.notifications.models import Incident, NotificationsBase

# As a column and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT = Account.__table__.c


class Drill(NotificationsBase):  # type: ignore[misc, valid-type]
    """That an incident is played, and what it scored when it was closed.

    `parts` holds the points of each part ("banner 15"), so that the next drill is compared with what this one
    was given.
    """

    __tablename__ = "drill"
    __table_args__ = (
        UniqueConstraint("incident_id"),
        CheckConstraint("faster between 1 and 60", name="faster_up_to_sixty_times"),
        CheckConstraint("score between 0 and 100", name="of_a_hundred"),
        CheckConstraint("(score is null) = (parts is null)", name="score_with_its_parts"),
        titled(lazy("Drills")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Which incident is played", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    script: Mapped[str | None] = columns.text("After which script", keep=Keep.SIX_YEARS)
    begun_at: Mapped[datetime] = columns.moment("From when on time runs faster", keep=Keep.SIX_YEARS)
    faster: Mapped[int] = columns.number("How many times faster", keep=Keep.SIX_YEARS)
    score: Mapped[int | None] = columns.number("What it scored, of 100", keep=Keep.SIX_YEARS)
    parts: Mapped[list[str] | None] = columns.words("What each part scored", keep=Keep.SIX_YEARS)


class DrillEvent(NotificationsBase):  # type: ignore[misc, valid-type]
    """Something that comes in while a drill is played, and what was done about it."""

    __tablename__ = "drill_event"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("incident_id", "name"),
        CheckConstraint("late_at > comes_at", name="time_to_answer"),
        CheckConstraint("(answered_at is null) = (answer is null)", name="answered_with_words"),
        CheckConstraint("answered_at >= comes_at", name="answered_after_it_came"),
        Index(None, "answered_by"),
        titled(lazy("What comes in during drills")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    name: Mapped[str] = columns.text("Which event of the script", keep=Keep.SIX_YEARS)
    comes_at: Mapped[datetime] = columns.moment("When it comes in", keep=Keep.SIX_YEARS)
    late_at: Mapped[datetime] = columns.moment("From when an answer is late", keep=Keep.SIX_YEARS)
    answered_at: Mapped[datetime | None] = columns.moment("When it was answered", keep=Keep.SIX_YEARS)
    answered_by: Mapped[int | None] = columns.reference(
        "Who answered it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    answer: Mapped[str | None] = columns.sealed("What was done about it", keep=Keep.SIX_YEARS)


TABLES = (Drill, DrillEvent)
