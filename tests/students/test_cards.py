"""Personal cards: issued by printing, used at an open door, voided; and what is on the paper."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
import zxingcpp
from flask.testing import FlaskClient
from sqlalchemy import Executable, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.printing.document import Paper
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, ClassroomCode, Door, Enrollment, Student
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole
from backoffice.students import services as students
from backoffice.students.cards import services
from backoffice.students.cards.models import StudentCard
from backoffice.students.cards.services import NOT_OPEN, Issued
from backoffice.students.cards.sheet import Card, sheets
from backoffice.students.models import StudentSession
from backoffice.students.pins.services import WRONG, PinNeeded
from backoffice.throttles.visitor import Visitor
from tests.factories.paper import picture, text_of
from tests.factories.visitor import send
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World, give_pin

PIN = "4937"
VISITOR = Visitor("203.0.113.9")
NOBODYS = "x" * 27


@pytest.fixture(autouse=True)
def as_before(world: World, runtime: Runtime) -> Iterator[None]:
    """Whatever a test did to the class is undone."""
    yield
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.exec_driver_sql("delete from app.throttle")
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(pin_hash=None))
        tx.execute(update(Enrollment).values(ended_at=None))
        tx.execute(update(Classroom).values(door=Door.OPEN, door_until=None))


@pytest.fixture
def room(world: World) -> Class:
    return world.own_class


@pytest.fixture
def issued(world: World, room: Class) -> dict[int, str]:
    """Fresh cards of the class, by the child's number."""
    return {each.student_id: each.secret for each in issue(world, room)}


def issue(world: World, room: Class, *students: str, role: str = "teacher") -> list[Issued]:
    return services.issue_cards(
        principal=world.sign_in(role), classroom=room.public_id, students=students or None
    )


def void(world: World, room: Class, *students: str) -> int:
    return services.void_cards(
        principal=world.sign_in("teacher"), classroom=room.public_id, students=students or None
    )


def come_in(secret: str, pin: str | None = None, throttles: Throttles = NO_LIMIT) -> Principal:
    begun = services.sign_in_by_card(
        secret=secret, pin=pin, sessions=Sessions(), visitor=VISITOR, throttles=throttles
    )
    with transaction(students.credential(begun.token_id, None)) as tx:
        return tx.principal


def shown(secret: str, throttles: Throttles = NO_LIMIT) -> services.Shown:
    return services.shown(secret=secret, visitor=VISITOR, throttles=throttles)


def is_refused(secret: str) -> None:
    for act in (shown, come_in):
        with pytest.raises(Rejected) as raised:
            act(secret)
        assert raised.value.fields == {"card": NOT_OPEN}


def is_over(who: Principal) -> bool:
    try:
        with transaction(who) as tx:
            tx.connection()
    except SessionEnded:
        return True
    return False


# -- issuing and using


def test_a_card_lets_its_child_in(issued: dict[int, str], room: Class) -> None:
    assert {number: come_in(secret).student_id for number, secret in issued.items()} == {
        child.id: child.id for child in room.children
    }


def test_a_card_shows_the_name_as_the_class_does(issued: dict[int, str], room: Class) -> None:
    seen = shown(issued[room.children[0].id])
    assert (seen.label, seen.has_pin) == ("Wilhelmina Q.", False)


def test_a_session_names_its_card_and_no_code(issued: dict[int, str], room: Class) -> None:
    child = room.children[0]
    who = come_in(issued[child.id])
    with transaction(SYSTEM) as tx:
        row = tx.execute(select(StudentSession).where(StudentSession.id == who.session_id)).scalar_one()
        card = tx.scalar(
            select(StudentCard.id).where(StudentCard.student_id == child.id, StudentCard.voided_at.is_(None))
        )
    assert (row.card_id, row.code_id, row.address) == (card, None, "203.0.113.9")


def test_a_secret_is_long_and_stored_nowhere(issued: dict[int, str], room: Class, runtime: Runtime) -> None:
    secret = issued[room.children[0].id]
    assert len(secret) * 6 >= 128
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        rows = connection.scalars(text("select c::text from app.student_card c")).all()
    written = " ".join(rows)
    assert secret not in written
    assert secret.encode().hex() not in written


def test_a_child_with_a_pin_still_types_it(issued: dict[int, str], room: Class) -> None:
    child = room.children[0]
    give_pin(child, PIN)
    assert shown(issued[child.id]).has_pin
    with pytest.raises(PinNeeded):
        come_in(issued[child.id])
    with pytest.raises(Rejected) as raised:
        come_in(issued[child.id], "6158")
    assert raised.value.fields == {"pin": WRONG}
    assert come_in(issued[child.id], PIN).student_id == child.id


