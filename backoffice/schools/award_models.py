"""One click of a teacher's that gives points to one child or to many, as a table."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.storage import columns
from backoffice.storage.base import Base, only
from backoffice.storage.columns import Keep


class Whom(StrEnum):
    """Who gets the points of an award."""

    CHOSEN = "chosen"
    CLASS = "class"
    RANDOM = "random"


class PointAward(Base):
    """What was awarded together. Its point entries say to whom; it is taken back as a whole, and once."""

    __tablename__ = "point_award"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_point_award_awarded_by", "awarded_by", postgresql_where="awarded_by is not null"),
        Index("ix_point_award_undone_by", "undone_by", postgresql_where="undone_by is not null"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "action_id"],
            ["app.action.school_id", "app.action.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("school_id", "public_id"),
        # A form that is sent twice is one award.
        UniqueConstraint("school_id", "classroom_id", "form"),
        Index(None, "public_id"),
        Index(None, "school_id", "action_id"),
        Index(None, "school_id", "classroom_id", "awarded_at"),
        only("whom", Whom),
        CheckConstraint("undone_at is not null or undone_by is null", name="undone_by_at_a_time"),
    )

    school_id: Mapped[int] = columns.reference("The tenant", keep=Keep.CLASSROOM, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.CLASSROOM)
    public_id: Mapped[str] = columns.public_id("award", keep=Keep.CLASSROOM)
    classroom_id: Mapped[int] = columns.reference("In which class", keep=Keep.CLASSROOM)
    action_id: Mapped[int] = columns.reference("For what", keep=Keep.CLASSROOM)
    whom: Mapped[str] = columns.choice("Whether chosen, all, or one at random", keep=Keep.CLASSROOM)
    form: Mapped[str] = columns.text("The form that it came by, so that it counts once", keep=Keep.CLASSROOM)
    chosen: Mapped[UUID | None] = columns.keyed_digest(
        "Recognises the same choice of children when the form comes again", keep=Keep.CLASSROOM
    )
    awarded_by: Mapped[int | None] = columns.reference(
        "Who gave it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    awarded_at: Mapped[datetime] = columns.moment("When", keep=Keep.CLASSROOM)
    undone_at: Mapped[datetime | None] = columns.moment("When it was taken back", keep=Keep.CLASSROOM)
    undone_by: Mapped[int | None] = columns.reference(
        "Who took it back", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
