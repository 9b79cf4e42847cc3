"""What a job is: a function with a name, and when it runs by itself.

A job takes identifiers, finds what it works on itself, and can be run again after a worker was killed in the
middle: the second run finds done what was done.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.orm import DeclarativeBase

from backoffice.language.moments import weekday
from backoffice.language.texts import gettext, ngettext

if TYPE_CHECKING:
    from flask import Flask

    from backoffice.access.principal import Purpose

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(rf"daily {_TIME}\Z")
_WEEKLY = re.compile(rf"weekly ({'|'.join(WEEKDAYS)}) {_TIME}\Z")
_EVERY = re.compile(r"every ([1-9]\d{0,4}) (second|minute|hour)s?\Z")
_UNITS = {"second": "seconds", "minute": "minutes", "hour": "hours"}
# A fixed beginning for intervals, so that every process computes the same times.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# A Monday, to name the days of a week by.
EPOCH_WEEK = date(2026, 1, 5)


class WhenError(ValueError):
    """A text says no time at which a job could run; says how to write one."""


@dataclass(frozen=True)
class When:
    """When a job runs by itself, as text: "daily 03:10", "weekly sunday 04:00", "every 15 minutes".

    Times of day are UTC. Raises `WhenError` for any other text.
    """

    text: str

    def __post_init__(self) -> None:
        if not any(form.match(self.text) for form in (_DAILY, _WEEKLY, _EVERY)):
            raise WhenError(
                gettext(
                    "Write the time as one of: daily 03:10, weekly sunday 04:00, every 15 minutes."
                    " Times are UTC."
                )
            )

    def next_after(self, moment: datetime) -> datetime:
        """The first time strictly after a moment, in UTC."""
        if found := _DAILY.match(self.text):
            trigger = CronTrigger(hour=int(found[1]), minute=int(found[2]), timezone=UTC)
        elif found := _WEEKLY.match(self.text):
            trigger = CronTrigger(
                day_of_week=WEEKDAYS.index(found[1]), hour=int(found[2]), minute=int(found[3]), timezone=UTC
            )
        else:
            found = _EVERY.match(self.text)
            assert found is not None
            span = {_UNITS[found[2]]: int(found[1])}
            trigger = IntervalTrigger(**span, start_date=EPOCH, timezone=UTC)
        due: datetime = trigger.get_next_fire_time(None, moment + timedelta(microseconds=1))
        return due.astimezone(UTC)

    @property
    def words(self) -> str:
        """The time as a person says it."""
        if found := _DAILY.match(self.text):
            at = f"{found[1]}:{found[2]}"
            return gettext("every day at %(time)s UTC", time=at)
        if found := _WEEKLY.match(self.text):
            day = weekday(EPOCH_WEEK + timedelta(days=WEEKDAYS.index(found[1])))
            at = f"{found[2]}:{found[3]}"
            return gettext("every %(day)s at %(time)s UTC", day=day, time=at)
        found = _EVERY.match(self.text)
        assert found is not None
        count, unit = int(found[1]), found[2]
        if unit == "second":
            return ngettext("every second", "every %(num)s seconds", count)
        if unit == "minute":
            return ngettext("every minute", "every %(num)s minutes", count)
        return ngettext("every hour", "every %(num)s hours", count)


def daily(*, at: str) -> When:
    """Every day at a time of day (UTC), such as "03:10"."""
    return When(f"daily {at}")


def weekly(*, on: str, at: str) -> When:
    """Every week on a weekday at a time of day (UTC)."""
    return When(f"weekly {on} {at}")


def every(*, seconds: int = 0, minutes: int = 0, hours: int = 0) -> When:
    """Again and again, with one of the three given."""
    count, unit = next(
        (count, unit) for count, unit in ((seconds, "second"), (minutes, "minute"), (hours, "hour")) if count
    )
    return When(f"every {count} {unit}{'' if count == 1 else 's'}")


def at_time(of_day: time) -> str:
    """A time of day as `When` writes it."""
    return of_day.strftime("%H:%M")


class JobRun(Protocol):
    """What a job is given: who it works as, what it was asked for, and how to say how far it is."""

    @property
    def app(self) -> "Flask":
        """The application, for rendering pages and mails."""

    @property
    def who(self) -> "Purpose":
        """As whom the job's services run: the system, for this job's purpose."""

    @property
    def arguments(self) -> Mapping[str, int | str]:
        """Identifiers that the job was asked to work on."""

    @property
    def last(self) -> bool:
        """Whether it is not tried again if it fails now."""

    def progress(self, done: int, total: int | None = None) -> None:
        """Show how far the work is. Cheap: written at most once a second."""

    def say(self, sentence: str) -> None:
        """Add a line to the run's log. No personal data."""


Counts = Mapping[str, int]
Work = Callable[[JobRun], Counts | None]


@dataclass(frozen=True)
class Job:
    """A job of the core or of a plugin. Its full name is `owner.name`.

    `work` answers with counts by name, which the run keeps. `when` is None for a job that runs only when
    asked. After `attempts` runs that failed or were killed it is given up. One that `forgets` what was not to
    be kept longer goes on while its plugin is switched off: the end of data waits for nobody's switch.
    `expires` are the tables of which it deletes what has been there for its time.
    """

    name: str
    work: Work
    when: When | None = None
    title: str = ""
    attempts: int = 5
    forgets: bool = False
    expires: tuple[type[DeclarativeBase], ...] = ()
