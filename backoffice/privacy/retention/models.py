"""What retention did, of each kind how much went, and which policies it went by."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
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


class VersionState(StrEnum):
    """What became of a policy. `VOID`: another took its place before somebody confirmed it."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class PolicyVersion(Base):
    """One policy of retention as a founder proposed it, or as it came with the first start.

    `said` is all of it as JSON and `digest` its SHA-256. Of the kinds in `later` it is in force from
    `later_at` on, and of all others since it was confirmed. `told_from` is when schools began to be told,
    `told_up_to` the account that was told last, and `told_at` when all had been.
    """

    __tablename__ = "policy_version"
    __table_args__ = (
        only("state", VersionState),
        CheckConstraint("(state = 'confirmed') = (confirmed_at is not null)", name="confirmed_once"),
        CheckConstraint("(state in ('withdrawn', 'void')) = (ended_at is not null)", name="ended_once"),
        # The database refuses as well what the service refuses.
        CheckConstraint("confirmed_by <> proposed_by", name="two_founders"),
        Index(None, "proposed_by"),
        Index(None, "confirmed_by"),
        Index("uq_policy_version_waiting", "state", unique=True, postgresql_where="state = 'waiting'"),
        titled(lazy("Policies of retention")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    state: Mapped[str] = columns.choice("What became of it", keep=Keep.FOR_GOOD)
    said: Mapped[str] = columns.text("For how long what is kept, and why", keep=Keep.FOR_GOOD)
    digest: Mapped[str] = columns.text("Tells it from any other", keep=Keep.FOR_GOOD)
    proposed_at: Mapped[datetime] = columns.moment("When it was proposed", keep=Keep.FOR_GOOD)
    proposed_by: Mapped[int | None] = columns.reference(
        "Who proposed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    confirmed_at: Mapped[datetime | None] = columns.moment("When it was confirmed", keep=Keep.FOR_GOOD)
    confirmed_by: Mapped[int | None] = columns.reference(
        "Who confirmed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    ended_at: Mapped[datetime | None] = columns.moment(
        "When it was withdrawn or became void", keep=Keep.FOR_GOOD
    )
    later: Mapped[list[str]] = columns.words(
        "The kinds of data of which it comes in force later", keep=Keep.FOR_GOOD
    )
    later_at: Mapped[datetime | None] = columns.moment(
        "From when on it is in force there", keep=Keep.FOR_GOOD
    )
    told_from: Mapped[datetime | None] = columns.moment(
        "When schools began to be told of it", keep=Keep.FOR_GOOD
    )
    told_up_to: Mapped[int | None] = columns.large_number(
        "How far telling them is, while it goes on", keep=Keep.FOR_GOOD
    )
    told: Mapped[int] = columns.number("How many people of schools were told", keep=Keep.FOR_GOOD)
    told_at: Mapped[datetime | None] = columns.moment("When all had been told", keep=Keep.FOR_GOOD)


class RetentionRun(Base):
    """One run over one kind of data. It names nobody.

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
