"""Cells of lists that are changed where they stand: the small page, the answer in place, who was quicker."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.permissions import CLASSROOMS_READ
from backoffice.access.seen import version
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.console.grid import Column, Grid
from backoffice.console.grids.edits import Edit, Entry
from backoffice.schools.models import Classroom, Enrollment, Student, TeachingRole
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, Child, World, add_child

LIST = "/console/students/"


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "teacher")


@pytest.fixture
def child(world: World) -> Iterator[Child]:
    """A child of the teacher's class whose name may change."""
    with transaction(SYSTEM) as tx:
        made = add_child(tx, world.own_class, "Cella", "Changeable")
    yield made
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == made.id))


def cell(child: Child, state: str = "") -> str:
    return f"{LIST}{child.public_id}/cell/name{state}"


def named(
    given: str, family: str = "Changeable", *, seen: tuple[str, str] = ("Cella", "Changeable")
) -> dict[str, str]:
    return {"given_name": given, "family_name": family, "seen": version(*seen)}


def name_of(child: Child) -> str:
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Student).where(Student.id == child.id)).one()
        return f"{row.given_name} {row.family_name}"


def corrections() -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == "students.correct")) or 0


def in_place(browser: FlaskClient, child: Child, fields: dict[str, str]) -> TestResponse:
    token = form_token(browser.get(cell(child)).text)
    return browser.post(cell(child, "?part=1"), data={"csrf_token": token, **fields})


def test_the_pencil_leads_to_the_cells_form_and_back_to_the_list_as_it_was(
    teacher: FlaskClient, world: World, child: Child
) -> None:
    state = f"classroom={world.own_class.public_id}&sort=-name&columns=name%2Cpoints"
    listed = teacher.get(f"{LIST}?{state}").text
    (pencil,) = re.findall(rf'class="cell-edit" href="({child.public_id}/cell/name[^"]*)"', listed)
    address = LIST + pencil.replace("&amp;", "&")
    page = teacher.get(address).text
    assert re.search(r'name="given_name"[^>]*value="Cella"', page)
    assert "Cella" not in address
    (seen,) = re.findall(r'name="seen"[^>]*value="(\w+)"', page)
    fields = {"given_name": "Celia", "family_name": "Changeable", "seen": seen}
    answer = send(teacher, address, fields)
    assert (answer.status_code, answer.location) == (303, f"{LIST}?{state}")
    assert name_of(child) == "Celia Changeable"
    # In the list of a class it can be undone there.
    assert "Undo" in teacher.get(f"/console/classrooms/{world.own_class.public_id}").text


def test_in_place_the_cell_comes_back_and_nothing_else(teacher: FlaskClient, child: Child) -> None:
    form = teacher.get(cell(child, "?part=1")).text
    assert "<main" not in form
    assert 'name="given_name"' in form
    answer = in_place(teacher, child, named("<b>Celia"))
    assert answer.status_code == 422, "A name has no such signs."
    assert 'aria-invalid="true"' in answer.text
    assert "<main" not in answer.text
    answer = in_place(teacher, child, named("Celia"))
    assert (answer.status_code, "<form" in answer.text) == (200, False)
    assert "Celia Changeable" in answer.text


def test_whoever_comes_second_is_shown_what_is_there_and_by_whom(
    app: Flask, teacher: FlaskClient, world: World, child: Child
) -> None:
    room = world.own_class.public_id
    send(signed_in(app, world, "co_teacher"), cell(child, f"?classroom={room}"), named("Celine"))
    answer = in_place(teacher, child, named("Celia"))
    assert answer.status_code == 409
    assert "Celine Changeable" in answer.text
    assert 'value="Celia"' in answer.text
    assert f"changed by {world.people['co_teacher'].name} " in answer.text
    assert name_of(child) == "Celine Changeable"
    # Sent again as it stands now, it is written over what was shown.
    (seen,) = re.findall(r'name="seen"[^>]*value="(\w+)"', answer.text)
    assert in_place(teacher, child, {**named("Celia"), "seen": seen}).status_code == 200
    assert name_of(child) == "Celia Changeable"
    # The page without scripts says the same; of two windows of one person as well.
    page = send(teacher, cell(child), named("Cilla"))
    assert page.status_code == 409
    assert "<main" in page.text
    assert "Write mine over it" in page.text
    assert "changed by you in another window" in page.text


