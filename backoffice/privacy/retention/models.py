"""What retention did: of each kind how much went, and what is the oldest that is left. It names nobody."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class RunState(StrEnum):
    """How far a run is. `PAUSED` waits for a person, who has `RELEASED` it for the next run to carry out."""

    RUNNING = "running"
    PAUSED = "paused"
    RELEASED = "released"
    DONE = "done"


class RetentionRun(Base):
    """One run over one kind of data.

    What began before `up_to` was due. `due` and `total` are what a paused one was to take, of how much.
    `outlook` says how many are due at the end, and on each of the days after it.
    """

    __tablename__ = "retention_run"
    __table_args__ = (
        only("state", RunState),
        Index(None, "kind", "id"),
        CheckConstraint("(ended_at is null) = (state <> 'done')", name="done_has_ended"),
        # A run that was killed is gone on with, and no other is begun beside it.
        Index("uq_retention_run_open", "kind", unique=True, postgresql_where="ended_at is null"),
        titled(lazy("What went by age")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    kind: Mapped[str] = columns.text("Which kind of data", keep=Keep.FOR_GOOD)
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.FOR_GOOD)
    up_to: Mapped[datetime] = columns.moment("What was older went", keep=Keep.FOR_GOOD)
    began_at: Mapped[datetime] = columns.moment("When it began", keep=Keep.FOR_GOOD)
    ended_at: Mapped[datetime | None] = columns.moment("When it ended", keep=Keep.FOR_GOOD)
    gone: Mapped[int] = columns.large_number("How many went", keep=Keep.FOR_GOOD)
    estimated: Mapped[int | None] = columns.large_number(
        "How many of them were not counted one by one", keep=Keep.FOR_GOOD
    )
    due: Mapped[int | None] = columns.large_number("How many were to go when it paused", keep=Keep.FOR_GOOD)
    total: Mapped[int | None] = columns.large_number("Of how many", keep=Keep.FOR_GOOD)
    oldest: Mapped[datetime | None] = columns.moment(
        "From when the oldest is that was left", keep=Keep.FOR_GOOD
    )
    outlook: Mapped[str | None] = columns.text(
        "How many were due at the end, and on each day after it", keep=Keep.FOR_GOOD
    )
    held: Mapped[int | None] = columns.large_number("How many stayed for a legal hold", keep=Keep.FOR_GOOD)
    released_at: Mapped[datetime | None] = columns.moment("When a person let it go on", keep=Keep.FOR_GOOD)
