"""Personal cards, as a table."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.storage import columns
from backoffice.storage.base import Base
from backoffice.storage.columns import Keep


class StudentCard(Base):
    """A printed card of one child in one class. What its picture says is stored nowhere."""

    __tablename__ = "student_card"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_student_card_issued_by", "issued_by", postgresql_where="issued_by is not null"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            [
                "app.enrollment.school_id",
                "app.enrollment.classroom_id",
                "app.enrollment.student_id",
            ],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "classroom_id", "student_id"),
        Index(
            "uq_student_card_live",
            "school_id",
            "classroom_id",
            "student_id",
            unique=True,
            postgresql_where="voided_at is null",
        ),
    )

    school_id: Mapped[int] = columns.reference("The tenant", keep=Keep.STUDENT, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.STUDENT)
    classroom_id: Mapped[int] = columns.reference("The class it opens", keep=Keep.STUDENT)
    student_id: Mapped[int] = columns.reference("Whose card", keep=Keep.STUDENT)
    secret_digest: Mapped[bytes] = columns.secret_digest("Finds the card by its secret", keep=Keep.STUDENT)
    issued_at: Mapped[datetime] = columns.moment("When it was printed", keep=Keep.STUDENT)
    issued_by: Mapped[int | None] = columns.reference(
        "Who printed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    voided_at: Mapped[datetime | None] = columns.moment("When it stopped working", keep=Keep.STUDENT)
