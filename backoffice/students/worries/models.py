"""What children told, as a table."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class WorryKind(StrEnum):
    """What a child can tap."""

    UNKIND = "unkind"
    STRANGE = "strange"
    AS_ME = "as_me"
    OTHER = "other"


class GoesTo(StrEnum):
    """Who is told: owner and co-teachers of the class, or the school's leaders instead."""

    TEACHER = "teacher"
    LEADER = "leader"


class Worry(Base):
    """Something that a child told. It is new until somebody takes it up, and open until it is closed.

    What goes to the leaders is hidden from whoever worked in the class when it was told, a leader included.
    """

    __tablename__ = "worry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            [
                "app.enrollment.school_id",
                "app.enrollment.classroom_id",
                "app.enrollment.student_id",
            ],
            ondelete="CASCADE",
        ),
        UniqueConstraint("public_id"),
        # The same words by the same form tell once.
        UniqueConstraint("school_id", "student_id", "form"),
        Index(None, "school_id", "classroom_id", "student_id"),
        Index(None, "seen_by"),
        # For erasing an account, past which something was told.
        Index("ix_worry_told_past", "id", postgresql_where="goes_to = 'leader'"),
        Index(None, "closed_by"),
        Index(None, "passed_on_by"),
        only("kind", WorryKind),
        only("goes_to", GoesTo),
        CheckConstraint("closed_at is null or answer is not null", name="closed_with_an_answer"),
        Index(None, "told_at"),
        titled(lazy("What children told")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.SIX_MONTHS, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    classroom_id: Mapped[int] = columns.reference("In which class", keep=Keep.SIX_MONTHS)
    student_id: Mapped[int] = columns.reference("Which child told it", keep=Keep.SIX_MONTHS)
    kind: Mapped[str] = columns.choice("What the child tapped", keep=Keep.SIX_MONTHS)
    goes_to: Mapped[str] = columns.choice("Whom the child tells", keep=Keep.SIX_MONTHS)
    note: Mapped[str | None] = columns.sealed("What the child wrote, if anything", keep=Keep.SIX_MONTHS)
    form: Mapped[UUID] = columns.keyed_digest(
        "Recognises the same words when the form comes again", keep=Keep.SIX_MONTHS
    )
    told_past: Mapped[list[int]] = columns.references(
        "Who worked in the class when the leaders were told, and reads nothing of it", keep=Keep.SIX_MONTHS
    )
    told_at: Mapped[datetime] = columns.moment("When", keep=Keep.SIX_MONTHS)
    mailed_at: Mapped[datetime | None] = columns.moment(
        "When the grown-ups were told by mail", keep=Keep.SIX_MONTHS
    )
    reminded_at: Mapped[datetime | None] = columns.moment(
        "When they were reminded of it", keep=Keep.SIX_MONTHS
    )
    seen_at: Mapped[datetime | None] = columns.moment("When somebody took it up", keep=Keep.SIX_MONTHS)
    seen_by: Mapped[int | None] = columns.reference(
        "Who took it up", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    closed_at: Mapped[datetime | None] = columns.moment("When it was closed", keep=Keep.SIX_MONTHS)
    closed_by: Mapped[int | None] = columns.reference(
        "Who closed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    answer: Mapped[str | None] = columns.sealed("What was done about it", keep=Keep.SIX_MONTHS)
    passed_on_at: Mapped[datetime | None] = columns.moment(
        "When the school passed something on to the company", keep=Keep.SIX_MONTHS
    )
    passed_on_by: Mapped[int | None] = columns.reference(
        "Who passed it on", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
