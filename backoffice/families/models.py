"""Parents' ties to their children, how parents are asked, and who opened a child's record, as tables."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from backoffice.language.texts import lazy
from backoffice.schools.models import Enrollment
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class GuardianStatus(StrEnum):
    """Where a guardian link stands; only `approved` shows anything."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    REVOKED = "revoked"


class GuardianLink(Base):
    """A parent account tied to a student, approved by a teacher.

    Staff know a parent by what stands here; the account behind it is nobody else's to see.
    """

    __tablename__ = "guardian_link"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_guardian_link_approved_by", "approved_by", postgresql_where="approved_by is not null"),
        UniqueConstraint("public_id"),
        UniqueConstraint("school_id", "student_id", "account_id"),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        only("status", GuardianStatus),
        Index(None, "account_id"),
        Index(None, "school_id", "status", "id"),
        titled(lazy("Parents of students")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.STUDENT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.STUDENT)
    student_id: Mapped[int] = columns.reference("Whose parent", keep=Keep.STUDENT)
    account_id: Mapped[int] = columns.reference(
        "Which parent", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    name: Mapped[str | None] = columns.sealed("How the parent wrote the own name", keep=Keep.STUDENT)
    status: Mapped[str] = columns.choice("Waiting, approved, refused or revoked", keep=Keep.STUDENT)
    approved_by: Mapped[int | None] = columns.reference(
        "The teacher who approved it",
        ForeignKey("app.account.id", ondelete="SET NULL"),
        keep=Keep.ACCOUNT,
    )
    approved_at: Mapped[datetime | None] = columns.moment("When", keep=Keep.STUDENT)
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.STUDENT)
    ended_at: Mapped[datetime | None] = columns.moment("When it was refused or revoked", keep=Keep.ONE_MONTH)
    told: Mapped[str | None] = columns.choice(
        "What was mailed last: to the teachers that the parent waits, or else to the parent",
        keep=Keep.STUDENT,
    )

    enrollments: Mapped[list[Enrollment]] = relationship(
        viewonly=True,
        lazy="raise",
        primaryjoin="and_(GuardianLink.school_id == foreign(Enrollment.school_id),"
        " GuardianLink.student_id == foreign(Enrollment.student_id), Enrollment.ended_at.is_(None))",
    )


class GuardianInvitation(Base):
    """Somebody is asked to follow a child: by mail, or by a letter with a code that the teacher prints.

    A letter's holder gives an address, to which its link is mailed. Tokens of links are made by the worker
    that mails them; the code can be seen until it is used, so that a letter can be printed once more.
    """

    __tablename__ = "guardian_invitation"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_guardian_invitation_invited_by", "invited_by", postgresql_where="invited_by is not null"),
        UniqueConstraint("public_id"),
        CheckConstraint("accepted_at is null or withdrawn_at is null", name="one_end"),
        CheckConstraint("email is not null or code_digest is not null", name="reaches_somebody"),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "student_id"),
        Index(None, "email_index"),
        # Nobody is asked by mail for one child twice at a time.
        Index(
            "uq_guardian_invitation_open",
            "school_id",
            "student_id",
            "email_index",
            unique=True,
            postgresql_where="code_digest is null and accepted_at is null and withdrawn_at is null",
        ),
        Index(None, "expires_at"),
        titled(lazy("Invitations of parents")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.ONE_MONTH, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ONE_MONTH)
    student_id: Mapped[int] = columns.reference("Whose parent is asked", keep=Keep.ONE_MONTH)
    email: Mapped[str | None] = columns.sealed("Where the link is mailed", keep=Keep.ONE_MONTH)
    email_index: Mapped[bytes | None] = columns.blind_index(
        "Finds the account of the address", keep=Keep.ONE_MONTH
    )
    name: Mapped[str | None] = columns.sealed("How the mail greets", keep=Keep.ONE_MONTH)
    token_digest: Mapped[bytes | None] = columns.secret_digest("Recognises the link", keep=Keep.ONE_MONTH)
    code: Mapped[str | None] = columns.sealed("The code of a letter, to print it again", keep=Keep.ONE_MONTH)
    code_digest: Mapped[bytes | None] = columns.secret_digest("Recognises the code", keep=Keep.ONE_MONTH)
    invited_by: Mapped[int | None] = columns.reference(
        "Who asks", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ONE_MONTH
    )
    created_at: Mapped[datetime] = columns.moment("When somebody was asked", keep=Keep.ONE_MONTH)
    expires_at: Mapped[datetime] = columns.moment("Until when it opens", keep=Keep.ONE_MONTH)
    accepted_at: Mapped[datetime | None] = columns.moment("When it was accepted", keep=Keep.ONE_MONTH)
    withdrawn_at: Mapped[datetime | None] = columns.moment("When it was withdrawn", keep=Keep.ONE_MONTH)

    enrollments: Mapped[list[Enrollment]] = relationship(
        viewonly=True,
        lazy="raise",
        primaryjoin="and_(GuardianInvitation.school_id == foreign(Enrollment.school_id),"
        " GuardianInvitation.student_id == foreign(Enrollment.student_id), Enrollment.ended_at.is_(None))",
    )


class ViewerRole(StrEnum):
    """As what somebody opened a child's record."""

    TEACHER = "teacher"
    HELPER = "helper"
    LEADER = "leader"


class StudentView(Base):
    """That somebody of the staff opened a child's record; the child's parents see it."""

    __tablename__ = "student_view"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_student_view_viewer_id", "viewer_id", postgresql_where="viewer_id is not null"),
        only("role", ViewerRole),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "student_id", "at"),
        Index(None, "at"),
        titled(lazy("Who opened a student's record")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.SIX_MONTHS, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    student_id: Mapped[int] = columns.reference("Whose record", keep=Keep.SIX_MONTHS)
    viewer_id: Mapped[int | None] = columns.reference(
        "Who opened it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    role: Mapped[str] = columns.choice("As what", keep=Keep.SIX_MONTHS)
    at: Mapped[datetime] = columns.moment("When", keep=Keep.SIX_MONTHS)
