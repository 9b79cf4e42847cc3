"""Moments as people say them, beside the exact ones."""

from datetime import datetime, timedelta, tzinfo

from flask import Flask

from backoffice import clock

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_JUST_BEFORE, _JUST_AFTER = timedelta(seconds=-2), timedelta(seconds=1)


def ago(moment: datetime) -> str:
    """How far away a moment is: "3 hours ago", "in 2 days", "now"."""
    away = moment - clock.now()
    if _JUST_BEFORE < away < _JUST_AFTER:
        return "now"
    return f"in {span(away)}" if away > timedelta(0) else f"{span(-away)} ago"


def exact(moment: datetime, zone: tzinfo | None = None) -> str:
    """A moment to the second: "Monday, 1 March 2027, 04:00:00 EST"."""
    local = moment.astimezone(zone) if zone else moment
    return f"{local:%A}, {local.day} {local:%B %Y, %H:%M:%S %Z}"


def span(length: timedelta) -> str:
    """The largest unit that fits, and no more."""
    for unit, seconds in _UNITS:
        count = int(length.total_seconds() // seconds)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "a moment"


def took(length: timedelta) -> str:
    """How long something ran: "523 ms", "4.2 s", "3 minutes"."""
    if length < timedelta(seconds=1):
        return f"{length / timedelta(milliseconds=1):.0f} ms"
    return f"{length.total_seconds():.1f} s" if length < timedelta(minutes=1) else span(length)


def init_app(app: Flask) -> None:
    """Let templates say it: `{{ moment|ago }}`, or the macro of that name with the exact moment."""
    app.add_template_filter(ago)
    app.add_template_filter(exact)
