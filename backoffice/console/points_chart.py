"""Where the bars of a chart of weeks stand, in the units of its picture."""

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.schools.points_queries import Week

WIDTH = 960.0
HEIGHT = 200.0
# Room for numbers above the bars, and for days below.
ABOVE, BELOW = 24.0, 40.0
MOST_TITLES = 12


@dataclass(frozen=True)
class Bar:
    """One week."""

    day: str
    title: str
    given: int
    taken: int
    x: float
    middle: float
    top: float
    up: float
    down: float


@dataclass(frozen=True)
class Chart:
    """All weeks side by side. `zero` is where the line of no points lies."""

    bars: Sequence[Bar]
    bar: float
    zero: float
    width: float = WIDTH
    height: float = HEIGHT


def chart(weeks: Sequence[Week]) -> Chart:
    """The chart of some weeks, one after the other."""
    most = max((week.points.given for week in weeks), default=0)
    least = min((week.points.taken for week in weeks), default=0)
    scale = (HEIGHT - ABOVE - BELOW) / max(most - least, 1)
    zero = round(ABOVE + most * scale, 1) if most > least else HEIGHT - BELOW
    step = WIDTH / max(len(weeks), 1)
    bar = round(min(step * 0.62, 48), 1)
    # Counted from the newest, so that the newest always has its day.
    every = -(-len(weeks) // MOST_TITLES)
    bars = []
    for number, week in enumerate(weeks):
        up = round(week.points.given * scale, 1)
        middle = round(step * (number + 0.5), 1)
        titled = (len(weeks) - 1 - number) % every == 0
        bars.append(
            Bar(
                day=f"{week.monday.day} {week.monday:%b %Y}",
                title=f"{week.monday.day} {week.monday:%b}" if titled else "",
                given=week.points.given,
                taken=week.points.taken,
                x=round(middle - bar / 2, 1),
                middle=middle,
                top=round(zero - up, 1),
                up=up,
                down=round(-week.points.taken * scale, 1),
            )
        )
    return Chart(bars, bar, zero)
