"""What of schools comes to an end: contracts, and classes that nobody teaches any more. As tables."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class ContractEnd(Base):
    """The contract of a school or of a district ends, and what its leaders were told of it.

    `told_days` is how many days before the erasure the last letter came, and `told_by` are its mails, by
    public identifier. From `begun_at` on there is no way back.
    """

    __tablename__ = "contract_end"
    __table_args__ = (
        CheckConstraint("(school_id is null) <> (district_id is null)", name="one_place"),
        CheckConstraint("(told_at is null) = (told_days is null)", name="told_when_and_what"),
        UniqueConstraint("school_id"),
        UniqueConstraint("district_id"),
        Index(None, "ends_at"),
        titled(lazy("Contracts that ended or will")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    school_id: Mapped[int | None] = columns.reference(
        "Whose contract", ForeignKey("app.school.id", ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    district_id: Mapped[int | None] = columns.reference(
        "Whose contract", ForeignKey("app.district.id", ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    ends_at: Mapped[datetime] = columns.moment("When the contract ends", keep=Keep.SCHOOL)
    due_at: Mapped[datetime] = columns.moment("When everything is erased", keep=Keep.SCHOOL)
    told_days: Mapped[int | None] = columns.number(
        "How many days before that leaders were last told", keep=Keep.SCHOOL
    )
    told_at: Mapped[datetime | None] = columns.moment("When leaders were last told", keep=Keep.SCHOOL)
    told_by: Mapped[list[str] | None] = columns.words("The mails that told them", keep=Keep.SCHOOL)
    begun_at: Mapped[datetime | None] = columns.moment("When the erasure began", keep=Keep.SCHOOL)


class OwnerlessClass(Base):
    """A class of a school that has lost its last teacher; the database notes it, and that it has one again.

    `since` is when that was first seen, and `told_days` how many days before the erasure the leaders were
    last told, by the mails `told_by`.
    """

    __tablename__ = "ownerless_class"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        Index(None, "since"),
        titled(lazy("Classes that lost their last teacher")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.CLASSROOM, primary_key=True)
    since: Mapped[datetime | None] = columns.moment(
        "Since when nobody has been seen to teach it", keep=Keep.CLASSROOM
    )
    due_at: Mapped[datetime | None] = columns.moment(
        "When it is erased, unless somebody takes it before", keep=Keep.CLASSROOM
    )
    told_days: Mapped[int | None] = columns.number(
        "How many days before that leaders were last told", keep=Keep.CLASSROOM
    )
    told_at: Mapped[datetime | None] = columns.moment("When leaders were last told", keep=Keep.CLASSROOM)
    told_by: Mapped[list[str] | None] = columns.words("The mails that told them", keep=Keep.CLASSROOM)
