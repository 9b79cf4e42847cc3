"""Moments, days and amounts as people of a language write them."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from babel.units import format_unit

from backoffice.language.spoken import language, locale
from backoffice.language.texts import gettext

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
# Above any amount: the unit that was chosen is kept, and no larger one is taken.
_NO_OTHER = float("inf")
_AMOUNT = re.compile(r"[\d,. ]{1,12}", re.ASCII)


def span(length: timedelta) -> str:
    """A time in the largest unit that fits, and no more: "3 hours"."""
    unit, count = _largest(length)
    if unit is None:
        return gettext("a moment")
    return format_unit(count, f"duration-{unit}", "long", locale=locale())


def away(length: timedelta) -> str:
    """How far away that is, to come or gone: "in 2 days", "3 hours ago"."""
    unit, count = _largest(abs(length))
    if unit is None:
        return gettext("now")
    whole = timedelta(seconds=count * dict(UNITS)[unit])
    return format_timedelta(
        whole if length > timedelta(0) else -whole,
        granularity=unit,  # type: ignore[arg-type]
        threshold=_NO_OTHER,
        add_direction=True,
        locale=locale(),
    )


def length(count: int, unit: str) -> str:
    """A length of time in the unit that it was given in, such as "day" or "month": "6 months"."""
    return format_unit(count, f"duration-{unit}", "long", locale=locale())


def _largest(length: timedelta) -> tuple[str | None, int]:
    for unit, seconds in UNITS:
        if count := int(length.total_seconds() // seconds):
            return unit, count
    return None, 0


# The patterns are texts like others: where the day stands, and what stands beside it, is the language's.


def short_day(day: date) -> str:
    """A day beside others of its year: "1 Mar"."""
    return format_date(day, gettext("d MMM"), locale=locale())


def day_of_year(day: date) -> str:
    """A day: "1 Mar 2027"."""
    return format_date(day, gettext("d MMM y"), locale=locale())


def long_day(day: date) -> str:
    """A day in full: "1 March 2027"."""
    return format_date(day, gettext("d MMMM y"), locale=locale())


def spoken_day(day: date) -> str:
    """A day of this year, in full: "1 March"."""
    return format_date(day, gettext("d MMMM"), locale=locale())


def month(day: date) -> str:
    """A month with its year: "March 2027"."""
    return format_date(day, "LLLL y", locale=locale())


def short_month(day: date) -> str:
    """A month in few letters: "Mar"."""
    return format_date(day, "LLL", locale=locale())


def weekday(day: date) -> str:
    """The day of the week: "Monday"."""
    return format_date(day, "EEEE", locale=locale())


def moment(at: datetime) -> str:
    """A moment to the minute, in the zone that it has: "1 Mar 2027, 04:00"."""
    return format_datetime(at, gettext("d MMM y, HH:mm"), tzinfo=at.tzinfo, locale=locale())


def long_moment(at: datetime) -> str:
    """A moment to the minute, in full: "1 March 2027, 04:00"."""
    return format_datetime(at, gettext("d MMMM y, HH:mm"), tzinfo=at.tzinfo, locale=locale())


def exact_moment(at: datetime) -> str:
    """A moment to the second, with its zone: "Monday, 1 March 2027, 04:00:00 EST"."""
    said = format_datetime(at, gettext("EEEE, d MMMM y, HH:mm:ss"), tzinfo=at.tzinfo, locale=locale())
    return f"{said} {at:%Z}".rstrip()


def amount(number: int) -> str:
    """A number with its thousands parted: "12,345"."""
    return _amount(number, language())


def number_in(text: str) -> int | None:
    """The number that somebody typed, with or without what parts its thousands."""
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    return int(digits) if digits and _AMOUNT.fullmatch(text.strip()) else None


@lru_cache(maxsize=1024)
def _amount(number: int, spoken: str) -> str:
    return format_decimal(number, locale=spoken)


def tenths(number: float) -> str:
    """A number to one decimal: "4.2"."""
    return format_decimal(number, format="0.0", locale=locale())
