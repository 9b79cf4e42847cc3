"""What was measured, in turns, as one table that can be pasted; and on what machine."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.serving import timed

KINDS = {"bare": "bare", "ours": "ours", "stock": "Flask-Admin", "django": "Django"}
ROUNDS, FEWEST = 30, 3
# Seconds after which a page is asked no further times, and the load above which a machine is not quiet.
LONG_ENOUGH = 90
QUIET = 0.5
SECOND = 1000


class TooLong(Exception):
    """Somebody could not do it within the limit, in a word or two."""


# Milliseconds of each round, or why there are none.
Outcome = list[float] | str


@dataclass
class Line:
    """One thing that all were asked for. `reach` is how many times the floor ours may take."""

    title: str
    outcomes: Mapping[str, Outcome]
    reach: float | None = None

    def median(self, kind: str) -> float | None:
        """Milliseconds, if it was done."""
        found = self.outcomes.get(kind, "")
        return None if isinstance(found, str) else statistics.median(found)

    def ratio(self, kind: str) -> float | None:
        """Times the floor: the median of the rounds' own ratios."""
        mine, floor = self.outcomes.get(kind, ""), self.outcomes.get("bare", "")
        if isinstance(mine, str) or isinstance(floor, str):
            return None
        return statistics.median(a / b for a, b in zip(mine, floor, strict=True))

    def cells(self) -> list[str]:
        """The title, each application's median and ratio, and what is to be reached."""
        cells = [self.title]
        for kind in KINDS:
            found, ratio = self.outcomes.get(kind), self.ratio(kind)
            if found is None or isinstance(found, str):
                cells.append(found or "")
            else:
                times = f" ({ratio:.1f}×)" if ratio is not None and kind != "bare" else ""
                cells.append(f"{shown(statistics.median(found))}{times}")
        ours = self.ratio("ours")
        if self.reach is None or ours is None:
            return [*cells, ""]
        return [*cells, f"{self.reach:g}×{'' if ours <= self.reach else ', missed'}"]


@dataclass
class Table:
    """Lines, and sentences below them."""

    heading: str
    lines: list[Line] = field(default_factory=list)
    below: list[str] = field(default_factory=list)

    def text(self) -> str:
        """As Markdown."""
        rows = [[self.heading, *KINDS.values(), "to reach"], ["---"] * (len(KINDS) + 2)]
        rows += [line.cells() for line in self.lines]
        return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", *self.below])

    def medians(self) -> dict[str, dict[str, float]]:
        """Milliseconds by title and application."""
        return {
            line.title: {kind: found for kind in KINDS if (found := line.median(kind)) is not None}
            for line in self.lines
        }


def shown(milliseconds: float) -> str:
    """In a unit that can be read."""
    if milliseconds >= SECOND:
        return f"{milliseconds / SECOND:.1f} s"
    return f"{milliseconds:.1f} ms"


def in_turns(
    asked: Mapping[str, Callable[[], object]], *, rounds: int = ROUNDS, warm: int = FEWEST
) -> dict[str, Outcome]:
    """Milliseconds of each, all of them in each round. Who takes too long once is not asked again."""
    outcomes: dict[str, Outcome] = {}
    going = dict(asked)

    def tried(kind: str) -> float | None:
        try:
            return timed(going[kind])
        except (TooLong, TimeoutError) as failed:
            outcomes[kind] = str(failed) or "too long"
            del going[kind]
            return None

    for kind in asked:
        for _ in range(warm):
            if kind in going:
                tried(kind)
    taken: list[dict[str, float]] = []
    began = time.perf_counter()
    while going and len(taken) < rounds:
        if len(taken) >= FEWEST and time.perf_counter() - began > LONG_ENOUGH:
            break
        # Each goes first in its turn, so that nobody always comes after the same one.
        at = len(taken) % len(going)
        order = [*list(going)[at:], *list(going)[:at]]
        found = {kind: took for kind in order if (took := tried(kind)) is not None}
        taken.append(found)
    for kind in going:
        outcomes[kind] = [each[kind] for each in taken]
    return {kind: outcomes[kind] for kind in asked}


def machine() -> str:
    """What the numbers are of, and how busy it is."""
    named = (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if "model name" in line)
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if "MemTotal" in line), 0)
    return (
        f"{os.cpu_count()} cores ({next(named, platform.machine())}), {memory / 1024**2:.0f} GiB,"
        f" Python {platform.python_version()}"
    )


def load() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]


def how_busy(before: float) -> str:
    """The load before and after, with a warning where it was not quiet to begin with."""
    told = f"Load {before:.2f} before, {load():.2f} after."
    return told if before <= QUIET else f"{told} WARNING: the machine was not quiet; compare ratios alone."


def kept_beside(folder: Path, rows: int, medians: dict[str, dict[str, float]]) -> list[str]:
    """Notes these medians, and says how ours grew from a tenth of the rows, where that was measured."""
    folder.mkdir(exist_ok=True)
    own = folder / f"{rows}.json"
    known = json.loads(own.read_text()) if own.exists() else {}
    own.write_text(json.dumps(known | medians, indent=1))
    smaller = folder / f"{rows // 10}.json"
    if not smaller.exists():
        return []
    before = json.loads(smaller.read_text())
    grown = {
        title: (found["ours"] / before[title]["ours"], found["bare"] / before[title]["bare"])
        for title, found in medians.items()
        if {"ours", "bare"} <= set(found) & set(before.get(title, ()))
    }
    told = "; ".join(f"{title} {ours:.2f}× (bare {bare:.2f}×)" for title, (ours, bare) in grown.items())
    return [f"Beside the run with a tenth of the rows, ours takes: {told}. To reach: 1.2×."]


def _lines(path: str) -> Sequence[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return ()
