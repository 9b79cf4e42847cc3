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
from backoffice.language.moments import amount, short_day, spoken_day, weekday
from backoffice.language.texts import gettext, lazy
from backoffice.web.times import ago, took

STATES = {
    RunState.SUCCEEDED: lazy("Succeeded"),
    RunState.FAILED: lazy("Failed"),
    RunState.LOST: lazy("Lost"),
    RunState.RUNNING: lazy("Running"),
    RunState.WAITING: lazy("Waiting"),
    RunState.SKIPPED: lazy("Skipped"),
}
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
    counts = Counter(mark.state for mark in marks)
    said = ", ".join(f"{number} {STATES[state].lower()}" for state, number in counts.most_common())
    first = MOST_MARKS - len(marks)
    return Strip(
        [
            StripMark(
                (first + number) * STEP + 1,
                mark.state.value,
                mark.state in WRONG_STATES,
                _words(mark),
            )
            for number, mark in enumerate(reversed(marks))
        ],
        gettext("The last %(count)s runs: %(states)s.", count=amount(len(marks)), states=said)
        if len(marks) > 1
        else gettext("One run: %(state)s.", state=said),
    )


def by_day(days: Sequence[Day]) -> ByDay:
    """Some days as a chart of times, one of failures, and the rows of the table behind both."""
    ranges = [
        Range(
            gettext(
                "%(day)s: half took at most %(half)s, the slowest %(slowest)s",
                day=_long(day),
                half=took(day.median),
                slowest=took(day.worst),
            )
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
    return gettext("%(weekday)s, %(day)s", weekday=weekday(day.day), day=spoken_day(day.day))


def _short(day: Day) -> str:
    return short_day(day.day)


def _words(mark: Mark) -> str:
    said = gettext("%(state)s %(ago)s", state=STATES[mark.state], ago=ago(mark.started_at))
    if mark.state == RunState.RUNNING:
        return said
    return gettext("%(run)s, took %(time)s", run=said, time=took(mark.took))
