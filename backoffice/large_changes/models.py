"""A change of many rows that a worker makes, as a table."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class ChangeState(StrEnum):
    """How far it is. `REFUSED`: it could not be done any more. `STOPPED`: who asked for it thought better."""

    WAITING = "waiting"
    LOOKING = "looking"
    CHANGING = "changing"
    DONE = "done"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"


UNDER_WAY = (ChangeState.WAITING, ChangeState.LOOKING, ChangeState.CHANGING)
_UNDER_WAY = f"state in ({', '.join(repr(each.value) for each in UNDER_WAY)})"


class LargeChange(Base):
    """What somebody has confirmed to have done to many rows, and what became of it.

    It is done as whoever confirmed it, and only as long as that session lasts.
    """

    __tablename__ = "large_change"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "account_id", "id"),
        Index(None, "session_id"),
        Index(None, "asked_at"),
        # Confirmed twice, it is one.
        Index(
            "uq_large_change_under_way",
            "account_id",
            "fingerprint",
            unique=True,
            postgresql_where=_UNDER_WAY,
        ),
        only("state", ChangeState),
        CheckConstraint(f"({_UNDER_WAY}) = (finished_at is null)", name="ends_once"),
        titled(lazy("Changes of many rows")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ONE_MONTH)
    account_id: Mapped[int] = columns.reference(
        "Who asked for it", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ONE_MONTH
    )
    session_id: Mapped[int | None] = columns.reference(
        "In which session it was confirmed",
        ForeignKey("app.account_session.id", ondelete="SET NULL"),
        keep=Keep.ONE_MONTH,
    )
    grid: Mapped[str] = columns.text("In which list", keep=Keep.ONE_MONTH)
    action: Mapped[str] = columns.text("What is done", keep=Keep.ONE_MONTH)
    asked: Mapped[dict[str, Any]] = columns.sealed_json(
        "What the list was narrowed to, and what the form said", keep=Keep.ONE_MONTH
    )
    fingerprint: Mapped[bytes] = columns.blind_index(
        "Tells this change from any other, so that none is made twice", keep=Keep.ONE_MONTH
    )
    count: Mapped[int] = columns.number("How many rows", keep=Keep.ONE_MONTH)
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.ONE_MONTH)
    said: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "What became of it in a sentence, and how it is undone", keep=Keep.ONE_MONTH
    )
    about: Mapped[list[UUID]] = columns.about(keep=Keep.ONE_MONTH)
    asked_at: Mapped[datetime] = columns.moment("When it was confirmed", keep=Keep.ONE_MONTH)
    started_at: Mapped[datetime | None] = columns.moment("When a worker took it up", keep=Keep.ONE_MONTH)
    finished_at: Mapped[datetime | None] = columns.moment("When it ended", keep=Keep.ONE_MONTH)
