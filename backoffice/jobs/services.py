"""What a person does with jobs: run one now, let it rest, let it go on, set another time."""

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import JOBS_EDIT, JOBS_RUN, Permission
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal, Purpose
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.jobs import queries, registry
from backoffice.jobs.job import When, WhenError
from backoffice.jobs.models import Asked, JobRun, JobSchedule
from backoffice.jobs.queue import put
from backoffice.jobs.registry import Registered
from backoffice.language.texts import gettext
from backoffice.problems import Rejected

PURPOSE = Purpose("core.run-now")


def run_now(*, principal: Principal, job: str) -> str:
    """Have a worker run the job now, before what came by itself; returns the run's identifier.

    Asked for again before it has begun, it is the same run. Raises `NotFound`, `Denied`, and `Rejected` for
    a job that is only ever asked for something in particular, or whose plugin is switched off.
    """
    with transaction(principal) as tx:
        require(tx.principal, JOBS_RUN)
        if job not in registry.installed():
            raise NotFound
        refuse_what_cannot_run(tx, registry.one(job))
        waiting = queries.waiting_run(tx, job=job, asked=(Asked.PERSON,))
        if waiting is not None and _is_queued(waiting):
            return waiting.public_id
        run = put(tx, job, {}, asked=Asked.PERSON)
        record(tx, "jobs.run", job=job)
        return run


def refuse_what_cannot_run(tx: Transaction, entry: Registered) -> None:
    """Raises `Rejected` for a job that nobody can run now, with nothing given to it."""
    if entry.job.when is None:
        raise Rejected.whole(gettext("This job does not run by itself: what needs it asks for it."))
    if not entry.is_on(tx):
        raise Rejected.whole(gettext("Its plugin is switched off. Switch it on first."))


def pause_job(*, principal: Principal, job: str) -> None:
    """Let a job rest: it is not run by itself until it is resumed. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = _schedule(tx, job, JOBS_EDIT)
        if row.paused_at is None:
            row.paused_at, row.paused_by = clock.now(), tx.principal.account_id
            record(tx, "jobs.pause", job=job)


def resume_job(*, principal: Principal, job: str) -> None:
    """Let a job that rests go on at its next time; what it missed is not made up for. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = _schedule(tx, job, JOBS_EDIT)
        if row.paused_at is not None:
            row.paused_at = row.paused_by = None
            row.next_at = When(row.time).next_after(clock.now())
            record(tx, "jobs.resume", job=job)


def change_time(
    *,
    principal: Principal,
    job: str,
    time: str | None,
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Set when a job runs by itself, as text of `When`; None for the time that it came with.

    `seen` is the `version` of the time that was shown. Raises `NotFound`, `Overtaken`, and `Rejected` for a
    text that says no time.
    """
    with transaction(principal) as tx:
        row = _schedule(tx, job, JOBS_EDIT)
        came_with = registry.one(job).job.when
        assert came_with is not None
        try:
            when = came_with if time is None else When(time)
        except WhenError as error:
            raise Rejected.whole(str(error)) from None
        if not is_to_be_written(seen, now=(row.time,), wanted=(when.text,)):
            return
        keep_change(tx, row, back, time=(row.time, when.text))
        if when.text == row.time:
            return
        now = clock.now()
        own = when != came_with
        row.time, row.next_at = when.text, when.next_after(now)
        row.changed_at, row.changed_by = (now, tx.principal.account_id) if own else (None, None)
        record(tx, "jobs.change-time", job=job, time=when.text)


def _is_queued(run: JobRun) -> bool:
    # As the system: people add to the queue and read nothing of it.
    with transaction(PURPOSE) as tx:
        return queries.is_queued(tx, run.number)


def _schedule(tx: Transaction, job: str, permission: Permission) -> JobSchedule:
    """The row of a job that runs by itself, locked. Raises `NotFound`."""
    statement = visible(tx.principal, select(JobSchedule).where(JobSchedule.job == job), permission)
    row = tx.scalars(statement.with_for_update()).one_or_none()
    if row is None or job not in registry.installed() or registry.one(job).job.when is None:
        raise NotFound
    return row
