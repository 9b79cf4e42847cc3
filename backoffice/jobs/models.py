"""When jobs are due and how they ran, and beside it the queue, which a library looks after."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ENUM, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class Asked(StrEnum):
    """Why a job runs."""

    SCHEDULE = "schedule"
    PERSON = "person"
    COMMAND = "command"
    SERVICE = "service"


class RunState(StrEnum):
    """How far a run is. `LOST`: its worker died. `SKIPPED`: there was nothing left to do."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    SKIPPED = "skipped"


class JobSchedule(Base):
    """When a job is due next. Only jobs that run by themselves have one."""

    __tablename__ = "job_schedule"
    __table_args__ = (
        UniqueConstraint("job"),
        Index(None, "paused_by"),
        Index(None, "changed_by"),
        titled(lazy("Times of jobs")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    job: Mapped[str] = columns.text("Which job", keep=Keep.FOR_GOOD)
    time: Mapped[str] = columns.text("When it runs, in words", keep=Keep.FOR_GOOD)
    next_at: Mapped[datetime] = columns.moment("When it is due next", keep=Keep.FOR_GOOD)
    last_at: Mapped[datetime | None] = columns.moment("When it was last made to run", keep=Keep.FOR_GOOD)
    paused_at: Mapped[datetime | None] = columns.moment("Since when it rests", keep=Keep.FOR_GOOD)
    paused_by: Mapped[int | None] = columns.reference(
        "Who lets it rest", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    changed_at: Mapped[datetime | None] = columns.moment(
        "When somebody set another time than the one it came with", keep=Keep.FOR_GOOD
    )
    changed_by: Mapped[int | None] = columns.reference(
        "Who set another time", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )


class JobRun(Base):
    """One attempt at a job. What is tried again is a row of its own with the same number."""

    __tablename__ = "job_run"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("number", "attempt"),
        only("asked", Asked),
        only("state", RunState),
        Index(None, "job", "id"),
        Index(None, "asked_by"),
        Index(None, "finished_at"),
        # Few runs wait or run and few went wrong; many have ended well.
        Index("ix_job_run_open", "job", postgresql_where="state in ('waiting', 'running')"),
        Index("ix_job_run_wrong", "job", "id", postgresql_where="state in ('failed', 'lost')"),
        Index("ix_job_run_wrong_by_time", "finished_at", postgresql_where="state in ('failed', 'lost')"),
        titled(lazy("Runs of jobs")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ONE_MONTH)
    job: Mapped[str] = columns.text("Which job", keep=Keep.ONE_MONTH)
    # No foreign key: the queue forgets a job that is done, and the run stays.
    number: Mapped[int | None] = columns.reference("Its number in the queue", keep=Keep.ONE_MONTH)
    asked: Mapped[str] = columns.choice("Why it ran", keep=Keep.ONE_MONTH)
    asked_by: Mapped[int | None] = columns.reference(
        "Who asked for it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.ONE_MONTH)
    attempt: Mapped[int] = columns.number("Which attempt it is, from 1", keep=Keep.ONE_MONTH)
    due_at: Mapped[datetime | None] = columns.moment("When it was due", keep=Keep.ONE_MONTH)
    asked_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.ONE_MONTH)
    started_at: Mapped[datetime | None] = columns.moment("When it began", keep=Keep.ONE_MONTH)
    finished_at: Mapped[datetime | None] = columns.moment("When it ended", keep=Keep.ONE_MONTH)
    done: Mapped[int | None] = columns.number("How much of the work is done", keep=Keep.ONE_MONTH)
    total: Mapped[int | None] = columns.number("How much work there is", keep=Keep.ONE_MONTH)
    counts: Mapped[str | None] = columns.text("What it counted, a line for each", keep=Keep.ONE_MONTH)
    log: Mapped[str | None] = columns.text("What it said, without personal data", keep=Keep.ONE_MONTH)
    error: Mapped[str | None] = columns.text(
        "What kind of failure it was and where, never its message", keep=Keep.ONE_MONTH
    )


# -- the library's tables, mapped so that the inventory of data covers them


class QueueBase(DeclarativeBase):
    """A table of the library that keeps the queue. Its own SQL makes them, not ours."""

    metadata = MetaData(schema="queue")


def _number(purpose: str, *, primary_key: bool = False) -> Any:
    return columns.of_library(BigInteger(), purpose, keep=Keep.ONE_MONTH, primary_key=primary_key)


def _name(purpose: str) -> Any:
    return columns.of_library(String(128), purpose, keep=Keep.ONE_MONTH)


def _word(name: str, purpose: str) -> Any:
    return columns.of_library(ENUM(name=name, create_type=False), purpose, keep=Keep.ONE_MONTH)


def _moment(purpose: str) -> Any:
    return columns.of_library(DateTime(timezone=True), purpose, keep=Keep.ONE_MONTH)


class QueueWorker(QueueBase):
    """A worker that lives, or died lately."""

    __tablename__ = "procrastinate_workers"

    id: Mapped[int] = _number("Number of the worker", primary_key=True)
    last_heartbeat: Mapped[datetime] = _moment("When it last gave a sign of life")


class QueuedJob(QueueBase):
    """A job that waits, is worked on, or failed. See `Registered.queue`."""

    __tablename__ = "procrastinate_jobs"

    id: Mapped[int] = _number("Number of the job in the queue", primary_key=True)
    queue_name: Mapped[str] = _name("Whose job it is, or the core's if no switch stops it")
    task_name: Mapped[str] = _name("Which job")
    priority: Mapped[int] = columns.of_library(Integer(), "What goes first", keep=Keep.ONE_MONTH)
    lock: Mapped[str | None] = columns.of_library(
        Text(), "What must not be worked on twice at once", keep=Keep.ONE_MONTH
    )
    queueing_lock: Mapped[str | None] = columns.of_library(
        Text(), "What must not wait twice; not used", keep=Keep.ONE_MONTH
    )
    args: Mapped[dict[str, int | str]] = columns.of_library(
        JSONB(), "Identifiers to work on, and nothing else", keep=Keep.ONE_MONTH
    )
    status: Mapped[str] = _word("procrastinate_job_status", "How far it is")
    scheduled_at: Mapped[datetime | None] = _moment("Not to be run before")
    attempts: Mapped[int] = columns.of_library(Integer(), "How often it was tried", keep=Keep.ONE_MONTH)
    abort_requested: Mapped[bool] = columns.of_library(
        Boolean(), "Whether it should stop; not used", keep=Keep.ONE_MONTH
    )
    worker_id: Mapped[int | None] = _number("Which worker has it")


class QueueEvent(QueueBase):
    """A change of a job's state."""

    __tablename__ = "procrastinate_events"

    id: Mapped[int] = _number("Number of the change", primary_key=True)
    job_id: Mapped[int] = _number("Of which job")
    type: Mapped[str] = _word("procrastinate_job_event_type", "What changed")
    at: Mapped[datetime | None] = _moment("When it changed")


class QueuePeriodicDefer(QueueBase):
    """The library's own schedule. Not used: `JobSchedule` says when jobs are due."""

    __tablename__ = "procrastinate_periodic_defers"

    id: Mapped[int] = _number("Number of the row", primary_key=True)
    task_name: Mapped[str] = _name("Which job")
    defer_timestamp: Mapped[int | None] = _number("When it was due")
    job_id: Mapped[int | None] = _number("Its number in the queue")
    periodic_id: Mapped[str] = _name("Which of its schedules")
