"""What staff did about children's PINs, as a table."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class OverrideKind(StrEnum):
    """What was done."""

    CLEARED = "cleared"
    UNLOCKED = "unlocked"
    REQUIRED = "required"
    NOT_REQUIRED = "not_required"


class PinOverride(Base):
    """One act about the PIN of a child or, without one, of the whole class. It never says a PIN."""

    __tablename__ = "pin_override"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_pin_override_made_by", "made_by", postgresql_where="made_by is not null"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        only("kind", OverrideKind),
        Index(None, "school_id", "classroom_id", "made_at"),
        Index(None, "school_id", "student_id"),
        Index(None, "made_at"),
        titled(lazy("What was done about PINs")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.SIX_MONTHS, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    classroom_id: Mapped[int] = columns.reference("In which class", keep=Keep.SIX_MONTHS)
    student_id: Mapped[int | None] = columns.reference("Whose PIN, if one child's", keep=Keep.SIX_MONTHS)
    kind: Mapped[str] = columns.choice("Cleared, unlocked, required or not", keep=Keep.SIX_MONTHS)
    made_by: Mapped[int | None] = columns.reference(
        "Who did it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    made_as: Mapped[str | None] = columns.noted(
        "What they were in the class at that time", keep=Keep.SIX_MONTHS
    )
    made_at: Mapped[datetime] = columns.moment("When", keep=Keep.SIX_MONTHS)
