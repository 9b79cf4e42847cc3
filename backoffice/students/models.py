"""Signed-in children, as a table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Class, Keep


class StudentSession(Base):
    """A child at a device. The signed token in the cookie names this row and nothing else."""

    __tablename__ = "student_session"
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
        ForeignKeyConstraint(
            ["school_id", "code_id"],
            ["app.classroom_code.school_id", "app.classroom_code.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "card_id"],
            ["app.student_card.school_id", "app.student_card.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "tablet_id"],
            ["app.classroom_tablet.school_id", "app.classroom_tablet.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("(code_id is null) <> (card_id is null)", name="one_way_in"),
        Index(None, "school_id", "started_at"),
        Index(None, "school_id", "tablet_id"),
        Index(None, "school_id", "classroom_id", "student_id"),
        Index(None, "school_id", "code_id"),
        Index(None, "school_id", "card_id"),
        Index(None, "school_id", "classroom_id", "device"),
        # Finds what is due; each request writes the column, and no index of this kind with it.
        Index(None, "last_seen_at", postgresql_using="brin"),
        titled(lazy("Sign-ins of children")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.SIX_MONTHS, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    token_id: Mapped[UUID] = columns.token_id("Recognises the token of the session", keep=Keep.SIX_MONTHS)
    classroom_id: Mapped[int] = columns.reference("The class it is for", keep=Keep.SIX_MONTHS)
    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.SIX_MONTHS)
    code_id: Mapped[int | None] = columns.reference(
        "The code that let the child in, if one did", keep=Keep.SIX_MONTHS
    )
    card_id: Mapped[int | None] = columns.reference(
        "The card that let the child in, if one did", keep=Keep.SIX_MONTHS
    )
    tablet_id: Mapped[int | None] = columns.reference("The tablet that it is at", keep=Keep.SIX_MONTHS)
    device: Mapped[UUID | None] = columns.keyed_digest(
        "Tells a device of the class from a stranger's, and unlocks it", keep=Keep.SIX_MONTHS
    )
    started_at: Mapped[datetime] = columns.moment("When the child signed in", keep=Keep.SIX_MONTHS)
    last_seen_at: Mapped[datetime] = columns.moment("Ends the session when idle", keep=Keep.SIX_MONTHS)
    idle_minutes: Mapped[int] = columns.number("How long it may be idle", keep=Keep.SIX_MONTHS)
    expires_at: Mapped[datetime] = columns.moment("When it ends in any case", keep=Keep.SIX_MONTHS)
    ended_at: Mapped[datetime | None] = columns.moment("When the child left", keep=Keep.SIX_MONTHS)
    address: Mapped[str | None] = columns.sealed(
        "Shows misuse of a code", keep=Keep.SIX_MONTHS, kind=Class.NETWORK_ADDRESS
    )
