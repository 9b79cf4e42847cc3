"""How jobs ran, as pictures: the strip of the newest runs, and times and failures by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backoffice.console.charts import Columns, Range, Times, columns, times
from backoffice.console.charts import Mark as Column
from backoffice.jobs.history import MOST_MARKS, Day, Mark
from backoffice.jobs.history import WRONG as WRONG_STATES
from backoffice.jobs.models import RunState
from backoffice.tiles import counted
from backoffice.web.times import ago, took

STEP = 6
WIDTH, MOST_TITLES = 480.0, 4
# What the whole height of the chart of failures stands for at least.
FEWEST_FAILURES = 4


@dataclass(frozen=True)
class StripMark:
    """One run of a strip."""

    x: int
    kind: str
    tall: bool
    title: str


@dataclass(frozen=True)
class Strip:
    """The newest runs from left to right, and in words."""

    marks: Sequence[StripMark]
    words: str
    width: int = MOST_MARKS * STEP


@dataclass(frozen=True)
class ByDay:
    """Days in numbers and in pictures. Without a picture there is nothing to draw."""

    days: Sequence[dict[str, Any]]
    times: Times | None
    failures: Columns | None
    runs: int
    failed: int


def strip(marks: Sequence[Mark]) -> Strip | None:
    """The strip of some runs, the newest first; None without any."""
    if not marks:
        return None
    counts = Counter(mark.state.value for mark in marks)
    said = ", ".join(f"{number} {state}" for state, number in counts.most_common())
    first = MOST_MARKS - len(marks)
    return Strip(
        [
            StripMark(
                (first + number) * STEP + 1,
                mark.state.value,
                mark.state in WRONG_STATES,
                f"{mark.state.capitalize()} {ago(mark.started_at)}"
                + (f", took {took(mark.took)}" if mark.state != RunState.RUNNING else ""),
            )
            for number, mark in enumerate(reversed(marks))
        ],
        f"The last {counted(len(marks), 'run')}: {said}." if len(marks) > 1 else f"One run: {said}.",
    )


def by_day(days: Sequence[Day]) -> ByDay:
    """Some days as a chart of times, one of failures, and the rows of the table behind both."""
    ranges = [
        Range(
            f"{_long(day)}: half took at most {took(day.median)}, the slowest {took(day.worst)}"
            if day.median is not None and day.worst is not None
            else _long(day),
            _short(day),
            day.median,
            day.worst,
        )
        for day in days
    ]
    failed = sum(day.failed for day in days)
    marks = [Column(_long(day), _short(day), day.failed) for day in days]
    return ByDay(
        days=[
            {
                "date": day.day.isoformat(),
                "title": _long(day),
                "runs": day.runs,
                "failed": day.failed,
                "median": took(day.median) if day.median is not None else "",
                "worst": took(day.worst) if day.worst is not None else "",
            }
            for day in reversed(days)
            if day.runs
        ],
        times=times(ranges, width=WIDTH, most_titles=MOST_TITLES),
        failures=columns(marks, width=WIDTH, most_titles=MOST_TITLES, at_least=FEWEST_FAILURES)
        if failed
        else None,
        runs=sum(day.runs for day in days),
        failed=failed,
    )


def _long(day: Day) -> str:
    return f"{day.day:%A}, {day.day.day} {day.day:%B}"


def _short(day: Day) -> str:
    return f"{day.day.day} {day.day:%b}"
