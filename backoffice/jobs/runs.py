"""Running one job: alone, with a row that tells of it, and at most as often as it may be tried."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from flask import Flask
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.jobs import failures, queries
from backoffice.jobs.job import Counts
from backoffice.jobs.models import Asked, JobRun, RunState
from backoffice.jobs.queue import lock_of
from backoffice.jobs.registry import Registered
from backoffice.storage import database

logger = structlog.get_logger("backoffice")

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(hours=1)
GROWTH = 4
BUSY = timedelta(seconds=5)
BETWEEN_WRITES = 1.0  # seconds
MOST_LINES, LONGEST_LINE = 200, 300


class Again(Exception):
    """The job is to be run again, not before `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__("The job is run again later.")
        self.at = at


class GivenUp(Exception):
    """The job failed as often as it may."""


class Busy(Exception):
    """The same job with the same arguments is being worked on at this moment."""


def delay(attempt: int) -> timedelta:
    """How long to wait after a failed attempt (the first is 1): ever longer."""
    # The queue may have counted thousands of attempts; no moment is that far away.
    return min(FIRST_DELAY * int(GROWTH ** min(attempt - 1, 10)), LONGEST_DELAY)


@dataclass
class Run:
    """What a job is given; see `backoffice.jobs.job.JobRun`."""

    id: int
    attempt: int
    app: Flask
    who: Purpose
    arguments: Mapping[str, int | str]
    number: int | None = None
    last: bool = True
    done: int | None = None
    total: int | None = None
    lines: list[str] = field(default_factory=list)
    _written: float = field(default=0.0, repr=False)

    def progress(self, done: int, total: int | None = None) -> None:
        """Show how far the work is."""
        self.done, self.total = done, total
        self._write_sometimes()

    def say(self, sentence: str) -> None:
        """Add a line to the run's log; past 200 lines the oldest go."""
        self.lines = [*self.lines[1 - MOST_LINES :], " ".join(sentence.split())[:LONGEST_LINE]]
        self._write_sometimes()

    @property
    def told(self) -> dict[str, object]:
        """What the run's row says of the work."""
        return {"done": self.done, "total": self.total, "log": "\n".join(self.lines) or None}

    def _write_sometimes(self) -> None:
        now = time.monotonic()
        if now - self._written >= BETWEEN_WRITES:
            self._written = now
            with transaction(self.who) as tx:
                _change(tx, self.id, **self.told)


def run_queued(entry: Registered, *, number: int, arguments: Mapping[str, int | str], app: Flask) -> None:
    """Run a job that a worker has taken from the queue.

    Does nothing if an earlier attempt has done it already. Raises `Again` when it is to be tried later,
    `GivenUp` when it is not.
    """
    with database.alone(lock_of(entry.name, arguments)) as alone:
        if not alone:
            raise Again(clock.now() + BUSY)
        run = _begin(entry, number, arguments, app)
        if run is not None:
            _work(entry, run)


def run_here(entry: Registered, *, app: Flask) -> Counts:
    """Run a job in this process, outside the queue; once, whatever its attempts. Returns what it counted.

    Raises `Busy` if it is being run elsewhere, `GivenUp` if it fails.
    """
    with database.alone(lock_of(entry.name, {})) as alone:
        if not alone:
            raise Busy
        who = Purpose(entry.name)
        now = clock.now()
        with transaction(who) as tx:
            run_id = _add(
                tx, job=entry.name, asked=Asked.COMMAND, state=RunState.RUNNING, asked_at=now, started_at=now
            )
        return _work(entry, Run(run_id, 1, app, who, {}))


def _begin(entry: Registered, number: int, arguments: Mapping[str, int | str], app: Flask) -> Run | None:
    """Make the run's row tell that it runs; None if the work is done already. Raises `GivenUp`."""
    who = Purpose(entry.name)
    with transaction(who) as tx:
        known = queries.runs_of_number(tx, number)
        if any(row.state == RunState.SUCCEEDED for row in known):
            skip_waiting(known)
            return None
        row = _row_to_run(tx, entry, number, known)
        if row is not None:
            row.state, row.started_at = RunState.RUNNING, clock.now()
    if row is None:
        raise GivenUp
    last = row.attempt >= entry.job.attempts
    return Run(row.id, row.attempt, app, who, arguments, number, last)


def _row_to_run(tx: Transaction, entry: Registered, number: int, known: Sequence[JobRun]) -> JobRun | None:
    """The row of the attempt that begins now, or None if there have been as many as there may."""
    latest = known[0] if known else None
    if latest is None:
        added = _add(tx, job=entry.name, number=number, asked=Asked.SERVICE, asked_at=clock.now())
        return tx.get_one(JobRun, added)
    if latest.state == RunState.RUNNING:
        # Nobody works under the lock, so whoever began it has died.
        latest.state, latest.finished_at = RunState.LOST, clock.now()
    if latest.state != RunState.WAITING and latest.attempt >= entry.job.attempts:
        return None
    try_again(tx, known)
    return queries.runs_of_number(tx, number)[0]


def _work(entry: Registered, run: Run) -> Counts:
    """Do the work and write how it went. Raises `Again`, `GivenUp`."""
    started = time.monotonic()
    try:
        counts = entry.job.work(run) or {}
    except Exception as error:  # noqa: BLE001 - whatever it is, the run tells of it
        again_at = _failed(entry, run, error)
        _log(entry, run, RunState.FAILED, started, error)
        raise (Again(again_at) if again_at else GivenUp()) from None
    with transaction(run.who) as tx:
        _change(
            tx,
            run.id,
            state=RunState.SUCCEEDED,
            finished_at=clock.now(),
            counts="\n".join(f"{str.__str__(name)}: {count}" for name, count in counts.items()) or None,
            error=None,
            **run.told,
        )
        if run.number is not None:
            # Declared lost while its worker was only paused: what was to be tried again is done.
            skip_waiting(queries.runs_of_number(tx, run.number))
    _log(entry, run, RunState.SUCCEEDED, started)
    return counts


def _failed(entry: Registered, run: Run, error: Exception) -> datetime | None:
    """Write that the attempt failed; when the next one is due, or None if it was the last."""
    now = clock.now()
    with transaction(run.who) as tx:
        _change(
            tx,
            run.id,
            state=RunState.FAILED,
            finished_at=now,
            error=failures.described(error),
            **run.told,
        )
        if run.number is None or run.attempt >= entry.job.attempts:
            return None
        try_again(tx, queries.runs_of_number(tx, run.number))
    return now + delay(run.attempt)


def try_again(tx: Transaction, known: Sequence[JobRun]) -> None:
    """Add the row of the next attempt, unless somebody has."""
    latest = known[0]
    if latest.state != RunState.WAITING:
        _add(
            tx,
            job=latest.job,
            number=latest.number,
            asked=latest.asked,
            attempt=latest.attempt + 1,
            due_at=latest.due_at,
            asked_at=latest.asked_at,
        )


def skip_waiting(known: Sequence[JobRun]) -> None:
    """Note of attempts that have not begun that there is nothing left to do."""
    for row in known:
        if row.state == RunState.WAITING:
            row.state, row.finished_at = RunState.SKIPPED, clock.now()


def _add(tx: Transaction, **values: object) -> int:
    number = tx.take_id(JobRun)
    tx.execute(
        insert(JobRun).values(**{"id": number, "state": RunState.WAITING, "attempt": 1} | dict(values))
    )
    return number


def _change(tx: Transaction, run_id: int, **values: object) -> None:
    row = tx.get(JobRun, run_id)
    # Forgotten meanwhile: a run may be older than what is kept.
    if row is not None:
        for name, value in values.items():
            setattr(row, name, value)


def _log(
    entry: Registered, run: Run, state: RunState, started: float, error: Exception | None = None
) -> None:
    logger.info(
        "job",
        job=entry.name,
        number=run.number,
        attempt=run.attempt,
        state=state.value,
        seconds=round(time.monotonic() - started, 3),
        kind=type(error).__name__ if error else None,
        at=failures.place(error) if error else None,
    )