def test_two_windows_of_one_person_are_told_apart_from_two_people(
    teacher: FlaskClient, world: World, child: Child
) -> None:
    room = f"?classroom={world.own_class.public_id}"
    send(teacher, cell(child, room), named("Celine"))
    assert "changed by you in another window" in in_place(teacher, child, named("Celia")).text


def test_what_is_sent_twice_is_written_once(teacher: FlaskClient, child: Child) -> None:
    before = corrections()
    assert [in_place(teacher, child, named("Celia")).status_code for _ in range(2)] == [200, 200]
    assert (name_of(child), corrections()) == ("Celia Changeable", before + 1)


def test_without_what_was_seen_nothing_is_written(teacher: FlaskClient, child: Child) -> None:
    fields = named("Celia")
    del fields["seen"]
    assert in_place(teacher, child, fields).status_code == 422
    assert name_of(child) == "Cella Changeable"


def test_a_row_that_is_gone_meanwhile_is_as_none(teacher: FlaskClient, world: World, child: Child) -> None:
    token = form_token(teacher.get(cell(child)).text)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.student_id == child.id).values(ended_at=clock.now()))
    for address in (cell(child), cell(child, "?part=1")):
        answer = teacher.post(address, data={"csrf_token": token, **named("Celia")})
        assert answer.status_code == 404
        assert "Cella" not in answer.text
    assert name_of(child) == "Cella Changeable"


def test_whose_right_ended_meanwhile_changes_nothing(app: Flask, world: World, child: Child) -> None:
    browser, person = signed_in(app, world, "co_teacher"), world.people["co_teacher"].id
    token = form_token(browser.get(cell(child)).text)
    place = (TeachingRole.classroom_id == world.own_class.id, TeachingRole.account_id == person)
    with transaction(SYSTEM) as tx:
        tx.execute(update(TeachingRole).where(*place).values(role="helper"))
    answer = browser.post(cell(child, "?part=1"), data={"csrf_token": token, **named("Celia")})
    pencils = browser.get(LIST).text.count("cell-edit")
    with transaction(SYSTEM) as tx:
        tx.execute(update(TeachingRole).where(*place).values(role="co_teacher"))
    assert (answer.status_code, pencils) == (404, 0)
    assert name_of(child) == "Cella Changeable"


def test_in_the_list_of_a_class_in_which_one_only_helps_ones_own_students_can_be_corrected(
    teacher: FlaskClient, world: World, child: Child
) -> None:
    """It is theirs by another class; here it cannot be undone, as they may not change this one's list."""
    room = world.colleague_class
    with transaction(SYSTEM) as tx:
        here = {"school_id": world.home.id, "classroom_id": room.id}
        seat = {"student_id": child.id, "avatar": "fox", "balance": 0, "joined_at": clock.now()}
        tx.execute(insert(Enrollment).values(**here, **seat))
        role = {"account_id": world.people["teacher"].id, "role": "helper"}
        tx.execute(insert(TeachingRole).values(**here, **role))
    listed = teacher.get(f"{LIST}?classroom={room.public_id}").text
    # Of its other students they only see the names.
    assert re.findall(r'class="cell-edit" href="(\w+)/', listed) == [child.public_id]
    answer = send(teacher, cell(child, f"?classroom={room.public_id}"), named("Celia"))
    with transaction(SYSTEM) as tx:
        tx.execute(
            delete(TeachingRole).where(
                TeachingRole.classroom_id == room.id,
                TeachingRole.account_id == world.people["teacher"].id,
            )
        )
    assert (answer.status_code, name_of(child)) == (303, "Celia Changeable")


def test_a_form_that_stood_open_too_long_keeps_what_was_typed(teacher: FlaskClient, child: Child) -> None:
    answer = teacher.post(cell(child, "?part=1"), data={"csrf_token": "old", **named("Celia")})
    assert answer.status_code == 422
    assert 'value="Celia"' in answer.text
    assert "Send it again" in answer.text
    assert "open for too long" not in teacher.get(LIST).text, "Nothing is left to be said on the next page."
    assert name_of(child) == "Cella Changeable"


def test_a_filter_that_is_none_is_none_here_too(teacher: FlaskClient, world: World, child: Child) -> None:
    foreign = world.foreign_class.public_id
    assert teacher.get(cell(child, f"?classroom={foreign}")).status_code == 404
    assert teacher.get(cell(child, "?columns=nothing")).status_code == 404


