"""What a tile of a dashboard is: a number, a chart or a list that the module declares which owns it.

The dashboard places tiles and knows none of them. `load` asks a fixed number of statements, none of which
reads a whole table; where it answers None, there is nothing to show and the tile is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from backoffice import clock
from backoffice.access.permissions import Permission
from backoffice.access.transaction import Transaction
from backoffice.language.moments import short_day, spoken_day, weekday

T = TypeVar("T")
# Further than so many nothing is counted that grows with time.
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Number:
    """One number, a word about it, and whether it is bad news ("bad", "warn") or good ("good").

    `more` says that it was counted no further.
    """

    value: int
    note: str = ""
    tone: str = ""
    more: bool = False


@dataclass(frozen=True)
class Amount:
    """One bar of a chart: what it is of, how much, and where it leads."""

    title: str
    value: int
    url: str | None = None
    # Below the bar where there is room for few letters; the title where it is empty.
    short: str = ""


@dataclass(frozen=True)
class Chart:
    """Amounts side by side: times from left to right, anything else from top to bottom.

    Where all are 0, it is not shown, unless that is the news (`even_empty`). `of` says what is counted and
    `by` for what each bar stands, as headings of a table. Bars of what is bad news look so (`tone="bad"`);
    `at_least` is what the whole height stands for where no bar is as tall.
    """

    amounts: Sequence[Amount]
    of: str
    by: str
    over_time: bool = False
    note: str = ""
    tone: str = ""
    at_least: int = 0
    even_empty: bool = False


@dataclass(frozen=True)
class Entry:
    """One line of a list. `tone` is that of its badge."""

    title: str
    facts: Sequence[str] = ()
    url: str | None = None
    code: str | None = None
    badge: str = ""
    tone: str = "mute"


@dataclass(frozen=True)
class List:
    """Lines to act on, where all of them are, and a word about them."""

    entries: Sequence[Entry]
    all_url: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Tile:
    """A tile: its name among all tiles, its heading, and the permission that opens it.

    `url` is where it leads, for whoever holds `leads_for` somewhere; without that, for all who see it.
    """

    name: str
    title: str
    permission: Permission
    load: Callable[[Transaction], Number | Chart | List | None]
    url: str | None = None
    leads_for: Permission | None = None


def once(tx: Transaction, load: Callable[[Transaction], T]) -> T:
    """What `load` answers, asked once in a transaction however many tiles want it."""
    if load not in tx.info:
        tx.info[load] = load(tx)
    answer: T = tx.info[load]
    return answer


def hours_up_to_now(count: int) -> list[datetime]:
    """When each of the last hours began, this one the last."""
    this_hour = clock.now().replace(minute=0, second=0, microsecond=0)
    return [this_hour - timedelta(hours=count - 1 - number) for number in range(count)]


def days_up_to_today(count: int, zone: ZoneInfo) -> list[date]:
    """The last days as a zone counts them, today the last."""
    today = clock.now().astimezone(zone).date()
    return [today - timedelta(days=count - 1 - number) for number in range(count)]


def hourly(hours: Sequence[datetime], counts: Mapping[datetime, int], zone: ZoneInfo) -> list[Amount]:
    """A bar for each hour, named as the zone says it."""
    local = [hour.astimezone(zone) for hour in hours]
    return [
        Amount(f"{weekday(there)} {there:%H:%M}", counts.get(hour, 0), short=f"{there:%H}")
        for hour, there in zip(hours, local, strict=True)
    ]


def daily(counts: Mapping[date, int]) -> list[Amount]:
    """A bar for each day, in their order."""
    return [
        Amount(f"{weekday(day)}, {spoken_day(day)}", count, short=short_day(day))
        for day, count in counts.items()
    ]
