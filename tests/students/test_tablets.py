"""Tablets of a class: pairing by a picture, the names without a code, and what is left of a stolen cookie."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Door
from backoffice.schools.services.codes import live_code, renew_code
from backoffice.settings import Throttles
from backoffice.storage.public_id import is_public_id
from backoffice.students import tablets
from backoffice.students.cards.services import issue_cards
from backoffice.students.models import StudentSession
from backoffice.students.services import names_behind
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.throttles.visitor import Visitor
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, Class, World

HERE = Visitor("203.0.113.9")
WAITS = "Ask your teacher to open it."


@pytest.fixture(autouse=True)
def _open_door(world: World) -> Iterator[None]:
    yield
    set_door(world.own_class, Door.OPEN)


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


@pytest.fixture
def room(world: World) -> Class:
    return world.own_class


@pytest.fixture
def paired(teacher: Principal, room: Class) -> str:
    """The token of a tablet of the own class."""
    picture = tablets.begin_pairing(principal=teacher, classroom=room.public_id, label="Window 1")
    return tablets.pair(token=picture, address=None)


@pytest.fixture
def tablet(app: Flask, paired: str) -> FlaskClient:
    """A tablet's browser."""
    client = app.test_client()
    client.set_cookie("tablet", paired)
    return client


def set_door(room: Class, door: Door) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == room.id).values(door=door, door_until=None))


def newest(teacher: Principal, room: Class) -> ClassroomTablet:
    with transaction(teacher) as tx:
        return tablets.tablets_of(tx, find(tx, Classroom, room.public_id))[-1]


def code_of(room: Class) -> str:
    with transaction(SYSTEM) as tx:
        code = live_code(tx, find(tx, Classroom, room.public_id))
    assert code is not None
    return code


def sessions_at(number: int) -> list[tuple[bool, int]]:
    with transaction(SYSTEM) as tx:
        found = select(StudentSession.ended_at, StudentSession.code_id).where(
            StudentSession.tablet_id == number
        )
        return [(row.ended_at is None, row.code_id) for row in tx.execute(found)]


# -- pairing


def test_a_picture_pairs_one_tablet(teacher: Principal, room: Class) -> None:
    picture = tablets.begin_pairing(principal=teacher, classroom=room.public_id, label=" Window\u200b 2 ")
    waiting = newest(teacher, room)
    assert (waiting.label, waiting.paired_at, waiting.paired_by) == ("Window 2", None, teacher.account_id)
    assert tablets.opened(token=picture, visitor=HERE) is None
    own = tablets.pair(token=picture, address=None)
    assert own != picture
    with pytest.raises(Rejected):
        tablets.pair(token=picture, address=None)
    assert not tablets.waits(token=picture, address=None)
    found = newest(teacher, room)
    assert (found.id, found.pairing_digest) == (waiting.id, None)
    assert found.expires_at is not None
    assert found.expires_at - clock.now() <= timedelta(days=366)


def test_a_picture_works_for_ten_minutes(teacher: Principal, room: Class) -> None:
    begun = clock.now()
    with time_machine.travel(begun, tick=False) as traveller:
        picture = tablets.begin_pairing(principal=teacher, classroom=room.public_id, label="Late")
        traveller.move_to(begun + tablets.PAIRING - timedelta(microseconds=1))
        assert tablets.waits(token=picture, address=None)
        traveller.move_to(begun + tablets.PAIRING)
        assert not tablets.waits(token=picture, address=None)
        with pytest.raises(Rejected):
            tablets.pair(token=picture, address=None)


def test_a_picture_that_was_removed_pairs_nothing(teacher: Principal, room: Class) -> None:
    picture = tablets.begin_pairing(principal=teacher, classroom=room.public_id, label="Wrong")
    tablets.void(principal=teacher, tablet=newest(teacher, room).public_id)
    with pytest.raises(Rejected):
        tablets.pair(token=picture, address=None)


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        (" \u200b", "Give the tablet a name, such as “Window 1”."),
        ("x" * 41, "Shorten the name to 40 letters."),
    ],
)
def test_a_tablet_has_a_name(teacher: Principal, room: Class, label: str, sentence: str) -> None:
    with pytest.raises(Rejected) as raised:
        tablets.begin_pairing(principal=teacher, classroom=room.public_id, label=label)
    assert raised.value.fields == {"label": sentence}