def test_a_class_and_its_mark_are_changed_in_the_list(teacher: FlaskClient, world: World) -> None:
    room = world.own_class
    here = f"/console/classrooms/{room.public_id}/cell"
    for column, fields in (("name", {"name": room.name + "!"}), ("mark", {"icon": "owl", "colour": "plum"})):
        (seen,) = re.findall(r'name="seen"[^>]*value="(\w+)"', teacher.get(f"{here}/{column}").text)
        assert send(teacher, f"{here}/{column}", {**fields, "seen": seen}).location == "/console/classrooms/"
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.id == room.id)).one()
        assert (row.name, row.icon, row.colour) == (room.name + "!", "owl", "plum")
        tx.execute(
            update(Classroom).where(Classroom.id == room.id).values(name=room.name, icon=None, colour=None)
        )
    assert teacher.get("/console/classrooms/").text.count(f'href="{room.public_id}/cell/') == 2


def test_who_only_looks_on_sees_no_pencil(app: Flask, world: World) -> None:
    for role in ("helper", "founder"):
        for page in ("/console/classrooms/", LIST, "/console/schools/"):
            assert "cell-edit" not in signed_in(app, world, role).get(page).text, (role, page)


# -- the pages of the same values


def test_a_page_that_was_overtaken_says_so_and_can_be_sent_again(
    teacher: FlaskClient, world: World, child: Child
) -> None:
    for page, fields, is_now in (
        (f"{LIST}{child.public_id}/edit", {"given_name": "Celia", "family_name": "Changeable"}, "Cella"),
        (f"/console/classrooms/{world.own_class.public_id}/edit", {"name": "Ours"}, world.own_class.name),
    ):
        answer = send(teacher, page, {**fields, "seen": version("as it was before")})
        assert (answer.status_code, f"now it is {is_now}" in answer.text) == (422, True)
        (seen,) = re.findall(r'name="seen"[^>]*value="(\w+)"', answer.text)
        assert send(teacher, page, {**fields, "seen": seen}).status_code == 303
    assert name_of(child) == "Celia Changeable"
    # The name as it is, and something else of the class: that was not changed meanwhile, or it was.
    fields = {"name": "Ours", "shared_devices": "y", "seen": version("Ours", False)}
    assert send(teacher, page, fields).status_code == 303
    answer = send(teacher, page, {"name": "Ours anew", "seen": version("Ours", False)})
    assert (answer.status_code, "now it is Ours, shared devices" in answer.text) == (422, True)
    with transaction(SYSTEM) as tx:
        room = tx.scalars(select(Classroom).where(Classroom.id == world.own_class.id)).one()
        assert (room.name, room.shared_devices) == ("Ours", True)
        room.name = world.own_class.name


def test_a_mark_that_somebody_else_gave_meanwhile_stays(teacher: FlaskClient, world: World) -> None:
    page = f"/console/classrooms/{world.own_class.public_id}/manage"
    (seen,) = re.findall(r'name="seen"[^>]*value="(\w+)"', teacher.get(page).text)
    assert send(teacher, page, {"icon": "cat", "colour": "plum", "seen": seen}).status_code == 303
    answer = send(teacher, page, {"icon": "fish", "colour": "plum", "seen": seen})
    assert (answer.status_code, "now it is Cat, Plum" in answer.text) == (422, True)
    with transaction(SYSTEM) as tx:
        mark = {"icon": None, "colour": None}
        tx.execute(update(Classroom).where(Classroom.id == world.own_class.id).values(**mark))


# -- what a list declares


def test_a_number_has_bounds_and_nought_is_one(app: Flask) -> None:
    goal = Entry("goal", "Goal", "number", required="Write a number.", least=0, most=9)
    made = Edit(CLASSROOMS_READ, "Set a goal", (goal,), "x")
    for written, errors in (("0", 0), ("9", 0), ("10", 1), ("", 1), ("x", 1)):
        with app.test_request_context(method="POST", data={"goal": written, "seen": "y"}):
            form = made.form(meta={"csrf": False})
            form.validate()
            assert bool(form["goal"].errors) == bool(errors), written


@pytest.mark.parametrize(("kind", "entry"), [("", "name"), ("classroom", "sort")])
def test_cells_that_could_not_be_changed_are_no_list(kind: str, entry: str) -> None:
    with pytest.raises(TypeError):
        type(
            "Broken",
            (Grid,),
            {
                "entity": Classroom,
                "kind": kind,
                "doors": {"index": CLASSROOMS_READ},
                "title": "Broken",
                "address": "broken",
                "columns": (Column("a", "A", edit=Edit(CLASSROOMS_READ, "A", (Entry(entry, "A"),), "x")),),
            },
        )
