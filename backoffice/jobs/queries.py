"""What is asked of schedule, runs and queue."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, text

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.jobs.models import Asked, JobRun, JobSchedule, QueuedJob, QueueWorker, RunState

ALIVE = ("todo", "doing")


# -- schedule


def schedules(tx: Transaction) -> dict[str, JobSchedule]:
    """The schedule's rows by job."""
    return {row.job: row for row in tx.scalars(visible(tx.principal, select(JobSchedule)))}


def take_due(tx: Transaction, *, jobs: Collection[str], at: datetime) -> Sequence[JobSchedule]:
    """The rows that are due, locked; passes over those that another scheduler has just taken."""
    return tx.scalars(
        select(JobSchedule)
        .where(JobSchedule.next_at <= at, JobSchedule.paused_at.is_(None), JobSchedule.job.in_(sorted(jobs)))
        .order_by(JobSchedule.next_at)
        .with_for_update(skip_locked=True)
    ).all()


# -- runs


def note_run(
    tx: Transaction, *, run: str, number: int, asked: Asked, due_at: datetime | None, at: datetime
) -> None:
    """Write the row of a run that waits, for the job with this number in the queue."""
    tx.execute(
        text("select app.note_job_run(:run, :number, :asked, :due_at, :at)"),
        {"run": run, "number": number, "asked": asked.value, "due_at": due_at, "at": at},
    )


def waiting_run(tx: Transaction, *, job: str, asked: Collection[Asked]) -> JobRun | None:
    """A run of the job that was asked for so and has not begun."""
    statement = select(JobRun).where(
        JobRun.job == job, JobRun.state == RunState.WAITING, JobRun.asked.in_([each.value for each in asked])
    )
    return tx.scalars(visible(tx.principal, statement).order_by(JobRun.id.desc()).limit(1)).first()


def is_queued(tx: Transaction, number: int | None) -> bool:
    """Whether the job with this number is still in the queue and has not ended there. As the system only."""
    alive = select(QueuedJob.id).where(QueuedJob.id == number, QueuedJob.status.in_(ALIVE))
    return tx.scalar(alive) is not None


def dead_runs(tx: Transaction) -> Sequence[JobRun]:
    """Runs that wait for a job that the queue has ended or forgotten, locked."""
    alive = select(QueuedJob.id).where(QueuedJob.id == JobRun.number, QueuedJob.status.in_(ALIVE))
    statement = select(JobRun).where(
        JobRun.state == RunState.WAITING, JobRun.number.is_not(None), ~alive.exists()
    )
    return tx.scalars(statement.with_for_update(skip_locked=True)).all()


# -- queue


@dataclass(frozen=True)
class Stalled:
    """A job in the queue whose worker has died."""

    number: int
    name: str


def take_stalled(tx: Transaction, *, silent_for: timedelta) -> list[Stalled]:
    """Jobs of workers that have given no sign of life, locked.

    Heartbeats are written with the database's clock, so they are compared with it and not with ours.
    """
    statement = (
        select(QueuedJob.id, QueuedJob.task_name)
        .outerjoin(QueueWorker, QueueWorker.id == QueuedJob.worker_id)
        .where(
            QueuedJob.status == "doing",
            or_(QueueWorker.id.is_(None), QueueWorker.last_heartbeat < func.now() - silent_for),
        )
        .order_by(QueuedJob.id)
        .with_for_update(of=QueuedJob, skip_locked=True)
    )
    return [Stalled(row.id, row.task_name) for row in tx.execute(statement)]


def driver_of(tx: Transaction) -> object:
    """The driver's own connection of the transaction, for the library that keeps the queue."""
    return tx.connection().connection.driver_connection


def put_back(tx: Transaction, *, number: int, at: datetime) -> None:
    """Let a job that is being worked on wait again, until a moment."""
    tx.execute(
        text("select queue.procrastinate_retry_job_v2(:number, :at, null, null, null)"),
        {"number": number, "at": at},
    )


def end(tx: Transaction, *, number: int, succeeded: bool) -> None:
    """End a job in the queue; one that succeeded is forgotten there, its run tells of it."""
    tx.execute(
        text("""
        select queue.procrastinate_finish_job_v1(
          :number, cast(:status as queue.procrastinate_job_status), :forget)
        """),
        {"number": number, "status": "succeeded" if succeeded else "failed", "forget": succeeded},
    )


def running_without_number(tx: Transaction) -> Sequence[JobRun]:
    """Runs that a command began outside the queue and that have not ended."""
    return tx.scalars(
        select(JobRun).where(JobRun.state == RunState.RUNNING, JobRun.number.is_(None)).with_for_update()
    ).all()


def runs_of_number(tx: Transaction, number: int) -> Sequence[JobRun]:
    """The runs of one job in the queue, the last attempt first, locked."""
    statement = select(JobRun).where(JobRun.number == number).order_by(JobRun.attempt.desc())
    return tx.scalars(statement.with_for_update()).all()


# -- the lock under which a job is worked on


def is_locked(tx: Transaction, lock: str) -> bool:
    """Whether somebody works under the lock now."""
    free = tx.scalar(text("select pg_try_advisory_xact_lock(hashtextextended(:lock, 7203))"), {"lock": lock})
    return not free
