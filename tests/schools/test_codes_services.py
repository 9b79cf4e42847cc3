"""The standing code and the code for a lesson: giving them out, renewing them, and their end."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.models import Classroom, ClassroomCode, Door
from backoffice.schools.services import codes as services
from backoffice.schools.services import doors
from backoffice.schools.services.codes import LONGEST_LESSON
from tests.factories.world import SYSTEM, Class, World, come_in, names_behind

Move = Callable[[timedelta], None]


@pytest.fixture
def later() -> Iterator[Move]:
    """Lets time pass, from noon of a Monday at the world's schools."""
    noon = datetime.fromisoformat("2026-11-30T12:00:00-08:00")
    with time_machine.travel(noon, tick=False) as traveller:
        yield traveller.shift


@pytest.fixture
def teacher(world: World, later: Move) -> Principal:
    del later
    return world.sign_in("teacher")


@pytest.fixture
def room(world: World, teacher: Principal) -> Class:
    doors.set_door(principal=teacher, classroom=world.own_class.public_id, door=Door.OPEN)
    return world.own_class


def standing(teacher: Principal, room: Class) -> str:
    with transaction(teacher) as tx:
        code = services.live_code(tx, find(tx, Classroom, room.public_id))
    assert code is not None
    return code


def lesson(teacher: Principal, room: Class) -> tuple[str, datetime] | None:
    with transaction(teacher) as tx:
        return services.lesson_code(tx, find(tx, Classroom, room.public_id))


def issue(teacher: Principal, room: Class, minutes: int = 45, *, open_door: bool = False) -> str:
    services.issue_lesson_code(
        principal=teacher, classroom=room.public_id, minutes=minutes, open_door=open_door
    )
    found = lesson(teacher, room)
    assert found is not None
    return found[0]


def door_of(room: Class) -> tuple[str, datetime | None]:
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.id == room.id)).one()
        return row.door, row.door_until


def is_in(who: Principal) -> bool:
    try:
        with transaction(who.credential) as tx:
            return tx.principal is not None
    except SessionEnded:
        return False


def test_a_lesson_code_is_seven_symbols_and_works_beside_the_standing_one(
    teacher: Principal, room: Class
) -> None:
    code = issue(teacher, room)
    assert (len(code), lesson(teacher, room)) == (7, (code, clock.now() + timedelta(minutes=45)))
    assert len(names_behind(codes.spaced(code).lower())) == len(names_behind(standing(teacher, room)))
    come_in(code, room.children[0].public_id)


def test_it_stops_by_itself_and_who_is_in_stays_in(
    world: World, teacher: Principal, room: Class, later: Move
) -> None:
    code = issue(teacher, room, 4)
    inside = world.student(Class(room.id, room.public_id, room.school_id, "", code), room.children[0])
    later(timedelta(minutes=4) - timedelta(microseconds=1))
    assert names_behind(code)
    later(timedelta(microseconds=1))
    with pytest.raises(Rejected):
        names_behind(code)
    with pytest.raises(Rejected):
        come_in(code, room.children[0].public_id)
    assert (lesson(teacher, room), is_in(inside)) == (None, True)
    # The next one tidies it away, and still puts nobody out.
    issue(teacher, room)
    assert is_in(inside)


def test_a_new_one_takes_the_place_of_the_old(world: World, teacher: Principal, room: Class) -> None:
    first = issue(teacher, room)
    inside = world.student(Class(room.id, room.public_id, room.school_id, "", first), room.children[0])
    second = issue(teacher, room)
    with pytest.raises(Rejected):
        names_behind(first)
    assert (bool(names_behind(second)), is_in(inside)) == (True, True)


@pytest.mark.parametrize("sign_out", [True, False])
def test_whoever_stops_it_says_who_stays(
    world: World, teacher: Principal, room: Class, sign_out: bool
) -> None:
    code = issue(teacher, room)
    inside = world.student(Class(room.id, room.public_id, room.school_id, "", code), room.children[0])
    by_standing = world.student(
        Class(room.id, room.public_id, room.school_id, "", standing(teacher, room)), room.children[1]
    )
    services.end_lesson_code(principal=teacher, classroom=room.public_id, sign_out=sign_out)
    assert (lesson(teacher, room), is_in(inside), is_in(by_standing)) == (None, not sign_out, True)


@pytest.mark.parametrize("sign_out", [True, False])
def test_whoever_renews_the_standing_code_says_who_stays(
    world: World, teacher: Principal, room: Class, sign_out: bool
) -> None:
    before, beside = standing(teacher, room), issue(teacher, room)
    inside = world.student(Class(room.id, room.public_id, room.school_id, "", before), room.children[0])
    services.renew_code(principal=teacher, classroom=room.public_id, sign_out=sign_out)
    with pytest.raises(Rejected):
        names_behind(before)
    assert (is_in(inside), bool(names_behind(beside))) == (not sign_out, True)


@pytest.mark.parametrize("minutes", [0, -1, LONGEST_LESSON + 1, 10**12])
def test_a_lesson_has_at_most_three_hours(teacher: Principal, room: Class, minutes: int) -> None:
    with pytest.raises(Rejected) as raised:
        issue(teacher, room, minutes)
    assert raised.value.fields == {"minutes": "Write a number of minutes from 1 to 180."}


def test_the_door_opens_for_as_long_if_wished(teacher: Principal, room: Class) -> None:
    doors.set_door(principal=teacher, classroom=room.public_id, door=Door.CLOSED)
    issue(teacher, room)
    assert door_of(room) == (Door.CLOSED, None)
    issue(teacher, room, open_door=True)
    assert door_of(room) == (Door.UNTIL, clock.now() + timedelta(minutes=45))


def test_a_door_that_stands_open_longer_is_not_closed_earlier(teacher: Principal, room: Class) -> None:
    issue(teacher, room, open_door=True)
    assert door_of(room) == (Door.OPEN, None)
    until = doors.open_for(principal=teacher, classroom=room.public_id, minutes=90)
    issue(teacher, room, open_door=True)
    assert door_of(room) == (Door.UNTIL, until)


def test_a_lesson_code_that_is_taken_is_not_given_again(
    teacher: Principal, room: Class, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = world.sign_in("outsider")
    taken = issue(elsewhere, world.foreign_class)
    drawn = iter([taken, "BCDFGHJ"])
    monkeypatch.setattr(codes, "new_lesson_code", lambda: next(drawn))
    assert issue(teacher, room) == "BCDFGHJ"


@pytest.mark.parametrize("act", ["issue", "end"])
@pytest.mark.parametrize("role", ["helper", "colleague", "outsider", "parent", "founder"])
def test_nobody_else_finds_the_class(world: World, room: Class, role: str, act: str) -> None:
    who = world.sign_in(role)
    with pytest.raises(NotFound):
        if act == "issue":
            services.issue_lesson_code(principal=who, classroom=room.public_id)
        else:
            services.end_lesson_code(principal=who, classroom=room.public_id)


def test_each_is_in_the_trail(teacher: Principal, room: Class) -> None:
    issue(teacher, room)
    services.end_lesson_code(principal=teacher, classroom=room.public_id)
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(2)).all()
        kept = tx.scalars(select(ClassroomCode.kind).order_by(ClassroomCode.id.desc()).limit(1)).one()
    assert (verbs, kept) == (["classrooms.end-lesson-code", "classrooms.lesson-code"], "lesson")
