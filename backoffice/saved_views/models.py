"""A saved view, as a table."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Class, Keep


class SharedWith(StrEnum):
    """Who sees a view besides its owner: nobody, or whom of its school. Leaders see all of their school's."""

    NOBODY = "nobody"
    LEADERS = "leaders"
    TEACHERS = "teachers"
    SCHOOL = "school"


class SavedView(Base):
    """A list as somebody likes to see it.

    It is its owner's as long as it is shared with nobody, and goes with the account. A shared one is the
    school's: leaders change it, it outlives whoever made it and goes with the school.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "account_id", "grid"),
        Index(None, "school_id", "grid"),
        Index(
            "uq_saved_view_own_default",
            "account_id",
            "grid",
            unique=True,
            postgresql_where="is_default and school_id is null",
        ),
        Index(
            "uq_saved_view_shared_default",
            "school_id",
            "grid",
            "shared_with",
            unique=True,
            postgresql_where="is_default and school_id is not null",
        ),
        only("shared_with", SharedWith),
        CheckConstraint("(shared_with = 'nobody') = (school_id is null)", name="shared_in_a_school"),
        CheckConstraint("school_id is not null or account_id is not null", name="somebodys"),
        # Sealed: 2 kB of state and what the seal adds.
        CheckConstraint("octet_length(state) <= 2304", name="state_is_short"),
        titled(lazy("Saved views")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ACCOUNT)
    account_id: Mapped[int | None] = columns.reference(
        "Who saved it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    school_id: Mapped[int | None] = columns.reference(
        "In which school it is shared", ForeignKey("app.school.id", ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    grid: Mapped[str] = columns.text("Of which list it is", keep=Keep.ACCOUNT)
    name: Mapped[str] = columns.sealed("What it is called", keep=Keep.ACCOUNT)
    state: Mapped[str] = columns.sealed(
        "Filters, columns and order, with identifiers and without names",
        keep=Keep.ACCOUNT,
        kind=Class.PSEUDONYM,
    )
    about: Mapped[list[UUID]] = columns.about(keep=Keep.ACCOUNT)
    shared_with: Mapped[str] = columns.choice("Who sees it besides its owner", keep=Keep.ACCOUNT)
    is_default: Mapped[bool] = columns.flag("Whether the list opens with it", keep=Keep.ACCOUNT)
    pinned: Mapped[bool] = columns.flag("Whether the first page shows its number", keep=Keep.ACCOUNT)
    created_at: Mapped[datetime] = columns.moment("When it was saved", keep=Keep.ACCOUNT)
