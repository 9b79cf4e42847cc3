"""The trail, as two tables: commitments that stay, details that are forgotten.

`audit_entry` says that something happened, when, in which school, and holds a commitment to the rest.
`audit_detail` holds the rest, sealed. Deleting a detail leaves the entry's commitment as it was, so a
trail that has forgotten a child can still be shown to be whole.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Class, Keep
from backoffice.storage.partitions import kept_by_day


class AuditEntry(Base):
    """That something was done. Names nobody."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "school_id", "at"),
        # Written in the order of time.
        Index(None, "at", postgresql_using="brin"),
        titled(lazy("The trail: what was done")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    public_id: Mapped[str] = columns.public_id(keep=Keep.FOR_GOOD)
    at: Mapped[datetime] = columns.moment("When it was done", keep=Keep.FOR_GOOD)
    # No foreign key: the entry outlives the school.
    school_id: Mapped[int | None] = columns.reference("In which school", keep=Keep.FOR_GOOD)
    verb: Mapped[str] = columns.text("What was done", keep=Keep.FOR_GOOD)
    actor_kind: Mapped[str] = columns.text("What kind of actor did it", keep=Keep.FOR_GOOD)
    commitment: Mapped[bytes] = columns.commitment(
        "Proves the detail unchanged without showing it", keep=Keep.FOR_GOOD
    )


class AuditDetail(Base):
    """Who did it to whom, and from where. Sealed, and forgotten with the subject; kept by the day."""

    __tablename__ = "audit_detail"
    __table_args__ = (
        Index(None, "at"),
        Index(None, "about", postgresql_using="gin", postgresql_with={"fastupdate": False}),
        CheckConstraint("redacted = (nonce is null)", name="redacted_answers_to_nothing"),
        titled(lazy("The trail: who did it, and to whom"), **kept_by_day("at")),
    )

    entry_id: Mapped[int] = columns.reference(
        "Which entry",
        ForeignKey("app.audit_entry.id", ondelete="CASCADE"),
        keep=Keep.SIX_MONTHS,
        primary_key=True,
    )
    # As the entry has it. Whoever looks for details says when too: then one day is looked into and not all.
    at: Mapped[datetime] = columns.moment("When it was done", keep=Keep.SIX_MONTHS, primary_key=True)
    school_id: Mapped[int | None] = columns.reference("In which school", keep=Keep.SIX_MONTHS)
    # None, by the database itself, once somebody erased was taken out.
    nonce: Mapped[bytes | None] = columns.commitment("Makes the commitment unguessable", keep=Keep.SIX_MONTHS)
    detail: Mapped[dict[str, Any]] = columns.sealed_json("Who, whom and what", keep=Keep.SIX_MONTHS)
    about: Mapped[list[UUID]] = columns.about(keep=Keep.SIX_MONTHS)
    redacted: Mapped[bool] = columns.flag(
        "Whether somebody erased was taken out of it, so that it no longer matches the commitment",
        keep=Keep.SIX_MONTHS,
    )
    address: Mapped[str | None] = columns.sealed(
        "From where it was done", keep=Keep.SIX_MONTHS, kind=Class.NETWORK_ADDRESS
    )
