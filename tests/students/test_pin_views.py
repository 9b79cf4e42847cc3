"""The child's pages about its PIN: asked for after the name, set, changed, taken away, required."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, Student
from backoffice.students.pins.services import REQUIRED, WEAK, WRONG
from tests.factories.visitor import form_token, send
from tests.factories.world import SYSTEM, Child, World, give_pin

PIN, OTHER = "4937", "6158"
ASKED = "Type your secret number"


@pytest.fixture
def child(world: World) -> Iterator[Child]:
    """A child who has a PIN."""
    found = world.own_class.children[0]
    give_pin(found, PIN)
    yield found
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(pin_hash=None))
        tx.execute(update(Classroom).values(pins_required=False))


def require_pins() -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(pins_required=True))


def typed(client: FlaskClient, world: World, child: Child, pin: str | None = None) -> TestResponse:
    fields = {"code": world.own_class.code, "student": child.public_id}
    return send(client, "/join", fields if pin is None else {**fields, "pin": pin})


@pytest.fixture
def inside(client: FlaskClient, world: World, child: Child) -> FlaskClient:
    """A device at which the child is signed in."""
    assert typed(client, world, child, PIN).location == "/student"
    return client


def test_after_the_name_comes_the_pin(client: FlaskClient, world: World, child: Child) -> None:
    answer = typed(client, world, child)
    assert (answer.status_code, answer.location, client.get_cookie("student")) == (303, "/join", None)
    page = client.get("/join").text
    assert [each in page for each in (ASKED, "Wilhelmina Q.", "Bartholomew", PIN)] == [
        *(True, True),
        *(False, False),
    ]


def test_the_pin_leads_to_the_own_page(inside: FlaskClient) -> None:
    assert "Wilhelmina Q." in inside.get("/student").text


def test_who_comes_back_to_the_address_begins_with_the_code(
    client: FlaskClient, world: World, child: Child
) -> None:
    typed(client, world, child)
    client.get("/join")
    assert ASKED not in client.get("/join").text


def test_a_wrong_pin_is_asked_for_again_and_never_shown(
    client: FlaskClient, world: World, child: Child
) -> None:
    page = typed(client, world, child, OTHER)
    shown = (ASKED in page.text, WRONG in page.text, OTHER in page.text)
    assert (page.status_code, shown, client.get_cookie("student")) == (422, (True, True, False), None)


def test_a_child_of_another_class_has_no_page_of_its_pin(client: FlaskClient, world: World) -> None:
    stranger = world.foreign_class.children[0]
    with client.session_transaction() as kept:
        kept.update(code=world.own_class.code, student=stranger.public_id)
    page = client.get("/join")
    assert (page.status_code, ASKED in page.text, stranger.given in page.text) == (422, False, False)


def test_no_password_manager_keeps_a_pin(client: FlaskClient, world: World, child: Child) -> None:
    typed(client, world, child)
    (field,) = [line for line in client.get("/join").text.split("<") if 'name="pin"' in line]
    assert [part in field for part in ('type="text"', 'inputmode="numeric"', 'autocomplete="off"')] == [
        True
    ] * 3


def test_the_own_pin_is_set_changed_and_taken_away(client: FlaskClient, world: World, child: Child) -> None:
    other = world.own_class.children[1]
    typed(client, world, other)
    assert "Make a secret number" in client.get("/student/pin").text
    first = send(client, "/student/pin", {"new": OTHER, "again": OTHER})
    assert (first.status_code, first.location) == (303, "/student")
    changed = send(client, "/student/pin", {"old": OTHER, "new": PIN, "again": PIN})
    assert changed.location == "/student"
    removed = send(client, "/student/pin/remove", {"old": PIN}, page="/student/pin")
    assert removed.location == "/student"
    assert "Make a secret number" in client.get("/student/pin").text


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/student/pin", {"old": PIN, "new": "1234", "again": "1234"}, WEAK),
        ("/student/pin", {"old": "1", "new": OTHER, "again": OTHER}, WRONG),
        ("/student/pin/remove", {"old": OTHER}, WRONG),
    ],
)
def test_what_does_not_do_is_said_on_the_page(
    inside: FlaskClient, path: str, fields: dict[str, str], said: str
) -> None:
    page = send(inside, path, fields, page="/student/pin")
    assert (page.status_code, said in page.text, 'value="1234"' in page.text) == (422, True, False)


def test_whoever_has_none_is_asked_before_the_own_page_where_one_is_required(
    client: FlaskClient, world: World, child: Child
) -> None:
    require_pins()
    typed(client, world, world.own_class.children[1])
    assert client.get("/student").location == "/student/pin"
    page = client.get("/student/pin").text
    assert ("Your teacher asked for it." in page, 'href="/student"' in page) == (True, False)
    send(client, "/student/pin", {"new": OTHER, "again": OTHER})
    assert client.get("/student").status_code == 200


def test_a_required_one_is_not_offered_to_be_taken_away(inside: FlaskClient) -> None:
    assert "/student/pin/remove" in inside.get("/student/pin").text
    require_pins()
    assert "/student/pin/remove" not in inside.get("/student/pin").text
    page = send(inside, "/student/pin/remove", {"old": PIN}, page="/student/pin")
    assert (page.status_code, REQUIRED in page.text) == (422, True)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_is_sent_to_the_code(client: FlaskClient, method: str) -> None:
    token = form_token(client.get("/join").text)
    for path in ("/student/pin", *(["/student/pin/remove"] if method == "POST" else [])):
        answer = client.open(path, method=method, data={"csrf_token": token})
        assert (answer.status_code, answer.location) == (303, "/join")