def test_the_database_lets_no_card_pass_the_pin(issued: dict[int, str], room: Class) -> None:
    """As a service would that forgot to ask for it."""
    child = room.children[0]
    give_pin(child, PIN)
    with transaction(Nobody()) as tx:
        begun = functions.begin_card_session(
            tx,
            functions.NewCardSession(
                digest=services.digest(issued[child.id]),
                token_id=uuid4(),
                at=clock.now(),
                idle_shared=5,
                idle_own=20,
                expires_at=clock.now() + timedelta(hours=1),
                address=None,
                verified_pin=None,
            ),
        )
    assert begun is None


@pytest.mark.parametrize("secret", ["", NOBODYS, "\0", "😀", "x" * 10_000])
def test_what_is_no_card_is_refused(world: World, secret: str) -> None:
    is_refused(secret)


def test_a_closed_door_is_closed_to_cards(issued: dict[int, str], room: Class) -> None:
    secret = issued[room.children[0].id]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(door=Door.UNTIL, door_until=clock.now() + timedelta(minutes=1)))
    assert shown(secret).label == "Wilhelmina Q."
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        is_refused(secret)


def test_a_class_without_a_code_takes_no_cards(issued: dict[int, str], room: Class, world: World) -> None:
    """Such as one that has been put away: its code has ended, whatever its door says."""
    with transaction(SYSTEM) as tx:
        code = tx.get_one(ClassroomCode, (room.school_id, tx.scalar(_live_code(room))))
        kept = {
            "code": code.code,
            "code_index": code.code_index,
            "issued_at": code.issued_at,
            "kind": code.kind,
        }
        code.ended_at = clock.now()
    is_refused(issued[room.children[0].id])
    with transaction(SYSTEM) as tx:
        number = tx.take_id(ClassroomCode)
        again = ClassroomCode(school_id=room.school_id, id=number, classroom_id=room.id, **kept)
        tx.add(again)
    assert shown(issued[room.children[0].id]).label == "Wilhelmina Q."


def _live_code(room: Class) -> Executable:
    return select(ClassroomCode.id).where(
        ClassroomCode.classroom_id == room.id, ClassroomCode.ended_at.is_(None)
    )


def test_who_left_the_class_does_not_come_in(issued: dict[int, str], room: Class) -> None:
    child = room.children[0]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.student_id == child.id).values(ended_at=clock.now()))
    is_refused(issued[child.id])


def test_a_new_card_voids_the_one_before_and_ends_its_sessions(
    issued: dict[int, str], room: Class, world: World
) -> None:
    child, other = room.children[0], room.children[1]
    by_card, classmate = come_in(issued[child.id]), come_in(issued[other.id])
    by_code = world.student(room, child)
    (fresh,) = issue(world, room, child.public_id)
    is_refused(issued[child.id])
    assert [is_over(who) for who in (by_card, classmate, by_code)] == [True, False, False]
    assert come_in(fresh.secret).student_id == child.id


def test_one_is_voided_or_all(issued: dict[int, str], room: Class, world: World) -> None:
    child, other = room.children[0], room.children[1]
    assert void(world, room, child.public_id) == 1
    is_refused(issued[child.id])
    assert come_in(issued[other.id]).student_id == other.id
    assert (void(world, room), void(world, room)) == (1, 0)
    is_refused(issued[other.id])


def test_what_is_void_stays_void(issued: dict[int, str], room: Class, world: World) -> None:
    void(world, room)
    undo = update(StudentCard).values(voided_at=None).where(StudentCard.voided_at.is_not(None))
    with pytest.raises(DBAPIError, match="stays ended"), transaction(world.sign_in("teacher")) as tx:
        tx.execute(undo)


def test_both_are_in_the_trail(world: World, room: Class) -> None:
    issue(world, room)
    void(world, room)
    with transaction(SYSTEM) as tx:
        done = AuditEntry.verb.startswith("cards.")
        last = select(AuditEntry.verb).where(done).order_by(AuditEntry.id.desc()).limit(2)
        assert list(tx.scalars(last)) == ["cards.void", "cards.issue"]


@pytest.mark.parametrize("role", ["helper", "colleague", "outsider", "founder", "parent"])
def test_nobody_else_issues_or_voids(world: World, room: Class, role: str) -> None:
    who = world.sign_in(role)
    for act in (services.issue_cards, services.void_cards):
        with pytest.raises(NotFound):
            act(principal=who, classroom=room.public_id)


def test_no_card_is_made_for_a_child_of_another_class(world: World, room: Class) -> None:
    with pytest.raises(NotFound):
        issue(world, room, world.colleague_class.children[0].public_id)


