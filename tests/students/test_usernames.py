"""Coming in by a username, where a class shows no list."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Classroom, NamesShown, Student
from backoffice.schools.services.class_list import ClassList, save_class_list
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.students.models import StudentSession
from backoffice.students.pins import digits
from backoffice.students.services import NOT_OPEN, Begun, UsernameAsked
from backoffice.students.usernames.services import WRONG, sign_in_by_username
from backoffice.throttles.visitor import Visitor
from tests.factories.visitor import send
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World, names_behind

NAME, PIN = "otto.f", "4937"


@pytest.fixture
def room(world: World) -> Iterator[Class]:
    """A class that asks for usernames; its first child has one."""
    own = world.elsewhere_class
    save_class_list(
        principal=world.sign_in("elsewhere"),
        classroom=own.public_id,
        wanted=ClassList(usernames={own.children[0].public_id: NAME}),
    )
    with transaction(SYSTEM) as tx:
        row = update(Classroom).where(Classroom.id == own.id)
        tx.execute(row.values(names_shown=NamesShown.USERNAMES))
    yield own
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(names_shown=NamesShown.NAMES))
        tx.execute(update(Student).values(username_digest=None, pin_hash=None))


def come_in(
    code: str, username: str, pin: str = "", throttles: Throttles = NO_LIMIT, address: str | None = None
) -> Begun:
    return sign_in_by_username(
        code=code,
        username=username,
        pin=pin,
        sessions=Sessions(),
        visitor=Visitor(address),
        throttles=throttles,
    )


def refusal(code: str, username: str, pin: str = "") -> dict[str, str]:
    with pytest.raises(Rejected) as raised:
        come_in(code, username, pin)
    return raised.value.fields


def give_pin(child: int) -> None:
    with transaction(SYSTEM) as tx:
        made = digits.hash_pin(PIN, student_id=child, cost=Passwords())
        tx.execute(update(Student).where(Student.id == child).values(pin_hash=made))


def test_such_a_class_shows_no_list(room: Class) -> None:
    with pytest.raises(UsernameAsked):
        names_behind(room.code)


def test_the_username_lets_its_child_in(room: Class) -> None:
    begun = come_in(room.code.lower(), " OTTO.F ")
    with transaction(SYSTEM) as tx:
        who = tx.scalar(select(StudentSession.student_id).where(StudentSession.token_id == begun.token_id))
    assert who == room.children[0].id


def test_a_wrong_name_a_wrong_pin_and_none_are_refused_in_the_same_words(room: Class) -> None:
    give_pin(room.children[0].id)
    answers = [
        refusal(room.code, *typed)
        for typed in [("nobody", ""), ("nobody", PIN), (NAME, "8264"), (NAME, ""), (" ", "")]
    ]
    assert answers == [{"username": WRONG}] * 5
    come_in(room.code, NAME, PIN)


def test_a_class_that_shows_a_list_lets_nobody_in_by_username(world: World, room: Class) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(names_shown=NamesShown.NAMES))
    assert refusal(room.code, NAME) == {"username": WRONG}


def test_nor_do_the_code_of_another_class_and_a_wrong_one(world: World, room: Class) -> None:
    with transaction(SYSTEM) as tx:
        other = update(Classroom).where(Classroom.id == world.own_class.id)
        tx.execute(other.values(names_shown=NamesShown.USERNAMES))
    assert refusal(world.own_class.code, NAME) == {"username": WRONG}
    assert refusal("WRONGCDE", NAME) == {"code": NOT_OPEN}
    with transaction(SYSTEM) as tx:
        tx.execute(other.values(names_shown=NamesShown.NAMES))


def test_who_guesses_names_is_stopped_and_who_is_right_pays_nothing(room: Class) -> None:
    few = NO_LIMIT.model_copy(update={"pin_network": "2/hour"})
    for _ in range(3):
        come_in(room.code, NAME, throttles=few, address="198.51.100.44")
    for _ in range(2):
        with pytest.raises(Rejected):
            come_in(room.code, "nobody", throttles=few, address="198.51.100.44")
    with pytest.raises(Throttled):
        come_in(room.code, NAME, throttles=few, address="198.51.100.44")


def test_the_pages(client: FlaskClient, room: Class) -> None:
    send(client, "/join", {"code": room.code})
    page = client.get("/join").text
    assert ('name="username"' in page, "Ottoline" in page, "Fairweather" in page) == (True, False, False)
    wrong = send(client, "/join/username", {"code": room.code, "username": "nobody", "pin": ""}, page="/join")
    assert (wrong.status_code, WRONG in wrong.text, 'value="nobody"' in wrong.text) == (422, True, True)
    good = send(client, "/join/username", {"code": room.code, "username": NAME, "pin": ""}, page="/join")
    assert good.location == "/student"
    assert "Ottoline F." in client.get("/student").text


def test_a_door_that_has_closed_leads_to_the_code(client: FlaskClient) -> None:
    answer = send(client, "/join/username", {"code": "WRONGCDE", "username": NAME}, page="/join")
    assert answer.location == "/join"
    assert NOT_OPEN in client.get("/join").text
