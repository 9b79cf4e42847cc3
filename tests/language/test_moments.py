"""Moments and days as people of a language write them."""

from datetime import UTC, datetime, timedelta

import pytest

from backoffice.language import moments
from backoffice.language.spoken import speaking

AT = datetime(2027, 3, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "english", "spanish"),
    [
        (timedelta(days=-2, hours=-5), "2 days ago", "hace 2 días"),
        (timedelta(days=-40), "40 days ago", "hace 40 días"),
        (timedelta(minutes=-1), "1 minute ago", "hace 1 minuto"),
        (timedelta(hours=3), "in 3 hours", "dentro de 3 horas"),
        (timedelta(milliseconds=5), "now", "ahora"),
    ],
)
def test_how_far_away_something_is(length: timedelta, english: str, spanish: str) -> None:
    assert moments.away(length) == english
    with speaking("es"):
        assert moments.away(length) == spanish


def test_a_time_is_its_largest_unit() -> None:
    assert [moments.span(timedelta(hours=each)) for each in (0, 1, 49)] == ["a moment", "1 hour", "2 days"]
    with speaking("es"):
        assert [moments.span(timedelta(hours=each)) for each in (0, 1, 49)] == [
            "un momento",
            "1 hora",
            "2 días",
        ]


def test_days_and_moments() -> None:
    says = (
        moments.short_day,
        moments.day_of_year,
        moments.long_day,
        moments.spoken_day,
        moments.weekday,
        moments.moment,
        moments.exact_moment,
    )
    assert [say(AT) for say in says] == [
        "1 Mar",
        "1 Mar 2027",
        "1 March 2027",
        "1 March",
        "Monday",
        "1 Mar 2027, 04:00",
        "Monday, 1 March 2027, 04:00:00 UTC",
    ]
    with speaking("es"):
        assert [say(AT) for say in says] == [
            "1 mar",
            "1 mar 2027",
            "1 de marzo de 2027",
            "1 de marzo",
            "lunes",
            "1 mar 2027, 04:00",
            "lunes, 1 de marzo de 2027, 04:00:00 UTC",
        ]


def test_thousands_are_parted() -> None:
    assert (moments.amount(12345), moments.tenths(4.23)) == ("12,345", "4.2")
    with speaking("es"):
        assert (moments.amount(12345), moments.tenths(4.23)) == ("12.345", "4,2")
