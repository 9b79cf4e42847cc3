"""Lengths of time as the policy writes them: ISO 8601, of one unit, such as P6M, P30D or PT24H."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backoffice.language import moments

FORM = "Write it as an ISO 8601 duration of one unit, such as P6M, P30D or PT24H."
_ISO = re.compile(r"P(?:(\d{1,4})([YMWD])|T(\d{1,4})(H))")
_UNITS = {"Y": "year", "M": "month", "W": "week", "D": "day", "H": "hour"}
_SPANS = {"week": timedelta(weeks=1), "day": timedelta(days=1), "hour": timedelta(hours=1)}
# Months counted from 0.
DECEMBER = 11
_MONTHS = {"year": 12, "month": 1}


@dataclass(frozen=True)
class Period:
    """A length of time. Months and years are those of the calendar, in UTC."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Period":
        """What an ISO 8601 duration of one unit says. Raises `ValueError` for any other text."""
        found = _ISO.fullmatch(text)
        if found is None:
            raise ValueError(FORM)
        return cls(int(found[1] or found[3]), _UNITS[found[2] or found[4]])

    @property
    def iso(self) -> str:
        """As ISO 8601 has it."""
        letter = next(letter for letter, unit in _UNITS.items() if unit == self.unit)
        return f"P{'T' if self.unit == 'hour' else ''}{self.count}{letter}"

    @property
    def words(self) -> str:
        """As a person says it: "6 months"."""
        return moments.length(self.count, self.unit)

    def before(self, at: datetime) -> datetime:
        """What began before the moment that this answers has been kept for longer at `at`."""
        return self._shifted(at, -self.count)

    def after(self, at: datetime) -> datetime:
        """When it is over for what began at `at`."""
        return self._shifted(at, self.count)

    @property
    def at_most(self) -> timedelta:
        """The longest that it can be, by any calendar."""
        return timedelta(days=self.count * 31 * _MONTHS[self.unit]) if self.unit in _MONTHS else self._span

    @property
    def _span(self) -> timedelta:
        return self.count * _SPANS[self.unit]

    def _shifted(self, at: datetime, count: int) -> datetime:
        if self.unit not in _MONTHS:
            return at + count * _SPANS[self.unit]
        here = at.astimezone(UTC)
        year, month = divmod(here.year * 12 + here.month - 1 + count * _MONTHS[self.unit], 12)
        if here.day <= calendar.monthrange(year, month + 1)[1]:
            return here.replace(year=year, month=month + 1)
        # The 31st has no like in every month: then it is the end of that month, and no time goes backwards.
        return datetime(year + (month == DECEMBER), (month + 1) % 12 + 1, 1, tzinfo=UTC)
