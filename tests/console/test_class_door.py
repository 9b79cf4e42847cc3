"""The page of a class's door: what it says, and what can be done on it."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import time_machine
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, Door, School
from backoffice.schools.services.codes import live_code
from backoffice.students.cards.models import StudentCard
from backoffice.students.cards.services import issue_cards
from backoffice.students.tablets import begin_pairing
from tests.factories.paper import picture, text_of
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

MONDAY = datetime.fromisoformat("2026-11-30T07:00:00-08:00")


@pytest.fixture(autouse=True)
def _monday(world: World) -> Iterator[None]:
    """Early on a Monday at the world's schools; the door is open again afterwards."""
    with time_machine.travel(MONDAY, tick=False):
        yield
    back = {"door": Door.OPEN, "door_until": None, "door_from": None, "door_to": None}
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == world.own_class.id).values(**back))


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "teacher")


@pytest.fixture
def page(world: World) -> str:
    return f"/console/classrooms/{world.own_class.public_id}/entry"


@pytest.fixture
def do(teacher: FlaskClient, page: str) -> Callable[..., str]:
    """Send a form of the page; what is shown then."""

    def sent(tail: str, status: int = 303, **fields: str) -> str:
        answer = send(teacher, f"{page}/{tail}", fields, page=page)
        assert answer.status_code == status, answer.text
        return answer.text if status != 303 else teacher.get(page).text

    return sent


def sentence(shown: str) -> str:
    (found,) = re.findall(r'<p class="entry-now">(The door[^<]+)</p>', shown)
    return str(found)


@pytest.mark.parametrize(
    ("tail", "fields", "said"),
    [
        ("door", {"door": "open"}, "The door is open, until you close it."),
        ("door", {"door": "closed"}, "The door is closed, until you open it."),
        ("minutes", {"minutes": "10"}, "The door is open until 07:10. Then it is closed."),
        (
            "hours",
            {"begin": "08:00", "end": "15:00"},
            "The door is closed until 08:00. Then it is open until 15:00.",
        ),
        (
            "hours",
            {"begin": "06:30", "end": "09:00"},
            "The door is open until 09:00. Then it is closed until 06:30 on Monday.",
        ),
    ],
)
def test_one_sentence_says_what_holds_and_what_comes_next(
    do: Callable[..., str], tail: str, fields: dict[str, str], said: str
) -> None:
    assert sentence(do(tail, **fields)).removesuffix(" These are times of the school.") == said


def test_the_class_says_it_too(do: Callable[..., str], teacher: FlaskClient, world: World) -> None:
    said = sentence(do("hours", begin="08:00", end="15:00"))
    assert said in teacher.get(f"/console/classrooms/{world.own_class.public_id}").text


def test_hours_stand_in_the_form_as_they_hold(do: Callable[..., str]) -> None:
    shown = do("hours", begin="08:15", end="14:45")
    assert '<span class="chip chip-good">Kept</span>' in shown
    assert ('value="08:15"' in shown, 'value="14:45"' in shown, "Save the hours" in shown) == (True,) * 3


@pytest.mark.parametrize(
    ("tail", "fields", "said"),
    [
        ("minutes", {"minutes": "many"}, "Write a whole number, such as 45."),
        ("minutes", {}, "Write a number of minutes."),
        ("minutes", {"minutes": "0"}, "Write at least 1 minute."),
        ("minutes", {"minutes": "2000"}, "The day ends in 1020 minutes. Write no more than that."),
        ("hours", {"begin": "late", "end": "15:00"}, "Write a time, such as 08:00."),
        ("hours", {"begin": "15:00", "end": "08:00"}, "Choose a time after the one at which it opens."),
        ("lesson", {"lesson": "181"}, "Write a number of minutes from 1 to 180."),
        ("tablet", {"label": ""}, "Give the tablet a name, such as “Window 1”."),
    ],
)
def test_what_cannot_be_done_is_said_beside_its_field(
    do: Callable[..., str], tail: str, fields: dict[str, str], said: str
) -> None:
    shown = do(tail, 422, **fields)
    assert re.search(rf'class="field-error"[^>]*>.*?{re.escape(said)}', shown, re.DOTALL)


def test_an_unknown_wish_for_the_door_changes_nothing(do: Callable[..., str], world: World) -> None:
    do("door", 400, door="ajar")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.door).where(Classroom.id == world.own_class.id)) == Door.OPEN


