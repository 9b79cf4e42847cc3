"""Moments as people say them, beside the exact ones."""

from datetime import datetime, timedelta, tzinfo

from flask import Flask

from backoffice import clock
from backoffice.language import moments
from backoffice.language.moments import span
from backoffice.language.texts import gettext

__all__ = ["ago", "exact", "span"]
_JUST_BEFORE, _JUST_AFTER = timedelta(seconds=-2), timedelta(seconds=1)


def ago(moment: datetime) -> str:
    """How far away a moment is: "3 hours ago", "in 2 days", "now"."""
    away = moment - clock.now()
    return gettext("now") if _JUST_BEFORE < away < _JUST_AFTER else moments.away(away)


def exact(moment: datetime, zone: tzinfo | None = None) -> str:
    """A moment to the second: "Monday, 1 March 2027, 04:00:00 EST"."""
    return moments.exact_moment(moment.astimezone(zone) if zone else moment)


def took(length: timedelta) -> str:
    """How long something ran: "523 ms", "4.2 s", "3 minutes"."""
    if length < timedelta(seconds=1):
        return f"{moments.amount(round(length / timedelta(milliseconds=1)))} ms"
    if length < timedelta(minutes=1):
        return f"{moments.tenths(length.total_seconds())} s"
    return span(length)


def init_app(app: Flask) -> None:
    """Let templates say it: `{{ moment|ago }}`, or the macro of that name with the exact moment."""
    app.add_template_filter(ago)
    app.add_template_filter(exact)
    app.add_template_filter(moments.amount)
    app.add_template_filter(moments.moment, "to_the_minute")
    app.add_template_filter(moments.day_of_year, "day_of_year")
    app.add_template_filter(moments.long_day, "long_day")
