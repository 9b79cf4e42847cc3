"""The page of a class's cards and PINs: who has which, what is locked, overriding, printing."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
import time_machine
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.principal import SessionEnded
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.settings import Sessions, Throttles
from backoffice.storage.roles import DatabaseRole
from backoffice.students import services as students
from backoffice.students import tablets
from backoffice.students.cards import services as cards
from backoffice.students.cards.models import StudentCard
from backoffice.students.pins import counting
from backoffice.students.pins.models import PinOverride
from backoffice.throttles.tries import take
from backoffice.throttles.visitor import Device, Visitor
from tests.factories.paper import picture, text_of
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, Child, World, add_child, give_pin

PIN, OTHER = "4937", "6158"


@pytest.fixture(scope="module")
def guarded(runtime: Runtime) -> Flask:
    """The application under the throttles that it comes with."""
    settings = runtime.settings.model_copy(update={"throttles": Throttles()})
    return build(replace(runtime, settings=settings))


@pytest.fixture(autouse=True)
def day(world: World, runtime: Runtime) -> Iterator[time_machine.Traveller]:
    """A clock that stands still; what was done is undone."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        for statement in (
            "delete from app.throttle",
            "delete from app.pin_override",
            "delete from app.student_card",
            "update app.student set pin_hash = null",
            "update app.classroom set pins_required = false",
        ):
            connection.exec_driver_sql(statement)


@pytest.fixture
def teacher(guarded: Flask, world: World) -> FlaskClient:
    return signed_in(guarded, world, "teacher")


@pytest.fixture
def page(world: World) -> str:
    return f"/console/classrooms/{world.own_class.public_id}/cards"


@pytest.fixture
def child(world: World) -> Child:
    """A child who has a PIN."""
    found = world.own_class.children[0]
    give_pin(found, PIN)
    return found


def come_in(world: World, child: Child, pin: str | None, device: str = "tablet") -> students.Begun:
    return students.sign_in_student(
        code=world.own_class.code,
        student=child.public_id,
        pin=pin,
        sessions=Sessions(),
        visitor=Visitor("203.0.113.9", Device(device, ())),
        throttles=Throttles(),
    )


def guess(world: World, child: Child, times: int = 5) -> None:
    for number in range(times):
        with pytest.raises(Rejected):
            come_in(world, child, OTHER, f"tablet {number}")


def acted(client: FlaskClient, page: str, act: str, **fields: str) -> str:
    """What the page says after a button."""
    answer = send(client, f"{page}/{act}", fields, page=page)
    assert (answer.status_code, answer.location) == (303, page)
    return said(client.get(page))


def said(answer: TestResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", answer.text)).split())


def overrides() -> list[tuple[str, int | None, str | None]]:
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(
            select(PinOverride).where(PinOverride.made_at == clock.now()).order_by(PinOverride.id)
        )
        return [(row.kind, row.student_id, row.made_as) for row in rows]


def noted(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == verb)) or 0


def test_the_class_has_a_tab_for_who_may(app: Flask, world: World, page: str) -> None:
    own = page.removesuffix("/cards")
    tabbed = {
        role: f'href="{page}"' in signed_in(app, world, role).get(own).text
        for role in ("teacher", "co_teacher", "leader", "helper")
    }
    assert tabbed == {"teacher": True, "co_teacher": True, "leader": True, "helper": False}
    assert signed_in(app, world, "helper").get(page).status_code == 404


def test_the_page_says_who_has_a_pin_and_never_which(
    teacher: FlaskClient, world: World, page: str, child: Child
) -> None:
    text = said(teacher.get(page))
    assert text.count("PIN set") == 1
    assert text.count("No PIN") == len(world.own_class.children) - 1
    assert (PIN in text, "$argon2" in text) == (False, False)


def test_one_is_cleared_and_who_was_in_with_it_is_out(
    teacher: FlaskClient, world: World, page: str, child: Child
) -> None:
    begun, before = come_in(world, child, PIN), noted("pins.clear")
    text = acted(teacher, page, "clear", student=child.public_id)
    assert "The PIN is cleared." in text
    assert "The PIN of Wilhelmina Quartermaine was cleared" in text
    assert "Tilda Teacher" in text
    assert (overrides(), noted("pins.clear") - before) == ([("cleared", child.id, "owner")], 1)
    with pytest.raises(SessionEnded), transaction(students.credential(begun.token_id, None)) as tx:
        tx.connection()
    come_in(world, child, None)


def test_all_are_cleared_in_one_act(teacher: FlaskClient, world: World, page: str, child: Child) -> None:
    give_pin(world.own_class.children[1], OTHER)
    give_pin(world.colleague_class.children[0], OTHER)
    text = acted(teacher, page, "clear", all="yes")
    assert ("2 PINs are cleared." in text, "All PINs were cleared" in text) == (True, True)
    with transaction(SYSTEM) as tx:
        left = select(Student.id).where(Student.pin_hash.is_not(None))
        assert list(tx.scalars(left)) == [world.colleague_class.children[0].id]
    assert overrides() == [("cleared", None, "owner")]