def test_strangers_guesses_are_slowed_down(world: World) -> None:
    few = Throttles(**{**NO_LIMIT.model_dump(), "code_network": "3/minute"})
    for _ in range(3):
        with pytest.raises(Rejected):
            shown(NOBODYS, few)
    with pytest.raises(Throttled):
        shown(NOBODYS, few)
    # A good one is found all the same: nobody else's guesses shut its child out.
    assert shown(world_card(world), few).label == "Wilhelmina Q."


def test_a_good_card_at_a_closed_door_counts_for_nothing(
    issued: dict[int, str], room: Class, world: World
) -> None:
    """A class that lines up with its cards before the lesson comes in when the door opens."""
    once, child = Throttles(**{**NO_LIMIT.model_dump(), "code_network": "1/day"}), room.children[0]
    door = update(Classroom).where(Classroom.id == room.id)
    with transaction(SYSTEM) as tx:
        tx.execute(door.values(door=Door.CLOSED))
    for _ in range(3):
        for act in (shown, lambda secret, few: come_in(secret, throttles=few)):
            with pytest.raises(Rejected):
                act(issued[child.id], once)
    # One that is void, and one of a child that left, are like no card at all.
    void(world, room, child.public_id)
    with pytest.raises(Rejected):
        shown(issued[child.id], once)
    with pytest.raises(Throttled):
        shown(issued[child.id], once)
    with transaction(SYSTEM) as tx:
        tx.execute(door.values(door=Door.OPEN))
    assert come_in(issued[room.children[1].id], throttles=once).student_id == room.children[1].id


def world_card(world: World) -> str:
    child = world.own_class.children[0]
    (made,) = issue(world, world.own_class, child.public_id)
    return made.secret


# -- the pages


def test_a_card_leaves_the_address_at_once(client: FlaskClient, world: World) -> None:
    answer = client.get(f"/join/card/{world_card(world)}")
    assert (answer.status_code, answer.location) == (303, "/join/card")
    page = client.get("/join/card").text
    assert ("Is this you?" in page, "Wilhelmina Q." in page) == (True, True)
    assert client.get("/join/card").location == "/join"


def test_a_look_lets_nobody_in_and_the_button_does(client: FlaskClient, world: World) -> None:
    secret = world_card(world)
    client.get(f"/join/card/{secret}")
    client.get("/join/card")
    assert client.get_cookie("student") is None
    answer = send(client, "/join/card", {"card": secret}, page="/join")
    assert answer.location == "/student"
    assert "Wilhelmina Q." in client.get("/student").text


def test_the_page_of_a_card_asks_for_the_pin(client: FlaskClient, world: World) -> None:
    secret = world_card(world)
    give_pin(world.own_class.children[0], PIN)
    client.get(f"/join/card/{secret}")
    assert "Type your secret number" in client.get("/join/card").text
    wrong = send(client, "/join/card", {"card": secret, "pin": "6158"}, page="/join")
    assert (wrong.status_code, WRONG in wrong.text) == (422, True)
    assert send(client, "/join/card", {"card": secret, "pin": PIN}, page="/join").location == "/student"


def test_a_void_card_says_what_to_do(client: FlaskClient, world: World) -> None:
    client.get(f"/join/card/{NOBODYS}")
    page = client.get("/join/card")
    assert (page.status_code, NOT_OPEN in page.text) == (422, True)
    page = send(client, "/join/card", {"card": NOBODYS}, page="/join")
    assert (page.status_code, NOT_OPEN in page.text) == (422, True)


def test_no_log_line_says_the_secret(
    client: FlaskClient, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = world_card(world)
    client.get(f"/join/card/{secret}")
    send(client, "/join/card", {"card": secret}, page="/join")
    said = "".join(capsys.readouterr())
    assert (secret in said, "/join/card/<card:secret>" in said) == (False, True)


# -- the paper


@pytest.mark.parametrize(("paper", "height"), [(Paper.A4, 11.69), (Paper.LETTER, 11.0)])
def test_a_camera_reads_every_card_of_a_class(paper: Paper, height: float) -> None:
    named = ["Ada L.", "Zoë Ł.", "Иван П.", "Maximiliana-Alexandra v.", *(f"Child {n}." for n in range(8))]
    cards = [
        Card(name, f"https://classroom.example/join/card/{number:027}") for number, name in enumerate(named)
    ]
    made = sheets(cards, paper=paper)
    pages = [picture(made, page) for page in range(2)]
    read = {each.text for page in pages for each in zxingcpp.read_barcodes(page)}
    assert read == {card.address for card in cards}
    assert pages[0].height / 150 == pytest.approx(height, abs=0.02)
    words = " ".join(text_of(made).split())
    assert [name for name in named if name.split()[0] not in words] == []
    assert words.count("Keep it safe. It is only for you.") == len(named)
