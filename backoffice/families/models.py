"""Parents' ties to their children, as a table."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.storage import columns
from backoffice.storage.base import Base, only
from backoffice.storage.columns import Keep


class GuardianStatus(StrEnum):
    """Where a guardian link stands; only `approved` shows anything."""

    WAITING = "waiting"
    APPROVED = "approved"
    REVOKED = "revoked"


class GuardianLink(Base):
    """A parent account tied to a student, approved by a teacher."""

    __tablename__ = "guardian_link"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        only("status", GuardianStatus),
        Index(None, "account_id"),
    )

    school_id: Mapped[int] = columns.reference("The tenant", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Whose parent", keep=Keep.STUDENT, primary_key=True)
    account_id: Mapped[int] = columns.reference(
        "Which parent",
        ForeignKey("app.account.id", ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    status: Mapped[str] = columns.choice("Waiting, approved or revoked", keep=Keep.STUDENT)
    approved_by: Mapped[int | None] = columns.reference(
        "The teacher who approved it",
        ForeignKey("app.account.id", ondelete="SET NULL"),
        keep=Keep.ACCOUNT,
    )
    approved_at: Mapped[datetime | None] = columns.moment("When", keep=Keep.STUDENT)
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.STUDENT)