def test_where_there_is_none_nothing_is_noted(teacher: FlaskClient, page: str) -> None:
    assert "There was no PIN to clear." in acted(teacher, page, "clear", all="yes")
    assert "Nothing was locked any more." in acted(teacher, page, "unlock", all="yes")
    assert "There was no card to void." in acted(teacher, page, "void", all="yes")
    assert overrides() == []


@pytest.mark.parametrize("act", ["clear", "unlock", "print", "void"])
def test_a_form_that_says_nobody_does_nothing(
    teacher: FlaskClient, world: World, page: str, child: Child, act: str
) -> None:
    token = form_token(teacher.get(page).text)
    assert teacher.post(f"{page}/{act}", data={"csrf_token": token}).status_code == 400
    come_in(world, child, PIN)


def test_a_lock_is_seen_as_it_stands_and_opened_by_one_click(
    teacher: FlaskClient, world: World, page: str, child: Child
) -> None:
    guess(world, child)
    with pytest.raises(Rejected):
        come_in(world, child, PIN)
    zone = ZoneInfo(world.sign_in("teacher").time_zone)
    until = (clock.now() + timedelta(minutes=1)).astimezone(zone)
    assert re.search(rf"Wilhelmina Quartermaine until (\w+ )?{until:%H:%M}", said(teacher.get(page)))
    text = acted(teacher, page, "unlock", student=child.public_id)
    assert ("Unlocked. They can try again now." in text, "Locked after wrong PINs" in text) == (True, False)
    assert overrides() == [("unlocked", child.id, "owner")]
    come_in(world, child, PIN)


def test_a_lock_that_is_over_is_not_shown(
    teacher: FlaskClient, world: World, page: str, child: Child, day: time_machine.Traveller
) -> None:
    guess(world, child)
    day.shift(timedelta(seconds=60))
    assert "Locked" not in said(teacher.get(page))


def use_up(world: World, visitor: Visitor) -> None:
    """Wrong PINs of so many children that no child's lock is in the way, until nothing is left of the day."""
    claims = counting.claims(
        "PIN", classroom_id=world.own_class.id, visitor=visitor, throttles=Throttles(pin_device="30/day")
    )
    with suppress(Throttled):
        while True:
            take(*claims)


def test_what_strangers_locked_is_opened_by_one_click(
    teacher: FlaskClient, world: World, page: str, child: Child
) -> None:
    for _ in range(40):
        take(counting.by_strangers("PIN", world.own_class.id, Throttles()))
    with pytest.raises(Throttled):
        come_in(world, child, PIN, "a new one")
    assert re.search(r"Devices that are new here until [^<]*\d\d:\d\d", said(teacher.get(page)))
    text = acted(teacher, page, "unlock", all="yes")
    assert "until" not in text
    assert overrides() == [("unlocked", None, "owner")]
    come_in(world, child, PIN, "a new one")


def test_tablets_and_devices_that_are_locked_for_the_day_are_shown_and_opened(
    teacher: FlaskClient, world: World, page: str, child: Child
) -> None:
    who = world.sign_in("teacher")
    picture = tablets.begin_pairing(principal=who, classroom=world.own_class.public_id, label="Window <1>")
    at_tablet = tablets.opened(
        token=tablets.pair(token=picture, address=None), visitor=Visitor("203.0.113.9")
    )
    assert at_tablet is not None
    classmate, here = world.own_class.children[1], Visitor("203.0.113.9", Device("laptop", ()))
    come_in(world, classmate, None, "laptop")
    come_in(world, world.own_class.children[0], PIN, "shelf")
    use_up(world, at_tablet.visitor)
    use_up(world, here)
    for visitor in (at_tablet.visitor, here):
        with pytest.raises(Throttled):
            take(
                *counting.claims(
                    "PIN", classroom_id=world.own_class.id, visitor=visitor, throttles=Throttles()
                )
            )
    text = said(teacher.get(page))
    until = r"until \w+ \d\d:\d\d"
    assert re.search(rf"The tablet Window <1> {until}", text)
    assert re.search(rf"A device {until} Last used by Bartholomew Zephyrine\.", text)
    assert text.count("Last used by") == 1
    assert "Locked after wrong PINs" not in acted(teacher, page, "unlock", all="yes")
    assert overrides() == [("unlocked", None, "owner")]
    for visitor in (at_tablet.visitor, here):
        take(*counting.claims("PIN", classroom_id=world.own_class.id, visitor=visitor, throttles=Throttles()))


