"""Spans of days that are often asked for, by the words of an address. Half-open: the last day is not in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from backoffice.language.texts import lazy

# When a school year begins, as most of our schools count it: month and day.
SCHOOL_YEAR_BEGINS = (8, 1)


class Span(NamedTuple):
    """From the first day on, to before the other one; None is without a bound."""

    first: date | None = None
    until: date | None = None

    def at(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Its bounds as moments, where days begin at midnight of this zone."""
        first, until = (
            datetime.combine(day, time(), zone).astimezone(UTC) if day else None
            for day in (self.first, self.until)
        )
        return first, until


class Preset(NamedTuple):
    """A span with a name. `of` makes it of today."""

    words: str
    of: Callable[[date], Span]


def _last(days: int) -> Callable[[date], Span]:
    return lambda today: Span(today - timedelta(days=days - 1), today + timedelta(days=1))


def _month(today: date) -> Span:
    first = today.replace(day=1)
    return Span(first, (first + timedelta(days=31)).replace(day=1))


def _school_year(today: date) -> Span:
    begins = date(today.year, *SCHOOL_YEAR_BEGINS)
    first = begins if begins <= today else begins.replace(year=today.year - 1)
    return Span(first, first.replace(year=first.year + 1))


PRESETS = {
    "today": Preset(lazy("Today"), _last(1)),
    "last-7-days": Preset(lazy("Last 7 days"), _last(7)),
    "last-30-days": Preset(lazy("Last 30 days"), _last(30)),
    "this-month": Preset(lazy("This month"), _month),
    "this-school-year": Preset(lazy("This school year"), _school_year),
    # What is asked of a day on which something was last done.
    "earlier": Preset(lazy("Not in the last 30 days"), lambda today: Span(until=today - timedelta(days=29))),
}
