"""How jobs ran, as long as runs are kept: the newest of each, day by day, and the last that went wrong."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Select,
    Text,
    cast,
    extract,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.orm import aliased

from backoffice import clock
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.jobs.kinds import days_kept
from backoffice.jobs.models import JobRun, RunState
from backoffice.tiles import days_up_to_today

MOST_MARKS = 30
BEGUN = tuple(state.value for state in RunState if state not in {RunState.WAITING, RunState.SKIPPED})
OPEN = (RunState.WAITING.value, RunState.RUNNING.value)
WRONG = (RunState.FAILED.value, RunState.LOST.value)


@dataclass(frozen=True)
class Mark:
    """A run in short."""

    public_id: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None

    @property
    def took(self) -> timedelta:
        """How long it ran, up to now while it does."""
        return (self.finished_at or clock.now()) - self.started_at


@dataclass(frozen=True)
class Day:
    """The runs that began on one day. Without any that succeeded there is no time that they took."""

    day: date
    runs: int = 0
    failed: int = 0
    median: timedelta | None = None
    worst: timedelta | None = None


@dataclass(frozen=True)
class Waiting:
    """How many runs wait to begin, and since when the oldest does that was not tried before."""

    count: int
    oldest: datetime | None


def newest(tx: Transaction, *, jobs: Collection[str], most: int = MOST_MARKS) -> dict[str, list[Mark]]:
    """The newest runs of each job that have begun, the newest first; each job looked up by itself."""
    names = func.unnest(cast(sorted(jobs), ARRAY(Text))).table_valued("name").alias("names")
    run = aliased(JobRun)
    found = (
        select(run.id)
        .where(run.job == names.c.name, run.state.in_(BEGUN))
        .order_by(run.id.desc())
        .limit(most)
        .lateral("found")
    )
    numbers = select(found.c.id).select_from(names.join(found, true()))
    statement = select(
        JobRun.job, JobRun.public_id, JobRun.state, JobRun.started_at, JobRun.asked_at, JobRun.finished_at
    ).where(JobRun.id.in_(numbers))
    marks: dict[str, list[Mark]] = {}
    for row in tx.execute(visible(tx.principal, statement).order_by(JobRun.id.desc())):
        mark = Mark(row.public_id, RunState(row.state), row.started_at or row.asked_at, row.finished_at)
        marks.setdefault(row.job, []).append(mark)
    return marks


def by_day(tx: Transaction, *, jobs: Collection[str], days: int | None = None) -> list[Day]:
    """The days up to today as the principal's zone counts them, each with the runs of these jobs."""
    zone = ZoneInfo(tx.principal.time_zone)
    every = days_up_to_today(days or days_kept(), zone)
    runs = visible(
        tx.principal,
        select(JobRun.started_at, JobRun.finished_at, JobRun.state).where(
            JobRun.job.in_(sorted(jobs)), JobRun.started_at >= datetime.combine(every[0], time(), zone)
        ),
    ).subquery()
    seconds = extract("epoch", runs.c.finished_at - runs.c.started_at)
    good = runs.c.state == RunState.SUCCEEDED
    day = cast(func.timezone(literal(zone.key), runs.c.started_at, type_=DateTime()), Date)
    statement = select(
        day.label("day"),
        func.count().label("runs"),
        func.count().filter(runs.c.state.in_(WRONG)).label("failed"),
        func.percentile_cont(0.5).within_group(seconds).filter(good).label("median"),
        func.max(seconds).filter(good).label("worst"),
    ).group_by(day)
    found = {
        row.day: Day(row.day, row.runs, row.failed, _length(row.median), _length(row.worst))
        for row in tx.execute(statement)
    }
    return [found.get(each, Day(each)) for each in every]


def failures(tx: Transaction, *, days: int) -> dict[date, int]:
    """How many runs of any job went wrong on each of the days up to today."""
    zone = ZoneInfo(tx.principal.time_zone)
    every = days_up_to_today(days, zone)
    wrong = visible(
        tx.principal,
        select(JobRun.finished_at).where(
            JobRun.state.in_(WRONG), JobRun.finished_at >= datetime.combine(every[0], time(), zone)
        ),
    ).subquery()
    day = cast(func.timezone(literal(zone.key), wrong.c.finished_at, type_=DateTime()), Date)
    found: dict[date, int] = dict(tx.execute(select(day, func.count()).group_by(day)).all())
    return {each: found.get(each, 0) for each in every}


def last_wrong(tx: Transaction, *, job: str) -> JobRun | None:
    """The last run of a job that failed or was lost, if it is still known."""
    wrong = visible(tx.principal, select(JobRun)).where(JobRun.job == job, JobRun.state.in_(WRONG))
    return tx.scalars(wrong.order_by(JobRun.id.desc()).limit(1)).first()


def at_work(tx: Transaction, *, job: str, most: int = 5) -> Sequence[JobRun]:
    """The runs of a job that wait or run, the newest first."""
    statement = visible(tx.principal, select(JobRun)).where(JobRun.job == job, JobRun.state.in_(OPEN))
    return tx.scalars(statement.order_by(JobRun.id.desc()).limit(most)).all()


def waiting(tx: Transaction, *, jobs: Collection[str], most: int) -> Waiting:
    """How many runs of these jobs wait; counted no further than one beyond `most`."""
    statement = select(JobRun.asked_at, JobRun.attempt).where(
        JobRun.state == RunState.WAITING.value, JobRun.job.in_(sorted(jobs))
    )
    some = visible(tx.principal, statement).limit(most + 1).subquery()
    # What is tried again waits longer each time, whatever the workers do.
    first = func.min(some.c.asked_at).filter(some.c.attempt == 1)
    count, oldest = tx.execute(select(func.count(), first)).one()
    return Waiting(count, oldest)


def runs(
    tx: Transaction, *, job: str, state: str | None, begun: tuple[datetime | None, datetime | None]
) -> Select[JobRun]:
    """The runs of a job that the principal may see, in one state and asked for between two moments."""
    statement = visible(tx.principal, select(JobRun)).where(JobRun.job == job)
    first, until = begun
    if state is not None:
        statement = statement.where(JobRun.state == state)
    if first is not None:
        statement = statement.where(func.coalesce(JobRun.started_at, JobRun.asked_at) >= first)
    if until is not None:
        statement = statement.where(func.coalesce(JobRun.started_at, JobRun.asked_at) < until)
    return statement


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))
