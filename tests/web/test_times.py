"""Moments in words, and the exact ones beside them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask, g, render_template_string

from backoffice.language.spoken import speaking
from backoffice.web.times import ago, took

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=-1), "now"),
        (timedelta(seconds=-5), "5 seconds ago"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(hours=-23, minutes=-59), "23 hours ago"),
        (timedelta(days=-2, hours=-5), "2 days ago"),
        (timedelta(hours=3), "in 3 hours"),
    ],
)
def test_the_largest_unit_that_fits_is_said(away: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert ago(NOW + away) == words


def test_how_long_something_ran_is_told_in_the_numbers_of_the_reader() -> None:
    times = [timedelta(milliseconds=523), timedelta(seconds=4.2), timedelta(minutes=3)]
    assert [took(each) for each in times] == ["523 ms", "4.2 s", "3 minutes"]
    with speaking("es"):
        assert [took(each) for each in times] == ["523 ms", "4,2 s", "3 minutos"]


def test_the_exact_moment_stands_beside_it_in_the_readers_zone(app: Flask) -> None:
    with time_machine.travel(NOW, tick=False), app.test_request_context():
        g.zone = ZoneInfo("America/New_York")
        shown = render_template_string(
            '{% from "web/macros.html" import ago with context %}{{ ago(at) }}', at=NOW - timedelta(hours=3)
        )
    assert '<time datetime="2027-03-01T09:00:00+00:00"' in shown
    assert 'title="Monday, 1 March 2027, 04:00:00 EST"' in shown
    assert ">3 hours ago<" in shown
