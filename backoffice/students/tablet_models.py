"""Tablets that belong to a class, as a table."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class ClassroomTablet(Base):
    """A device that starts at the names of one class while its door is open; its cookie holds the token.

    It begins as a pairing, which a picture opens once within some minutes.
    """

    __tablename__ = "classroom_tablet"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("public_id"),
        Index(None, "school_id", "classroom_id"),
        Index(None, "paired_by"),
        CheckConstraint(
            "(paired_at is null) = (token_digest is null) and (paired_at is null) = (expires_at is null)",
            name="paired_or_not",
        ),
        titled(lazy("Tablets of classes")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.CLASSROOM)
    public_id: Mapped[str] = columns.public_id(keep=Keep.CLASSROOM)
    classroom_id: Mapped[int] = columns.reference("The class it belongs to", keep=Keep.CLASSROOM)
    label: Mapped[str] = columns.sealed("What the teacher calls it", keep=Keep.CLASSROOM)
    paired_by: Mapped[int | None] = columns.reference(
        "Who paired it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    created_at: Mapped[datetime] = columns.moment("When the picture was shown", keep=Keep.CLASSROOM)
    pairing_digest: Mapped[bytes | None] = columns.secret_digest(
        "Recognises the picture that pairs it, once", keep=Keep.CLASSROOM
    )
    pairing_until: Mapped[datetime] = columns.moment("How long the picture works", keep=Keep.CLASSROOM)
    token_digest: Mapped[bytes | None] = columns.secret_digest(
        "Recognises the tablet by its cookie", keep=Keep.CLASSROOM
    )
    paired_at: Mapped[datetime | None] = columns.moment("When it was paired", keep=Keep.CLASSROOM)
    expires_at: Mapped[datetime | None] = columns.moment("When it is forgotten", keep=Keep.CLASSROOM)
    last_used_at: Mapped[datetime | None] = columns.moment("When it was last used", keep=Keep.CLASSROOM)
    voided_at: Mapped[datetime | None] = columns.moment("When it was made to stop", keep=Keep.CLASSROOM)