def test_no_class_unlocks_anothers_devices(guarded: Flask, world: World, child: Child) -> None:
    here = Visitor("203.0.113.9", Device("laptop of the own class", ()))
    come_in(world, child, PIN, "laptop of the own class")
    use_up(world, here)
    other = f"/console/classrooms/{world.colleague_class.public_id}/cards"
    colleague = signed_in(guarded, world, "colleague")
    assert "Nothing was locked any more." in acted(colleague, other, "unlock", all="yes")
    with pytest.raises(Throttled):
        come_in(world, child, PIN, "laptop of the own class")


def test_one_is_required_and_left_to_each_again(teacher: FlaskClient, world: World, page: str) -> None:
    assert "Each student is asked for a PIN" in acted(teacher, page, "require", required="yes")
    acted(teacher, page, "require", required="yes")
    with transaction(SYSTEM) as tx:
        asked = select(Classroom.id).where(Classroom.pins_required)
        assert list(tx.scalars(asked)) == [world.own_class.id]
    assert "A PIN is up to each student now." in acted(teacher, page, "require", required="no")
    assert [kind for kind, _child, _role in overrides()] == ["required", "not_required"]


@pytest.mark.parametrize("role", ["co_teacher", "leader"])
def test_who_else_may_is_noted_as_what_they_are(
    guarded: Flask, world: World, page: str, child: Child, role: str
) -> None:
    acted(signed_in(guarded, world, role), page, "clear", student=child.public_id)
    assert overrides() == [("cleared", child.id, role)]


@pytest.mark.parametrize("role", ["helper", "colleague", "outsider"])
def test_nobody_else_overrides(guarded: Flask, world: World, page: str, child: Child, role: str) -> None:
    client = signed_in(guarded, world, role)
    token = form_token(client.get("/console/").text)
    for act in ("clear", "unlock", "require", "print", "void"):
        answer = client.post(f"{page}/{act}", data={"csrf_token": token, "all": "yes"})
        assert answer.status_code == 404
    come_in(world, child, PIN)


def test_a_teacher_clears_nobody_of_another_class(teacher: FlaskClient, world: World, page: str) -> None:
    theirs = world.colleague_class.children[0]
    give_pin(theirs, PIN)
    assert "There was no PIN to clear." in acted(teacher, page, "clear", student=theirs.public_id)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Student.pin_hash).where(Student.id == theirs.id)) is not None


# -- cards


def printed(client: FlaskClient, page: str, **fields: str) -> bytes:
    answer = send(client, f"{page}/print", fields, page=page)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cards.pdf"'
    assert "no-store" in answer.headers["Cache-Control"]
    return bytes(answer.data)


def test_the_sheet_lets_each_child_in(teacher: FlaskClient, world: World, page: str) -> None:
    made = printed(teacher, page, all="yes", paper="a4")
    # A reader may find a space between two letters that stand far apart.
    words = "".join(text_of(made).split())
    assert ("WilhelminaQ." in words, "Quartermaine" in words, world.own_class.name.split()[0] in words) == (
        *(True, False),
        False,
    )
    addresses = [each.text for each in zxingcpp.read_barcodes(picture(made))]
    labels = {
        cards.shown(
            secret=each.removeprefix("http://localhost:8000/join/card/"),
            visitor=Visitor(),
            throttles=Throttles(),
        ).label
        for each in addresses
    }
    assert labels == {"Wilhelmina Q.", "Bartholomew Z."}
    assert said(teacher.get(page)).count("Card of ") == 2


def test_paper_is_what_the_country_has_unless_chosen(teacher: FlaskClient, world: World, page: str) -> None:
    child = world.own_class.children[0]
    heights = [
        round(picture(printed(teacher, page, student=child.public_id, **paper)).height / 150, 1)
        for paper in ({}, {"paper": "a4"}, {"paper": "papyrus"})
    ]
    assert heights == [11.0, 11.7, 11.0]


def test_one_card_is_printed_and_voided(teacher: FlaskClient, world: World, page: str) -> None:
    child = world.own_class.children[0]
    printed(teacher, page, student=child.public_id)
    assert said(teacher.get(page)).count("Void card") == 1
    assert "The card is void." in acted(teacher, page, "void", student=child.public_id)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(StudentCard.id).where(StudentCard.voided_at.is_(None))).all() == []


def test_a_name_that_cannot_be_printed_is_told_and_gets_no_card(
    teacher: FlaskClient, world: World, page: str
) -> None:
    with transaction(SYSTEM) as tx:
        odd = add_child(tx, world.own_class, "李明", "Zhang")
    text = said(teacher.get(page))
    assert "李明 Zhang (李明)." in text
    assert f'value="{odd.public_id}"' not in teacher.get(page).text
    printed(teacher, page, all="yes")
    assert "No card was printed" in acted(teacher, page, "print", student=odd.public_id)
    with transaction(SYSTEM) as tx:
        assert odd.id not in tx.scalars(select(StudentCard.student_id)).all()
        tx.execute(update(Enrollment).where(Enrollment.student_id == odd.id).values(ended_at=clock.now()))
