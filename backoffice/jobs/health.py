"""How jobs are: at a glance, from when they are due and how they ran last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.jobs import history, queries
from backoffice.jobs.history import Mark
from backoffice.jobs.models import JobSchedule, RunState
from backoffice.jobs.registry import Registered

# A scheduler that has just begun, or a queue that is full for a moment, is no news.
LATE_AFTER = timedelta(minutes=15)


class Health(StrEnum):
    """How a job is. The first that fits, in this order."""

    RESTING = "resting"
    FAILED = "failed"
    LATE = "late"
    RUNNING = "running"
    GOOD = "good"
    NEVER = "never"


WRONG = frozenset({Health.FAILED, Health.LATE})


@dataclass(frozen=True)
class Condition:
    """An installed job: whether it is on, when it is due, and its newest runs, the newest first."""

    entry: Registered
    on: bool
    schedule: JobSchedule | None
    marks: Sequence[Mark]

    @property
    def paused(self) -> bool:
        """Whether somebody lets it rest."""
        return self.schedule is not None and self.schedule.paused_at is not None

    @property
    def last(self) -> Mark | None:
        """Its newest run that has begun."""
        return self.marks[0] if self.marks else None

    @property
    def next_at(self) -> datetime | None:
        """When it runs next by itself, if it does."""
        if self.schedule is None or self.entry.job.when is None or self.paused or not self.on:
            return None
        return self.schedule.next_at

    @property
    def health(self) -> Health:
        """How it is, in one word."""
        if not self.on or self.paused:
            return Health.RESTING
        if self.last is not None and self.last.state in history.WRONG:
            return Health.FAILED
        if self.next_at is not None and self.next_at < clock.now() - LATE_AFTER:
            return Health.LATE
        if self.last is None:
            return Health.NEVER
        return Health.RUNNING if self.last.state == RunState.RUNNING else Health.GOOD


def conditions(
    tx: Transaction, jobs: Mapping[str, Registered], *, most: int = history.MOST_MARKS
) -> list[Condition]:
    """How each of these jobs is, in their order, with so many of its runs at most; two statements."""
    schedule = queries.schedules(tx)
    marks = history.newest(tx, jobs=jobs, most=most)
    return [
        Condition(entry, entry.is_on(tx), schedule.get(name), marks.get(name, ()))
        for name, entry in jobs.items()
    ]


def count(found: Iterable[Condition]) -> dict[Health, int]:
    """How many are how; all of them are named."""
    counts = dict.fromkeys(Health, 0)
    for each in found:
        counts[each.health] += 1
    return counts
