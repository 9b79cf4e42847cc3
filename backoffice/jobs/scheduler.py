"""The process that decides when jobs run. Any number of them may run: a firing is taken by one.

Every second it looks at the schedule. What is due goes into the queue and on to its next time in one
transaction; what was missed while no scheduler ran is made up for once.
"""

import signal

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.jobs import library_logs, queries, registry
from backoffice.jobs.job import When
from backoffice.jobs.models import Asked, JobSchedule
from backoffice.jobs.queue import put
from backoffice.jobs.reaper import reap

logger = structlog.get_logger("backoffice")

TICK, REAP = 1, 10  # seconds
PURPOSE = Purpose("core.schedule")
STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def run_scheduler() -> None:
    """Decide until SIGTERM, SIGINT or SIGHUP. Outlives a database that goes away."""
    library_logs.route(*library_logs.LIBRARIES)
    # Blocked before any thread begins, and waited for: a handler could interrupt the tick anywhere.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    ticking = _Ticking()
    scheduler = BackgroundScheduler(timezone="UTC")
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(ticking.tick, "interval", seconds=TICK, next_run_time=clock.now(), **options)
    scheduler.add_job(ticking.reap, "interval", seconds=REAP, **options)
    scheduler.start()
    signal.sigwait(STOPS)
    scheduler.shutdown(wait=True)


class _Ticking:
    """The two things that a scheduler does again and again, whatever the database is doing."""

    def __init__(self) -> None:
        self._known = False

    def tick(self) -> None:
        try:
            if not self._known:
                sync()
                self._known = True
            fire_due()
        except SQLAlchemyError as error:
            logger.warning("scheduler", state="waits for the database", kind=type(error).__name__)

    def reap(self) -> None:
        try:
            freed = reap()
        except SQLAlchemyError as error:
            logger.warning("reaper", state="waits for the database", kind=type(error).__name__)
        else:
            if freed:
                logger.warning("reaper", freed=freed)


def sync() -> None:
    """Bring the schedule's rows in line with the installed jobs.

    A new job is due at once, so that a fresh installation checks its promises at once. A time that nobody
    has changed follows the code. Rows of jobs that are gone stay and are passed over.
    """
    now = clock.now()
    with transaction(PURPOSE) as tx:
        for name, when in _timed().items():
            added = tx.scalar(
                insert(JobSchedule)
                .values(job=name, time=when.text, next_at=now)
                .on_conflict_do_nothing(index_elements=["job"])
                .returning(JobSchedule.id)
            )
            if added is None:
                tx.execute(
                    update(JobSchedule)
                    .where(
                        JobSchedule.job == name,
                        JobSchedule.changed_at.is_(None),
                        JobSchedule.time != when.text,
                    )
                    .values(time=when.text, next_at=when.next_after(now))
                )


def fire_due() -> int:
    """Put what is due into the queue and move it to its next time; how many went."""
    with transaction(PURPOSE) as tx:
        now = clock.now()
        due = queries.take_due(tx, jobs=_firing(tx), at=now)
        fired = 0
        for row in due:
            # One that still waits has yet to begin: it makes up for this firing as well.
            waiting = queries.waiting_run(tx, job=row.job, asked=(Asked.SCHEDULE,))
            if waiting is None or not queries.is_queued(tx, waiting.number):
                put(tx, row.job, {}, asked=Asked.SCHEDULE, due_at=row.next_at)
                row.last_at = now
                fired += 1
            row.next_at = When(row.time).next_after(now)
        return fired


def _timed() -> dict[str, When]:
    return {each.name: each.job.when for each in registry.installed().values() if each.job.when is not None}


def _firing(tx: Transaction) -> list[str]:
    """The jobs that run by themselves now: those of plugins that are switched off do not."""
    return [name for name in _timed() if registry.one(name).is_on(tx)]
