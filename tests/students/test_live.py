"""Who is in a class now, and signing out."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.app import build
from backoffice.audit.models import AuditEntry
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Student
from backoffice.settings import Sessions, Throttles
from backoffice.students import live
from backoffice.students.live import Inside
from backoffice.students.pins.services import by_student
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World, give_pin


@pytest.fixture
def teacher(world: World) -> Principal:
    who = world.sign_in("teacher")
    live.sign_all_out(principal=who, classroom=world.own_class.public_id)
    return who


def inside(who: Principal, world: World) -> list[Inside]:
    with transaction(who) as tx:
        return live.inside(tx, find(tx, Classroom, world.own_class.public_id))


def is_in(who: Principal) -> bool:
    try:
        with transaction(who.credential) as tx:
            return tx.principal is not None
    except SessionEnded:
        return False


def test_who_is_in_since_when_and_by_which_way(world: World, teacher: Principal) -> None:
    room = world.own_class
    with time_machine.travel(clock.now() - timedelta(minutes=2), tick=False):
        first = clock.now()
        world.student(room, room.children[1])
    world.student(room, room.children[0])
    world.student(room, room.children[1])
    found = inside(teacher, world)
    assert [(each.name, each.devices, each.code, each.at_tablet) for each in found] == [
        ("Wilhelmina Quartermaine", 1, "standing", False),
        ("Bartholomew Zephyrine", 2, "standing", False),
    ]
    assert found[1].since == first


def test_who_was_quiet_for_too_long_is_out(world: World, teacher: Principal) -> None:
    world.student(world.own_class, world.own_class.children[0], Sessions(student_idle_shared=5))
    for minutes, count in ((4, 1), (6, 0)):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
            assert len(inside(teacher, world)) == count


def test_one_is_signed_out_on_every_device(world: World, teacher: Principal) -> None:
    room = world.own_class
    first, second, other = (world.student(room, room.children[n]) for n in (0, 0, 1))

    def out() -> bool:
        child = room.children[0].public_id
        return live.sign_out(principal=teacher, classroom=room.public_id, student=child)

    assert out()
    assert [is_in(each) for each in (first, second, other)] == [False, False, True]
    # The child comes in again at once.
    assert is_in(world.student(room, room.children[0]))
    out()
    assert not out()


def test_everybody_is_signed_out_of_this_class_alone(world: World, teacher: Principal) -> None:
    room, other = world.own_class, world.colleague_class
    here = [world.student(room, room.children[n]) for n in (0, 1, 1)]
    there = world.student(other, other.children[0])
    assert live.sign_all_out(principal=teacher, classroom=room.public_id) == 2
    assert [is_in(each) for each in (*here, there)] == [False, False, False, True]
    with transaction(SYSTEM) as tx:
        verb = tx.scalar(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1))
    assert verb == "students.sign-all-out"


@pytest.mark.parametrize("role", ["helper", "colleague", "outsider", "parent", "founder"])
def test_nobody_else_signs_a_child_out(world: World, role: str) -> None:
    room, who = world.own_class, world.sign_in(role)
    child = world.student(room, room.children[0])
    with pytest.raises(NotFound):
        live.sign_out(principal=who, classroom=room.public_id, student=room.children[0].public_id)
    with pytest.raises(NotFound):
        live.sign_all_out(principal=who, classroom=room.public_id)
    assert is_in(child)


def test_a_child_of_another_class_is_not_touched(world: World, teacher: Principal) -> None:
    other = world.colleague_class
    child = world.student(other, other.children[0])
    with pytest.raises(NotFound):
        live.sign_out(
            principal=teacher,
            classroom=world.own_class.public_id,
            student=other.children[0].public_id,
        )
    assert is_in(child)


@pytest.mark.parametrize(("role", "may"), [("teacher", True), ("co_teacher", True), ("helper", False)])
def test_the_page_shows_who_is_in_and_a_helper_no_button(
    app: Flask, world: World, role: str, may: bool
) -> None:
    world.student(world.own_class, world.own_class.children[0])
    page = f"/console/classrooms/{world.own_class.public_id}/live"
    shown = signed_in(app, world, role).get(page)
    assert ("Wilhelmina Quartermaine" in shown.text, "Class code" in shown.text) == (True, True)
    assert ("Sign everybody out" in shown.text, "Sign out Wilhelmina" in shown.text) == (may, may)


def test_the_page_shows_who_is_kept_out_and_looks_again_where_nobody_else_sits(
    runtime: Runtime, world: World
) -> None:
    room, child, throttles = world.own_class, world.own_class.children[0], Throttles()
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": throttles})))
    give_pin(child, "4937")
    lock = by_student(child.id, throttles)
    browser, page = signed_in(app, world, "teacher"), f"/console/classrooms/{room.public_id}/live"
    shown = browser.get(page).text
    assert ("Locked after wrong PINs" in shown, "data-reload" in shown) == (False, True)
    for _ in range(6):
        lock.take()
    shown = browser.get(page).text
    assert ("Locked after wrong PINs" in shown, "Unlock" in shown) == (True, True)
    helper = signed_in(app, world, "helper").get(page).text
    assert "Locked after wrong PINs" not in helper
    lock.forget()
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(pin_hash=None))
    # Where others use the computer, asking again would keep its person signed in.
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(idle_minutes=10))
    assert "data-reload" not in browser.get(page).text
    board = browser.get(f"/console/classrooms/{room.public_id}/points/board").text
    assert ("data-reload" in board, 'http-equiv="refresh"' in board, "Leave the board" in board) == (
        *(False, False),
        True,
    )


def test_the_buttons_of_the_page(app: Flask, world: World) -> None:
    room = world.own_class
    child, other = world.student(room, room.children[0]), world.student(room, room.children[1])
    browser, page = signed_in(app, world, "teacher"), f"/console/classrooms/{room.public_id}/live"
    one = send(browser, f"{page}/end", {"student": room.children[0].public_id}, page=page)
    assert (one.status_code, one.location, is_in(child), is_in(other)) == (303, page, False, True)
    send(browser, f"{page}/end-all", {}, page=page)
    shown = browser.get(page)
    assert (is_in(other), "is signed out." in shown.text, "Nobody is in" in shown.text) == (False, True, True)
