"""Where the bars of a chart stand, in the units of its picture; `console/parts/charts.html` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 960.0
HEIGHT = 200.0
# Room for numbers above the bars, and for what they are of below.
ABOVE, BELOW = 24.0, 40.0
WIDEST, PART = 48, 0.62
MOST_TITLES = 12


@dataclass(frozen=True)
class Mark:
    """One place of a chart: its name in full and in short, what stands up there and what hangs down."""

    name: str
    short: str
    up: int
    down: int = 0


@dataclass(frozen=True)
class Bar:
    """One mark with its place. `title` is empty where there is no room for it."""

    name: str
    title: str
    up: int
    down: int
    x: float
    middle: float
    top: float
    rises: float
    falls: float


@dataclass(frozen=True)
class Columns:
    """All bars side by side. `zero` is where the line of nothing lies."""

    bars: Sequence[Bar]
    bar: float
    zero: float
    width: float = WIDTH
    height: float = HEIGHT


def columns(marks: Sequence[Mark], *, width: float = WIDTH, most_titles: int = MOST_TITLES) -> Columns:
    """The chart of some marks, one after the other. What hangs down is negative."""
    most = max((mark.up for mark in marks), default=0)
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
        bars.append(
            Bar(
                name=mark.name,
                title=mark.short if titled else "",
                up=mark.up,
                down=mark.down,
                x=round(middle - bar / 2, 1),
                middle=middle,
                top=round(zero - rises, 1),
                rises=rises,
                falls=round(-mark.down * scale, 1),
            )
        )
    return Columns(bars, bar, zero, width)


def lengths(values: Sequence[int], *, longest: int = 100) -> list[float]:
    """How long each bar of a list is, the longest being so long; what is below nothing has none."""
    most = max((*values, 1))
    return [round(max(value, 0) / most * longest, 1) for value in values]
