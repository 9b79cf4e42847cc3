"""How a class's door stands at a moment, and what comes next.

The database decides who comes in (`app.door_is_open`); this says it in advance, for people.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backoffice.access.lookup import NotFound
from backoffice.access.permissions import SCHOOLS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom, Door, School

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = 8


@dataclass(frozen=True)
class Place:
    """What a school says of its time."""

    zone: ZoneInfo
    school_days: frozenset[str]


@dataclass(frozen=True)
class Hours:
    """A span of the clock on the wall, in minutes of a day."""

    begin: int
    end: int


@dataclass(frozen=True)
class DoorState:
    """A door at a moment. `changes` are the next two at which it opens or closes by itself, if it does.

    `opened_for_now` says that somebody has opened it for a while; `hours` are those that it keeps.
    """

    is_open: bool
    changes: tuple[datetime, ...]
    opened_for_now: bool
    hours: Hours | None
    zone: ZoneInfo

    @property
    def changes_at(self) -> datetime | None:
        """When it opens or closes next by itself."""
        return next(iter(self.changes), None)


def state(classroom: Classroom, place: Place, at: datetime) -> DoorState:
    """How the door of a class stands at a moment."""
    changes: list[datetime] = []
    last = now = _is_open(classroom, place, at)
    for moment in sorted(each for each in _moments(classroom, place, at) if each > at):
        if (then := _is_open(classroom, place, moment)) is not last:
            changes.append(moment)
            last = then
    opened = classroom.door == Door.UNTIL and classroom.door_until is not None and classroom.door_until > at
    return DoorState(now, tuple(changes[:2]), opened, hours_of(classroom), place.zone)


def hours_of(classroom: Classroom) -> Hours | None:
    """The hours that the door keeps on school days, now or once a while is over; None if it has none."""
    if classroom.door in {Door.OPEN, Door.CLOSED} or classroom.door_from is None or classroom.door_to is None:
        return None
    return Hours(classroom.door_from, classroom.door_to)


def states_of(tx: Transaction, classrooms: Sequence[Classroom], at: datetime) -> dict[int, DoorState]:
    """The doors of these classes, by the class's number."""
    places = places_of(tx, {classroom.school_id for classroom in classrooms})
    return {
        each.id: state(each, places[each.school_id], at) for each in classrooms if each.school_id in places
    }


def places_of(tx: Transaction, schools: set[int]) -> dict[int, Place]:
    """The time of those of these schools that the principal may see."""
    statement = select(School.id, School.time_zone, School.school_days).where(School.id.in_(schools))
    found = tx.execute(visible(tx.principal, statement, SCHOOLS_READ))
    return {row.id: Place(ZoneInfo(row.time_zone), frozenset(row.school_days)) for row in found}


def place_of(tx: Transaction, classroom: Classroom) -> Place:
    """The time where a class is taught. Raises `NotFound` for whoever may not see its school."""
    found = places_of(tx, {classroom.school_id}).get(classroom.school_id)
    if found is None:
        raise NotFound
    return found


def in_order(days: Collection[str]) -> list[str]:
    """Those days of the week, from Monday on."""
    return [day for day in DAYS if day in days]


def end_of_day(place: Place, at: datetime) -> datetime:
    """The midnight that comes next on the school's wall."""
    tomorrow = at.astimezone(place.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), place.zone).astimezone(at.tzinfo)


def _is_open(classroom: Classroom, place: Place, at: datetime) -> bool:
    if classroom.door == Door.OPEN:
        return True
    if classroom.door == Door.UNTIL and classroom.door_until is not None and classroom.door_until > at:
        return True
    hours = hours_of(classroom)
    if hours is None:
        return False
    there = at.astimezone(place.zone)
    minute = there.hour * 60 + there.minute
    return DAYS[there.weekday()] in place.school_days and hours.begin <= minute < hours.end


def _moments(classroom: Classroom, place: Place, at: datetime) -> Iterator[datetime]:
    """All moments within a week at which the door could change."""
    if classroom.door == Door.UNTIL and classroom.door_until is not None:
        yield classroom.door_until
    hours = hours_of(classroom)
    if hours is None:
        return
    today = at.astimezone(place.zone).date()
    for day in range(_WEEK):
        midnight = datetime.combine(today + timedelta(days=day), time(), place.zone)
        for minute in (hours.begin, hours.end):
            # Added to the wall's clock and not to time: on the days of a change the two differ.
            yield (midnight + timedelta(minutes=minute)).astimezone(at.tzinfo)
