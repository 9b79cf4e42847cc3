"""Where the marks of a chart stand, in the units of its picture; `console/parts/charts.html` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log

from backoffice.language.texts import lazy

WIDTH = 960.0
HEIGHT = 200.0
# Room for numbers above the bars, and for what they are of below.
ABOVE, BELOW = 24.0, 40.0
WIDEST, PART = 48, 0.62
MOST_TITLES = 12
# About how wide a letter is; on a phone letters are larger in proportion.
LETTER = 11.0


@dataclass(frozen=True)
class Mark:
    """One place of a chart: its name in full and in short, what stands up there and what hangs down."""

    name: str
    short: str
    up: int
    down: int = 0


@dataclass(frozen=True)
class Bar:
    """One mark with its place. `title` is empty where there is no room; it stands at `at`, by `anchor`."""

    name: str
    title: str
    up: int
    down: int
    x: float
    middle: float
    top: float
    rises: float
    falls: float
    at: float
    anchor: str


@dataclass(frozen=True)
class Columns:
    """All bars side by side. `zero` is where the line of nothing lies.

    Where not every bar has room for its number, only the tallest, of which there are `most`, say theirs.
    """

    bars: Sequence[Bar]
    bar: float
    zero: float
    width: float = WIDTH
    height: float = HEIGHT
    roomy: bool = True
    most: int = 0


def columns(
    marks: Sequence[Mark], *, width: float = WIDTH, most_titles: int = MOST_TITLES, at_least: int = 0
) -> Columns:
    """The chart of some marks, one after the other. What hangs down is negative.

    `at_least` is what the whole height stands for where no mark is as tall: one failure is no tower.
    """
    tallest = max((mark.up for mark in marks), default=0)
    most = max(tallest, at_least)
    least = min((mark.down for mark in marks), default=0)
    scale = (HEIGHT - ABOVE - BELOW) / max(most - least, 1)
    zero = round(ABOVE + most * scale, 1) if most > least else HEIGHT - BELOW
    step = width / max(len(marks), 1)
    bar = round(min(step * PART, WIDEST), 1)
    # Counted from the newest, so that the newest always has its name.
    every = -(-len(marks) // most_titles)
    bars = []
    for number, mark in enumerate(marks):
        rises = round(mark.up * scale, 1)
        middle = round(step * (number + 0.5), 1)
        titled = (len(marks) - 1 - number) % every == 0
        at, anchor = _title_at(middle, mark.short, width)
        bars.append(
            Bar(
                name=mark.name,
                title=mark.short if titled else "",
                at=at,
                anchor=anchor,
                up=mark.up,
                down=mark.down,
                x=round(middle - bar / 2, 1),
                middle=middle,
                top=round(zero - rises, 1),
                rises=rises,
                falls=round(-mark.down * scale, 1),
            )
        )
    longest = max((len(f"{value:,}") for mark in marks for value in (mark.up, mark.down)), default=0)
    return Columns(bars, bar, zero, width, roomy=longest * LETTER <= step, most=tallest)


def _title_at(middle: float, title: str, width: float) -> tuple[float, str]:
    """Where a title below a mark stands, so that all of it is in the picture."""
    half = len(title) * LETTER / 2
    if middle + half > width:
        return width, "end"
    return (0.0, "start") if middle < half else (middle, "middle")


def lengths(values: Sequence[int], *, longest: int = 100) -> list[float]:
    """How long each bar of a list is, the longest being so long; what is below nothing has none."""
    most = max((*values, 1))
    return [round(max(value, 0) / most * longest, 1) for value in values]


# Lines of a scale of times, each a step that people know: most work takes milliseconds, some of it hours.
STEPS = (
    (timedelta(milliseconds=1), "1 ms"),
    (timedelta(milliseconds=10), "10 ms"),
    (timedelta(milliseconds=100), "100 ms"),
    (timedelta(seconds=1), "1 s"),
    (timedelta(seconds=10), "10 s"),
    (timedelta(minutes=1), "1 min"),
    (timedelta(minutes=10), "10 min"),
    (timedelta(hours=1), "1 h"),
    (timedelta(hours=10), "10 h"),
    (timedelta(days=7), lazy("7 days")),
)
LEFT = 84.0


@dataclass(frozen=True)
class Range:
    """What stands at one place of a scale of times: the middle one of some times, and the longest."""

    name: str
    short: str
    middle: timedelta | None
    longest: timedelta | None


@dataclass(frozen=True)
class Span:
    """A range with its place; `title` is empty where there is no room for it."""

    name: str
    title: str
    at: float
    anchor: str
    x: float
    middle: float | None
    longest: float | None


@dataclass(frozen=True)
class Line:
    """A line across the picture and what it stands for."""

    title: str
    y: float


@dataclass(frozen=True)
class Times:
    """Ranges side by side over a scale of times on which equal steps are equal factors."""

    spans: Sequence[Span]
    lines: Sequence[Line]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT


def times(ranges: Sequence[Range], *, width: float = WIDTH, most_titles: int = MOST_TITLES) -> Times | None:
    """The chart of some ranges, one after the other; None where there is no time at all."""
    known = [each for each in ranges if each.middle is not None and each.longest is not None]
    if not known:
        return None
    first, last = _steps(
        min(each.middle for each in known if each.middle is not None),
        max(each.longest for each in known if each.longest is not None),
    )
    low, high = log(STEPS[first][0].total_seconds()), log(STEPS[last][0].total_seconds())
    foot, room = HEIGHT - BELOW, HEIGHT - ABOVE - BELOW

    def height_of(length: timedelta | None) -> float | None:
        if length is None:
            return None
        above = log(max(length.total_seconds(), STEPS[0][0].total_seconds())) - low
        return round(foot - min(above / (high - low), 1) * room, 1)

    step = (width - LEFT) / len(ranges)
    every = -(-len(ranges) // most_titles)
    spans = []
    for number, each in enumerate(ranges):
        x = round(LEFT + step * (number + 0.5), 1)
        at, anchor = _title_at(x, each.short, width)
        spans.append(
            Span(
                name=each.name,
                title=each.short if (len(ranges) - 1 - number) % every == 0 else "",
                at=at,
                anchor=anchor,
                x=x,
                middle=height_of(each.middle),
                longest=height_of(each.longest),
            )
        )
    lines = [Line(title, height_of(at) or foot) for at, title in STEPS[first : last + 1]]
    return Times(spans, lines, width)


def _steps(least: timedelta, most: timedelta) -> tuple[int, int]:
    """The last step that is not above the least, and the first that is not below the most."""
    first = max((n for n, (at, _title) in enumerate(STEPS) if at <= least), default=0)
    last = min((n for n, (at, _title) in enumerate(STEPS) if at >= most), default=len(STEPS) - 1)
    # Two lines at least: one alone says nothing of what lies beside it.
    return (first, last) if last > first else (max(last - 1, 0), max(last, 1))