def test_a_lesson_code_is_shown_until_it_ends(
    do: Callable[..., str], teacher: FlaskClient, page: str
) -> None:
    shown = do("lesson", lesson="45", open_door="y")
    (code,) = re.findall(r">(\w{3}-\w{4})</p>", shown)
    assert code in teacher.get(page.removesuffix("/entry")).text
    assert sentence(shown).startswith("The door is open, until you close it.")
    assert code not in do("end-lesson", sign_out="y")


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"sign_out": "y"}, "Whoever came in with the old one is signed out."), ({}, "Whoever is in stays in.")],
)
def test_the_code_is_renewed(
    do: Callable[..., str], page: str, teacher: FlaskClient, fields: dict[str, str], said: str
) -> None:
    def shown(text: str) -> str:
        (code,) = re.findall(r">(\w{4}-\w{4})</p>", text)
        return str(code)

    before = shown(teacher.get(page).text)
    after = do("renew", **fields)
    assert (said in after, shown(after) == before) == (True, False)


@pytest.mark.parametrize(
    ("query", "named", "inches"), [("?paper=letter", False, 8.5), ("?paper=a4&named=y", True, 8.27)]
)
def test_the_poster(
    teacher: FlaskClient, world: World, page: str, query: str, named: bool, inches: float
) -> None:
    answer = teacher.get(f"{page}/poster{query}")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/pdf", "no-store")
    assert world.own_class.name not in answer.headers["Content-Disposition"]
    sheet = picture(answer.data)
    assert sheet.width / 150 == pytest.approx(inches, abs=0.02)
    with transaction(SYSTEM) as tx:
        room = tx.scalars(select(Classroom).where(Classroom.id == world.own_class.id)).one()
        code = live_code(tx, room) or ""
    (read,) = zxingcpp.read_barcodes(sheet)
    assert read.text.endswith(f"/join/{code[:4]}-{code[4:]}")
    assert (world.own_class.name in text_of(answer.data)) is named


def test_a_poster_whose_name_cannot_be_printed_says_so(teacher: FlaskClient, world: World, page: str) -> None:
    row = update(Classroom).where(Classroom.id == world.own_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(name="李明"))
    answer = teacher.get(f"{page}/poster?named=y")
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(name=world.own_class.name))
    assert (answer.status_code, "These letters cannot be printed: 李明." in answer.text) == (422, True)


def test_a_tablet_is_listed_and_removed(do: Callable[..., str], teacher: FlaskClient, page: str) -> None:
    shown = teacher.get(page).text
    found = re.findall(r'name="tablet" value="(\w+)" aria-label="Remove Lantern', shown)
    assert len(found) == 1
    assert found[0] not in do("void", tablet=found[0])


def test_the_days_are_the_schools(teacher: FlaskClient, world: World, page: str) -> None:
    days = update(School).where(School.id == world.home.id)
    with transaction(SYSTEM) as tx:
        tx.execute(days.values(school_days=["fri", "mon"]))
    shown = teacher.get(page).text
    with transaction(SYSTEM) as tx:
        tx.execute(days.values(school_days=["mon"]))
    assert "Mon, Fri, as your school has set them." in shown


def test_a_helper_has_no_such_page(app: Flask, world: World, page: str) -> None:
    helper = signed_in(app, world, "helper")
    assert helper.get(page).status_code == 404
    room = helper.get(page.removesuffix("/entry")).text
    assert ('/entry"' in room, "In class now" in room) == (False, True)


def test_cards_and_tablets_go_with_the_code_if_that_is_wished(
    do: Callable[..., str], page: str, teacher: FlaskClient, world: World
) -> None:
    who, room = world.sign_in("teacher"), world.own_class.public_id
    begin_pairing(principal=who, classroom=room, label="Window 9")
    issue_cards(principal=who, classroom=room)
    kept = do("renew", sign_out="y")
    assert ("Window 9" in kept, live_cards(world)) == (True, len(world.own_class.children))
    # Nothing but the sign-outs is ticked at first.
    form = teacher.get(page).text.partition('/entry/renew"')[2].partition("</form>")[0]
    assert re.findall(r'<input checked[^>]* name="(\w+)"', form) == ["sign_out"]
    gone = do("renew", sign_out="y", cards="y", tablets="y")
    assert f"Cards voided: {len(world.own_class.children)}." in gone
    assert ("Window 9" in gone, live_cards(world)) == (False, 0)


def live_cards(world: World) -> int:
    here = (StudentCard.classroom_id == world.own_class.id, StudentCard.voided_at.is_(None))
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(*here)) or 0
