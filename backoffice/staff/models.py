"""Invitations into schools, as a table."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class InvitedAs(StrEnum):
    """What somebody is invited to be; the last three in one class."""

    TEACHER = "teacher"
    LEADER = "leader"
    CO_TEACHER = "co_teacher"
    HELPER = "helper"
    # In the place of who owns it now, who co-teaches it from then on.
    OWNER = "owner"


# What the owner of a class may invite somebody to be in it.
BESIDE_THE_OWNER = frozenset({InvitedAs.CO_TEACHER, InvitedAs.HELPER})
IN_A_CLASS = BESIDE_THE_OWNER | {InvitedAs.OWNER}


class Invitation(Base):
    """A leader, or the owner of a class, asks whoever has an address to work there.

    The link's token is made by the worker that mails it: the web stores an invitation without one, and takes
    it away again where the link is to be dead.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("role", InvitedAs),
        CheckConstraint(
            "(role in ('co_teacher', 'helper', 'owner')) = (classroom_id is not null)",
            name="class_where_needed",
        ),
        CheckConstraint("accepted_at is null or withdrawn_at is null", name="one_end"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "classroom_id"),
        Index(None, "invited_by"),
        Index(None, "email_index"),
        # Nobody is asked for one thing twice at a time.
        Index(
            "uq_invitation_open",
            "school_id",
            "email_index",
            "role",
            "classroom_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where="accepted_at is null and withdrawn_at is null",
        ),
        Index(None, "expires_at"),
        titled(lazy("Invitations of staff")),
    )

    school_id: Mapped[int] = columns.reference(
        "Its school",
        ForeignKey("app.school.id", ondelete="CASCADE"),
        keep=Keep.ONE_MONTH,
        primary_key=True,
    )
    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ONE_MONTH)
    email: Mapped[str] = columns.sealed("Where the invitation is mailed", keep=Keep.ONE_MONTH)
    email_index: Mapped[bytes] = columns.blind_index("Finds the account of the address", keep=Keep.ONE_MONTH)
    name: Mapped[str] = columns.sealed("How the mail greets", keep=Keep.ONE_MONTH)
    role: Mapped[str] = columns.choice("What is offered", keep=Keep.ONE_MONTH)
    classroom_id: Mapped[int | None] = columns.reference("In which class", keep=Keep.ONE_MONTH)
    token_digest: Mapped[bytes | None] = columns.secret_digest("Recognises the link", keep=Keep.ONE_MONTH)
    invited_by: Mapped[int | None] = columns.reference(
        "Who invites", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ONE_MONTH
    )
    created_at: Mapped[datetime] = columns.moment("When somebody was invited", keep=Keep.ONE_MONTH)
    expires_at: Mapped[datetime] = columns.moment("Until when the link opens", keep=Keep.ONE_MONTH)
    accepted_at: Mapped[datetime | None] = columns.moment("When it was accepted", keep=Keep.ONE_MONTH)
    withdrawn_at: Mapped[datetime | None] = columns.moment("When it was withdrawn", keep=Keep.ONE_MONTH)
