"""What parents ask, as a table."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from backoffice.language.texts import lazy
from backoffice.schools.models import Enrollment
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep

DUE_AFTER = timedelta(days=30)


class RequestKind(StrEnum):
    """What a parent asks for."""

    CORRECT = "correct"
    DELETE = "delete"


class GuardianRequest(Base):
    """A parent asks that something about the child is corrected or deleted; due 30 days after it came."""

    __tablename__ = "guardian_request"
    __table_args__ = (
        UniqueConstraint("public_id"),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        only("kind", RequestKind),
        CheckConstraint("(answered_at is null) = (answer is null)", name="answered_in_words"),
        Index(None, "school_id", "student_id"),
        Index(None, "account_id"),
        Index(None, "answered_by"),
        # What waits need not be asked again.
        Index(
            "uq_guardian_request_open",
            "school_id",
            "student_id",
            "account_id",
            "kind",
            unique=True,
            postgresql_where="answered_at is null",
        ),
        Index(None, "answered_at"),
        titled(lazy("What parents ask for")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.STUDENT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.STUDENT)
    student_id: Mapped[int] = columns.reference("About which child", keep=Keep.STUDENT)
    account_id: Mapped[int] = columns.reference(
        "Which parent asks", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    kind: Mapped[str] = columns.choice("Correct or delete", keep=Keep.STUDENT)
    note: Mapped[str | None] = columns.sealed("What the parent wrote", keep=Keep.STUDENT)
    asked_at: Mapped[datetime] = columns.moment("When; the time to answer runs from here", keep=Keep.STUDENT)
    answered_at: Mapped[datetime | None] = columns.moment("When it was answered", keep=Keep.STUDENT)
    answered_by: Mapped[int | None] = columns.reference(
        "Who answered", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.STUDENT
    )
    answer: Mapped[str | None] = columns.sealed("What was answered", keep=Keep.STUDENT)
    told_at: Mapped[datetime | None] = columns.moment(
        "When the teacher was told that it came", keep=Keep.STUDENT
    )
    reminded_at: Mapped[datetime | None] = columns.moment(
        "When the teacher was reminded of it", keep=Keep.STUDENT
    )
    answer_mailed_at: Mapped[datetime | None] = columns.moment(
        "When the answer was mailed to the parent", keep=Keep.STUDENT
    )

    enrollments: Mapped[list[Enrollment]] = relationship(
        viewonly=True,
        lazy="raise",
        primaryjoin="and_(GuardianRequest.school_id == foreign(Enrollment.school_id),"
        " GuardianRequest.student_id == foreign(Enrollment.student_id), Enrollment.ended_at.is_(None))",
    )

    @property
    def due_at(self) -> datetime:
        """Until when it is to be answered."""
        return self.asked_at + DUE_AFTER
