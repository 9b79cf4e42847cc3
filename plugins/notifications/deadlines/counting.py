"""Counting from a moment to the last one of a limit.

Hours are those that pass, across weekends and changes of the clock. Days are those of a zone: that of the
start is none, and the last ends with its last second. No end is moved: a weekend at the end makes a limit
no longer. Regulation (EEC, Euratom) 1182/71 moves ends, but none in hours (Art. 3(4)); state laws that would
move one make it later. A holiday of the calendar that a state does not keep makes an end a day too late: its
rule says so in a note.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plugins.notifications.deadlines.law import Calendar, Unit

LAST = time(23, 59, 59)
SATURDAY = 5


def last_moment(
    start: datetime, unit: Unit, amount: int, *, zone: ZoneInfo, calendar: Calendar | None = None
) -> datetime:
    """The last moment of a limit, in its zone. `calendar` where business days are counted."""
    if unit is Unit.HOURS:
        return (start.astimezone(UTC) + timedelta(hours=amount)).astimezone(zone)
    day = start.astimezone(zone).date()
    if unit is Unit.BUSINESS_DAYS:
        assert calendar is not None
        day = _business_day_after(day, amount, calendar)
    else:
        day += timedelta(days=amount)
    return datetime.combine(day, LAST, tzinfo=zone)


def _business_day_after(day: date, amount: int, calendar: Calendar) -> date:
    """So many business days on. Past the calendar's years no holiday is known, so that the day is earlier."""
    while amount:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and day not in calendar.days:
            amount -= 1
    return day