@pytest.mark.parametrize("role", ["helper", "colleague", "outsider", "parent", "founder"])
def test_nobody_else_pairs_or_removes_one(world: World, teacher: Principal, room: Class, role: str) -> None:
    who = world.sign_in(role)
    with pytest.raises(NotFound):
        tablets.begin_pairing(principal=who, classroom=room.public_id, label="Mine")
    with pytest.raises(NotFound):
        tablets.void(principal=who, tablet=newest(teacher, room).public_id)


def test_pairing_and_removing_are_in_the_trail(world: World, teacher: Principal, paired: str) -> None:
    del paired
    tablets.void(principal=teacher, tablet=newest(teacher, world.own_class).public_id)
    with transaction(SYSTEM) as tx:
        done = select(AuditEntry.verb, AuditEntry.actor_kind, AuditEntry.school_id)
        entries = tx.execute(done.order_by(AuditEntry.id.desc()).limit(3)).all()
    home = world.home.id
    assert [tuple(each) for each in entries] == [
        ("tablets.void", "account", home),
        ("tablets.pair", "nobody", home),
        ("tablets.begin", "account", home),
    ]


# -- at the tablet


def test_from_the_teachers_picture_to_the_first_child(app: Flask, world: World) -> None:
    teacher, device = signed_in(app, world, "teacher"), app.test_client()
    page = f"/console/classrooms/{world.own_class.public_id}/entry"
    shown = send(teacher, f"{page}/tablet", {"label": "Door 1"}, page=page)
    assert (shown.status_code, "data:image/svg+xml" in shown.text) == (200, True)
    assert "waits to be paired" in teacher.get(page).text
    picture = tablets.begin_pairing(
        principal=world.sign_in("teacher"), classroom=world.own_class.public_id, label="Door 2"
    )
    # Looking at it pairs nothing: a camera looks ahead.
    asked = device.get(f"/tablet/{picture}")
    assert (asked.status_code, device.get_cookie("tablet"), world.own_class.name in asked.text) == (
        200,
        None,
        False,
    )
    done = device.post(f"/tablet/{picture}", data={"csrf_token": form_token(asked.text)})
    assert (done.status_code, done.location) == (303, "/join")
    cookie = device.get_cookie("tablet")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, bool(cookie.max_age)) == (True, "Lax", True)
    assert "Bartholomew Z." in device.get("/join").text
    again = device.get(f"/tablet/{picture}")
    assert (again.status_code, "does not work any more" in again.text) == (404, True)


def test_a_tablet_starts_at_the_names_and_its_page_tells_no_code(tablet: FlaskClient, room: Class) -> None:
    page = tablet.get("/join")
    assert ("Bartholomew Z." in page.text, code_of(room) in page.text) == (True, False)
    assert all(code_of(room) not in str(value) for value in page.headers.values())
    answer = send(tablet, "/join", {"code": "", "student": room.children[0].public_id})
    assert (answer.status_code, answer.location) == (303, "/student")
    assert tablet.get("/student").status_code == 200


def test_a_session_names_the_tablet_and_the_standing_code_and_ends_with_either(
    tablet: FlaskClient, teacher: Principal, room: Class
) -> None:
    number = newest(teacher, room).id
    send(tablet, "/join", {"code": "", "student": room.children[0].public_id})
    ((live, _code),) = sessions_at(number)
    assert live
    renew_code(principal=teacher, classroom=room.public_id)
    assert [live for live, _code in sessions_at(number)] == [False]
    # The renewed code needs no new pairing.
    send(tablet, "/join", {"code": "", "student": room.children[0].public_id})
    assert sorted(live for live, _code in sessions_at(number)) == [False, True]
    tablets.void(principal=teacher, tablet=newest(teacher, room).public_id)
    assert not any(live for live, _code in sessions_at(number))


def test_a_cookie_of_a_removed_tablet_is_worth_nothing(
    tablet: FlaskClient, teacher: Principal, room: Class, paired: str
) -> None:
    token = form_token(tablet.get("/join").text)
    tablets.void(principal=teacher, tablet=newest(teacher, room).public_id)
    assert tablets.opened(token=paired, visitor=HERE) is None
    assert 'name="code"' in tablet.get("/join").text
    assert "Bartholomew" not in tablet.get("/join").text
    answer = tablet.post(
        "/join", data={"csrf_token": token, "code": "", "student": room.children[0].public_id}
    )
    assert (answer.status_code, tablet.get_cookie("student")) == (422, None)


