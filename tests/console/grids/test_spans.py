"""Spans of days: half-open, and by the midnight of whoever asks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from backoffice.console.grids.spans import PRESETS, Span


@pytest.mark.parametrize(
    ("name", "today", "first", "until"),
    [
        ("today", "2026-03-01", "2026-03-01", "2026-03-02"),
        ("last-7-days", "2026-03-01", "2026-02-23", "2026-03-02"),
        ("last-30-days", "2026-03-01", "2026-01-31", "2026-03-02"),
        ("this-month", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("this-month", "2026-02-28", "2026-02-01", "2026-03-01"),
        ("this-school-year", "2026-07-31", "2025-08-01", "2026-08-01"),
        ("this-school-year", "2026-08-01", "2026-08-01", "2027-08-01"),
        ("earlier", "2026-03-01", None, "2026-01-31"),
    ],
)
def test_what_a_span_means_today(name: str, today: str, first: str | None, until: str) -> None:
    span = PRESETS[name].of(date.fromisoformat(today))
    assert span == Span(first and date.fromisoformat(first), date.fromisoformat(until))  # type: ignore[arg-type]


def test_days_begin_at_the_midnight_of_a_zone() -> None:
    # The clocks of Denver go forward on the eighth: that day has 23 hours.
    first, until = Span(date(2026, 3, 8), date(2026, 3, 9)).at(ZoneInfo("America/Denver"))
    assert (first, until) == (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 9, 6, tzinfo=UTC))
    assert Span().at(UTC) == (None, None)
