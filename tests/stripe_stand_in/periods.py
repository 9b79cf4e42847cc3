"""Calendar months and years in UTC, from an anchor, as a subscription's periods go."""

import calendar
from datetime import UTC, datetime

SECONDS = {"day": 86400, "week": 7 * 86400}


def after(anchor: int, interval: str, count: int) -> int:
    """So many intervals after the anchor; on the last day of a month that has no such day."""
    if interval in SECONDS:
        return anchor + count * SECONDS[interval]
    at = datetime.fromtimestamp(anchor, UTC)
    months = at.year * 12 + at.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


def end(anchor: int, start: int, interval: str, count: int = 1) -> int:
    """The first moment of the anchor's row that lies after `start`."""
    n = 1
    while (at := after(anchor, interval, n * count)) <= start:
        n += 1
    return at


def day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}"
