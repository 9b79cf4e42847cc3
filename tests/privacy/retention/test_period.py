"""Lengths of time of the policy, and what they mean in a calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backoffice.privacy.retention.period import Period


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["P6M", "P30D", "P2W", "P1Y", "PT24H", "P0D"])
def test_it_is_written_as_it_is_read(text: str) -> None:
    assert Period.parse(text).iso == text


@pytest.mark.parametrize(
    "text", ["", "6M", "P", "P6", "P-6M", "P1.5M", "P1Y6M", "P1DT2H", "PT5M", "PT", "p6m", "P6M "]
)
def test_nothing_else_is_a_period(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("period", "now", "border"),
    [
        ("P6M", "2027-03-10T12:00:00", "2026-09-10T12:00:00"),
        # No February has a 31st: what is of that month or older is due.
        ("P6M", "2027-08-31T12:00:00", "2027-03-01T00:00:00"),
        ("P6M", "2028-08-31T12:00:00", "2028-03-01T00:00:00"),
        ("P12M", "2028-02-29T00:00:00", "2027-03-01T00:00:00"),
        ("P1Y", "2027-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("P30D", "2027-03-10T12:00:00", "2027-02-08T12:00:00"),
        ("PT24H", "2027-03-10T12:00:00", "2027-03-09T12:00:00"),
        ("P0D", "2027-03-10T12:00:00", "2027-03-10T12:00:00"),
    ],
)
def test_what_is_due_began_before(period: str, now: str, border: str) -> None:
    assert Period.parse(period).before(at(now)) == at(border)


def test_an_hour_that_a_zone_skips_or_repeats_changes_nothing() -> None:
    now = at("2027-03-28T12:00:00")
    elsewhere = now.astimezone(timezone(timedelta(hours=-5)))
    assert Period.parse("P30D").before(elsewhere) == Period.parse("P30D").before(now)


def test_the_border_never_goes_back() -> None:
    half = Period.parse("P6M")
    days = [at("2027-01-01T03:00:00") + timedelta(hours=6 * number) for number in range(4 * 800)]
    borders = [half.before(each) for each in days]
    assert borders == sorted(borders)
    assert all(
        timedelta(days=180) < day - each <= half.at_most for day, each in zip(days, borders, strict=True)
    )


def test_it_is_said_in_words() -> None:
    assert [Period.parse(each).words for each in ("P6M", "P1D", "PT24H")] == ["6 months", "1 day", "24 hours"]
