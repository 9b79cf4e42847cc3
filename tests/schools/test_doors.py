"""How a door stands at a moment, in Python as in the database, also on the days when clocks change."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select, text, update

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.doors import DAYS, Hours, Place, end_of_day, state
from backoffice.schools.models import Classroom, Door
from backoffice.schools.services import doors
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World, names_behind

WEEK_DAYS = frozenset(DAYS[:5])
PACIFIC = Place(ZoneInfo("America/Los_Angeles"), WEEK_DAYS)
FAR_EAST = Place(ZoneInfo("Pacific/Auckland"), WEEK_DAYS)
HOURS = {"door_from": 8 * 60, "door_to": 15 * 60}
LESSONS = Classroom(door=Door.SCHOOL_DAYS, door_until=None, **HOURS)
FRIDAY = datetime(2026, 10, 30, 18, tzinfo=UTC)  # 11:00; two days later the clocks go back


At = Callable[[datetime], None]


def there(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PACIFIC.zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open", "changes"),
    [
        (there(30, 7, 59, month=10), False, [there(30, 8, month=10), there(30, 15, month=10)]),
        (there(30, 8, month=10), True, [there(30, 15, month=10), there(2, 8)]),
        (there(30, 14, 59, month=10), True, [there(30, 15, month=10), there(2, 8)]),
        (there(30, 15, month=10), False, [there(2, 8), there(2, 15)]),
        (there(1, 12), False, [there(2, 8), there(2, 15)]),
    ],
)
def test_school_hours_are_those_of_the_wall(at: datetime, is_open: bool, changes: list[datetime]) -> None:
    found = state(LESSONS, PACIFIC, at)
    assert (found.is_open, list(found.changes)) == (is_open, changes)


def test_an_hour_later_on_the_worlds_clock_once_the_clocks_went_back() -> None:
    friday, monday = (state(LESSONS, PACIFIC, at).changes[0] for at in (there(30, 7, month=10), there(1, 7)))
    assert (friday.hour, monday.hour) == (15, 16)


@pytest.mark.parametrize(
    ("room", "is_open", "changes"),
    [
        (Classroom(door=Door.OPEN, door_until=None), True, ()),
        (Classroom(door=Door.CLOSED, door_until=None, **HOURS), False, ()),
        (
            Classroom(door=Door.UNTIL, door_until=FRIDAY + timedelta(minutes=10)),
            True,
            (FRIDAY + timedelta(minutes=10),),
        ),
        (Classroom(door=Door.UNTIL, door_until=FRIDAY), False, ()),
        (
            Classroom(door=Door.UNTIL, door_until=FRIDAY + timedelta(hours=6), **HOURS),
            True,
            (FRIDAY + timedelta(hours=6), there(2, 8)),
        ),
        (
            Classroom(door=Door.UNTIL, door_until=FRIDAY, **HOURS),
            True,
            (there(30, 15, month=10), there(2, 8)),
        ),
    ],
)
def test_a_door_that_was_set_by_hand(room: Classroom, is_open: bool, changes: tuple[datetime, ...]) -> None:
    found = state(room, PACIFIC, FRIDAY)
    assert (found.is_open, found.changes) == (is_open, changes)


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    ("place", "days"),
    [(PACIFIC, ((3, 8), (11, 1))), (FAR_EAST, ((4, 5), (9, 27)))],
    ids=["Los Angeles", "Auckland"],
)
def test_the_database_says_the_same_at_every_quarter_of_an_hour(
    runtime: Runtime, place: Place, days: tuple[tuple[int, int], ...]
) -> None:
    """Over both changes of the clocks, with the hour that there is twice and the one that is missing."""
    rooms = [
        LESSONS,
        Classroom(door=Door.SCHOOL_DAYS, door_until=None, door_from=1 * 60 + 30, door_to=2 * 60 + 45),
        Classroom(door=Door.SCHOOL_DAYS, door_until=None, door_from=0, door_to=24 * 60),
        Classroom(door=Door.UNTIL, door_until=FRIDAY + timedelta(hours=9), **HOURS),
    ]
    every_day = Place(place.zone, frozenset(DAYS))
    begins = [datetime(2026, month, day, tzinfo=place.zone).astimezone(UTC) for month, day in days]
    moments = [begin + timedelta(minutes=15 * n) for begin in begins for n in range(4 * 36)]
    asked = text(
        "select app.door_is_open(:door, :until, :begin, :end, :days, :zone, m.at)"
        " from unnest(cast(:moments as timestamptz[])) with ordinality as m (at, n) order by m.n"
    )
    seen = set()
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        for room in rooms:
            for at_place in (place, every_day):
                values = {
                    "door": str(room.door),
                    "until": room.door_until,
                    "begin": room.door_from,
                    "end": room.door_to,
                    "days": sorted(at_place.school_days),
                    "zone": at_place.zone.key,
                    "moments": moments,
                }
                said = list(connection.scalars(asked, values))
                assert said == [state(room, at_place, moment).is_open for moment in moments]
                seen.add((str(room.door), frozenset(said)))
    assert (str(Door.SCHOOL_DAYS), frozenset({True, False})) in seen


def test_the_day_ends_at_the_schools_midnight() -> None:
    assert end_of_day(PACIFIC, FRIDAY) == there(31, 0, month=10)
    assert end_of_day(PACIFIC, there(1, 12)) - there(1, 0) == timedelta(hours=25)


# -- services


@pytest.fixture
def at() -> Iterator[At]:
    """Sets the clock."""
    with time_machine.travel(there(2, 6), tick=False) as traveller:
        yield traveller.move_to


@pytest.fixture
def teacher(world: World, at: At) -> Principal:
    at(there(2, 7))  # a Monday, and the world's schools teach on Mondays
    return world.sign_in("elsewhere")


def row(world: World) -> Classroom:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Classroom).where(Classroom.id == world.elsewhere_class.id)).one()


def test_a_door_that_is_opened_for_a_while_goes_back_to_its_hours(
    world: World, teacher: Principal, at: At
) -> None:
    room = world.elsewhere_class
    doors.keep_hours(principal=teacher, classroom=room.public_id, hours=Hours(8 * 60, 15 * 60))
    with pytest.raises(Rejected):
        names_behind(room.code)
    assert doors.open_for(principal=teacher, classroom=room.public_id, minutes=30) == there(2, 7, 30)
    assert names_behind(room.code)
    at(there(2, 7, 45))
    with pytest.raises(Rejected):
        names_behind(room.code)
    at(there(2, 8))
    assert names_behind(room.code)
    at(there(3, 8))
    with pytest.raises(Rejected):
        names_behind(room.code)


@pytest.mark.parametrize("door", [Door.OPEN, Door.CLOSED])
def test_hours_are_forgotten_by_who_opens_or_closes_for_good(
    world: World, teacher: Principal, door: Door
) -> None:
    room = world.elsewhere_class.public_id
    doors.keep_hours(principal=teacher, classroom=room, hours=Hours(8 * 60, 15 * 60))
    doors.set_door(principal=teacher, classroom=room, door=door)
    found = row(world)
    assert (found.door, found.door_from, found.door_to) == (door, None, None)


def test_a_door_that_was_closed_with_hours_does_not_find_them_again(world: World, teacher: Principal) -> None:
    """Closing an account closes its doors and leaves their hours."""
    room = world.elsewhere_class
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == room.id).values(door=Door.CLOSED, **HOURS))
    doors.open_for(principal=teacher, classroom=room.public_id, minutes=1)
    assert (row(world).door, row(world).door_from) == (Door.UNTIL, None)


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [
        (0, "Write at least 1 minute."),
        (-5, "Write at least 1 minute."),
        (61, "The day ends in 60 minutes. Write no more than that."),
        (10**12, "The day ends in 60 minutes. Write no more than that."),
    ],
)
def test_a_while_ends_with_the_day(world: World, at: At, minutes: int, sentence: str) -> None:
    at(there(2, 23))
    teacher = world.sign_in("elsewhere")
    with pytest.raises(Rejected) as raised:
        doors.open_for(principal=teacher, classroom=world.elsewhere_class.public_id, minutes=minutes)
    assert raised.value.fields == {"minutes": sentence}
    assert doors.open_for(principal=teacher, classroom=world.elsewhere_class.public_id, minutes=60) == there(
        3, 0
    )


@pytest.mark.parametrize("hours", [Hours(600, 600), Hours(601, 600), Hours(-1, 600), Hours(600, 1441)])
def test_hours_are_a_span_of_one_day(world: World, teacher: Principal, hours: Hours) -> None:
    with pytest.raises(Rejected) as raised:
        doors.keep_hours(principal=teacher, classroom=world.elsewhere_class.public_id, hours=hours)
    assert raised.value.fields == {"end": "Choose a time after the one at which it opens."}