def test_it_is_forgotten_after_a_year(teacher: Principal, room: Class, paired: str) -> None:
    with time_machine.travel(clock.now() + tablets.KEPT + timedelta(seconds=1), tick=False):
        assert tablets.opened(token=paired, visitor=HERE) is None


def test_behind_a_closed_door_it_waits(tablet: FlaskClient, room: Class) -> None:
    token = form_token(tablet.get("/join").text)
    set_door(room, Door.CLOSED)
    fields = {"csrf_token": token, "code": "", "student": room.children[0].public_id}
    for page in (tablet.get("/join"), tablet.post("/join", data=fields)):
        assert (WAITS in page.text, 'name="code"' in page.text) == (True, False)
    assert tablet.get_cookie("student") is None
    # Somebody of another class can type a code all the same.
    assert 'name="code"' in tablet.get("/join?type=code").text


def test_a_page_that_stood_open_over_night_shows_the_names_again(tablet: FlaskClient, room: Class) -> None:
    fields = {"csrf_token": "old", "code": "", "student": room.children[0].public_id}
    answer = tablet.post("/join", data=fields)
    assert (answer.status_code, answer.location) == (303, "/join")


def test_another_code_can_be_typed_at_it(tablet: FlaskClient, world: World) -> None:
    other = world.colleague_class
    answer = send(
        tablet,
        "/join?type=code",
        {"code": code_of(other), "student": other.children[0].public_id},
    )
    assert answer.location == "/student"
    with transaction(SYSTEM) as tx:
        newest_session = select(StudentSession).order_by(StudentSession.id.desc()).limit(1)
        session = tx.scalars(newest_session).one()
    assert (session.classroom_id, session.tablet_id) == (other.id, None)


def test_strangers_who_guess_do_not_shut_it_out(paired: str) -> None:
    """Everybody behind the school's address has used up its tries."""
    none_left = Throttles(code_network="1/day")
    with pytest.raises(Rejected):
        names_behind(code="WRONGCDE", visitor=HERE, throttles=none_left)
    found = tablets.opened(token=paired, visitor=HERE)
    assert found is not None
    assert found.code is not None
    assert names_behind(code=found.code, visitor=found.visitor, throttles=none_left)
    assert found.visitor.device is not None
    assert is_public_id(found.visitor.device.id)


def test_when_it_was_last_used_is_noted_by_the_minute(teacher: Principal, room: Class, paired: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        tablets.opened(token=paired, visitor=HERE)
        first = newest(teacher, room).last_used_at
        assert first == clock.now()
        traveller.shift(59)
        tablets.opened(token=paired, visitor=HERE)
        assert newest(teacher, room).last_used_at == first
        traveller.shift(2)
        tablets.opened(token=paired, visitor=HERE)
        assert newest(teacher, room).last_used_at == clock.now()


@pytest.mark.parametrize("token", ["", "x" * 43, "' or 1=1", "😀"])
def test_a_cookie_of_nobodys_asks_for_the_code(client: FlaskClient, world: World, token: str) -> None:
    del world
    client.set_cookie("tablet", re.sub(r"[^\x21-\x7e]", "_", token))
    assert 'name="code"' in client.get("/join").text


# -- which tablet a session is at


def by_card(tablet: FlaskClient, secret: str) -> None:
    tablet.get(f"/join/card/{secret}")
    assert send(tablet, "/join/card", {"card": secret}, page="/join?type=code").location == "/student"


def by_typed_code(tablet: FlaskClient, room: Class) -> None:
    fields = {"code": code_of(room), "student": room.children[0].public_id}
    assert send(tablet, "/join?type=code", fields).location == "/student"


def test_who_comes_in_there_by_card_or_typed_code_is_at_the_tablet(
    tablet: FlaskClient, teacher: Principal, room: Class
) -> None:
    secret = issue_cards(principal=teacher, classroom=room.public_id)[0].secret
    number = newest(teacher, room).id
    by_card(tablet, secret)
    by_typed_code(tablet, room)
    assert len(sessions_at(number)) == 2
    tablets.void(principal=teacher, tablet=newest(teacher, room).public_id)
    assert [live for live, _code in sessions_at(number)] == [False, False]
    # A cookie that is worth nothing does not stand in the way.
    by_typed_code(tablet, room)
    assert len(sessions_at(number)) == 2
