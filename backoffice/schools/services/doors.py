"""Opening and closing the door of a class."""

from datetime import datetime, timedelta

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_EDIT
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.language.texts import gettext, ngettext
from backoffice.problems import Rejected
from backoffice.schools.doors import Hours, end_of_day, hours_of, places_of
from backoffice.schools.models import Classroom, Door

DAY_MINUTES = 24 * 60


def set_door(*, principal: Principal, classroom: str, door: Door, until: datetime | None = None) -> None:
    """Open or close the door for good, or open it until a moment; then the hours hold that it kept before.

    Hours themselves are set by `keep_hours`. Raises `Rejected`, `NotFound`.
    """
    if (door is Door.UNTIL) != (until is not None) or door is Door.SCHOOL_DAYS:
        raise Rejected(until=gettext("Say until when the door stays open."))
    if until is not None and until <= clock.now():
        raise Rejected(until=gettext("Choose a time that is still to come."))
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        _turn(tx, row, door, until)


def open_for(*, principal: Principal, classroom: str, minutes: int) -> datetime:
    """Open the door now, for so many minutes; until when. Not beyond the school's day.

    Raises `Rejected`, `NotFound`.
    """
    if minutes < 1:
        raise Rejected(minutes=gettext("Write at least 1 minute."))
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        until = latest(tx, row, minutes)
        _turn(tx, row, Door.UNTIL, until)
    return until


def keep_hours(*, principal: Principal, classroom: str, hours: Hours, back: PutBack | None = None) -> None:
    """Have the door open on school days between two times of the school. Raises `Rejected`, `NotFound`."""
    if not 0 <= hours.begin < hours.end <= DAY_MINUTES:
        raise Rejected(end=gettext("Choose a time after the one at which it opens."))
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        keep_change(tx, row, back, hours=(written(row), [hours.begin, hours.end]))
        row.door, row.door_until = Door.SCHOOL_DAYS, None
        row.door_from, row.door_to = hours.begin, hours.end
        record(tx, "classrooms.door", school_id=row.school_id, classroom=row.id, door=Door.SCHOOL_DAYS)


def latest(tx: Transaction, row: Classroom, minutes: int) -> datetime:
    """The moment in so many minutes, which must lie within the school's day. Raises `Rejected`."""
    now = clock.now()
    midnight = end_of_day(places_of(tx, {row.school_id})[row.school_id], now)
    if minutes > DAY_MINUTES or now + timedelta(minutes=minutes) > midnight:
        left = (midnight - now) // timedelta(minutes=1)
        raise Rejected(
            minutes=ngettext(
                "The day ends in %(num)s minute. Write no more than that.",
                "The day ends in %(num)s minutes. Write no more than that.",
                left,
            )
        )
    return now + timedelta(minutes=minutes)


def turn(row: Classroom, door: Door, until: datetime | None) -> None:
    """Set the door within the transaction of a service. Hours are forgotten where none are kept."""
    if door is not Door.UNTIL or hours_of(row) is None:
        row.door_from = row.door_to = None
    row.door, row.door_until = door, until


def written(row: Classroom) -> list[int] | None:
    """The hours that the door keeps, as they are kept of changes."""
    hours = hours_of(row)
    return [hours.begin, hours.end] if hours else None


def _turn(tx: Transaction, row: Classroom, door: Door, until: datetime | None) -> None:
    before = written(row)
    turn(row, door, until)
    keep_change(tx, row, hours=(before, written(row)))
    record(tx, "classrooms.door", school_id=row.school_id, classroom=row.id, door=door)
