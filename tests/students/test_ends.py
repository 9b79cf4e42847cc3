"""How a child's session ends, and what the child is told."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, Door
from backoffice.students.models import StudentSession
from tests.factories.visitor import send
from tests.factories.world import SYSTEM, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def inside(client: FlaskClient, world: World) -> Iterator[FlaskClient]:
    """A device at which a child of a class is signed in; the class's door is open afterwards."""
    room = world.own_class
    send(client, "/join", {"code": room.code, "student": room.children[0].public_id})
    yield client
    door(world, Door.OPEN)


def door(world: World, state: Door, minutes: int | None = None) -> None:
    until = None if minutes is None else clock.now() + minutes * MINUTE
    with transaction(SYSTEM) as tx:
        row = update(Classroom).where(Classroom.id == world.own_class.id)
        tx.execute(row.values(door=state, door_until=until))


def told(client: FlaskClient) -> str:
    """What a child sees that asks for its page and is out; the session's cookie is gone then."""
    assert client.get("/student").location == "/join"
    assert client.get_cookie("student") is None
    return client.get("/join").text


def test_a_lesson_whose_time_is_up_ends_after_a_short_grace(inside: FlaskClient, world: World) -> None:
    door(world, Door.UNTIL, 1)
    with time_machine.travel(clock.now() + 2 * MINUTE):
        assert inside.get("/student").status_code == 200
    with time_machine.travel(clock.now() + 3 * MINUTE + timedelta(seconds=1)):
        page = told(inside)
    assert ("The lesson is over" in page, "Ask your teacher" in page, 'name="code"' in page) == (
        *(True, True),
        False,
    )


def test_a_door_that_has_just_opened_lets_stay(inside: FlaskClient, world: World) -> None:
    door(world, Door.UNTIL, 1)
    assert inside.get("/student").status_code == 200


def test_a_door_that_is_closed_ends_it_at_once_and_one_comes_back_where_one_was(
    inside: FlaskClient, world: World
) -> None:
    before = inside.get("/student").text
    door(world, Door.CLOSED)
    assert "The lesson is over" in told(inside)
    # It is said once; then the code is asked for.
    assert 'name="code"' in inside.get("/join").text
    door(world, Door.OPEN)
    room = world.own_class
    send(inside, "/join", {"code": room.code, "student": room.children[0].public_id})
    assert ("<b>2</b>" in before, "<b>2</b>" in inside.get("/student").text) == (True, True)


def test_a_session_that_somebody_ended_says_to_ask(inside: FlaskClient) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(StudentSession).where(StudentSession.ended_at.is_(None)).values(ended_at=clock.now())
        )
    page = told(inside)
    assert ("You are out now" in page, "Ask your teacher" in page) == (True, True)


def test_an_idle_time_says_to_come_in_again(inside: FlaskClient) -> None:
    with time_machine.travel(clock.now() + 6 * MINUTE):
        assert "You were away for a while" in told(inside)


def test_a_made_up_token_is_told_no_more_than_an_old_one(client: FlaskClient) -> None:
    client.set_cookie("student", "e30.e30.e30")
    assert "You were away for a while" in told(client)


def test_an_error_has_the_way_out_for_whoever_is_in(inside: FlaskClient) -> None:
    page = inside.get("/student/nothing").text
    assert ('action="/student/leave"' in page, "Not me?" in page) == (True, True)
    assert send(inside, "/student/leave", {}, page="/student/nothing").location == "/student/leave"
    assert "Goodbye" in inside.get("/student/leave").text
    assert "Not me?" not in inside.get("/student/nothing").text
