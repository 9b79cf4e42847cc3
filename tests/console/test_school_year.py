"""The page on which a school year begins."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, School, SchoolKind
from backoffice.schools.services import archiving
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World, make_personal

HERE = "/console/school-year/"


@pytest.fixture
def page(client: FlaskClient, world: World) -> Iterator[str]:
    """The address of the home school's page; its leader is signed in. Afterwards all is as before."""
    with transaction(SYSTEM) as tx:
        before = set(tx.scalars(select(Classroom.id)))
    client.set_cookie("account", world.token("leader"))
    yield f"{HERE}?school={world.home.public_id}"
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Classroom).where(Classroom.id.not_in(before)))
        archived = tx.scalars(select(Classroom.public_id).where(Classroom.archived_at.is_not(None))).all()
    for room in archived:
        archiving.restore_classroom(principal=world.sign_in("leader"), classroom=room)


def hidden(text: str, *names: str) -> dict[str, list[str]]:
    """The hidden fields of a page, as a browser sends them."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text):
        found.setdefault(name, []).append(value)
    assert set(names) <= set(found)
    return {name: values for name, values in found.items() if name != "csrf_token"}


def test_a_year_is_looked_at_changed_and_begun(client: FlaskClient, world: World, page: str) -> None:
    own = world.own_class
    stays, leaves = own.children
    assert world.home.name in client.get(HERE).text
    form = client.get(page).text
    assert (own.name in form, leaves.given in form, world.elsewhere_class.name in form) == (True, True, False)
    fields = {
        "school": world.home.public_id,
        "class": own.public_id,
        f"new-{own.public_id}": "y",
        f"name-{own.public_id}": "Otters 2026",
        f"stay-{own.public_id}": "y",
        f"up-{own.public_id}": stays.public_id,
        "do": "look",
    }
    looked = send(client, HERE, fields, page=page)
    assert looked.status_code == 200
    for words in (
        *("1 class is archived", "1 student moves up and 1 leaves", "Otters 2026"),
        f"{leaves.given} {leaves.family}",
    ):
        assert words in looked.text, words
    sent = hidden(looked.text, "class", "seen", f"up-{own.public_id}", f"stay-{own.public_id}")
    again = send(client, HERE, {**sent, "do": "edit"}, page=page)
    boxes = re.findall(r'name="(?:class|up-[^"]+)" value="(\w+)"( checked)?', again.text)
    ticked = {value for value, checked in boxes if checked}
    # What was chosen is as it was; the other class, which is not to end, stays out.
    assert ticked - {c.public_id for c in world.colleague_class.children} == {own.public_id, stays.public_id}
    assert 'value="Otters 2026"' in again.text
    stale = send(client, HERE, {**sent, "seen": "0" * 32, "do": "begin"}, page=page)
    assert (stale.status_code, "has changed since you looked" in stale.text) == (422, True)
    done = send(client, HERE, {**sent, "do": "begin"}, page=page)
    assert (done.status_code, done.location) == (303, f"/console/classrooms/?school={world.home.public_id}")
    listed = client.get(str(done.location)).text
    assert ("Otters 2026" in listed, "1 new class with 1 student" in listed) == (True, True)


def test_no_class_is_a_sentence(client: FlaskClient, world: World, page: str) -> None:
    answer = send(client, HERE, {"school": world.home.public_id, "do": "look"}, page=page)
    assert (answer.status_code, "Choose at least one class" in answer.text) == (422, True)


def test_teachers_find_it_in_a_school_of_their_own_alone(app: Flask, world: World, page: str) -> None:
    teacher, manage = (
        signed_in(app, world, "teacher"),
        f"/console/classrooms/{world.own_class.public_id}/manage",
    )
    assert (HERE in teacher.get(manage).text, teacher.get(page).status_code) == (False, 404)
    said = "A leader of your school begins the new school year."
    co_teacher = signed_in(app, world, "co_teacher")
    assert (said in teacher.get(manage).text, said in co_teacher.get(manage).text) == (True, True)
    assert "A leader of your school begins the year" in teacher.get(HERE).text
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["teacher"])
    try:
        assert (page in teacher.get(manage).text, world.own_class.name in teacher.get(HERE).text) == (
            True,
            True,
        )
        assert (said in teacher.get(manage).text, said in co_teacher.get(manage).text) == (False, False)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == world.home.id).values(kind=SchoolKind.SCHOOL))


def test_a_name_that_is_missing_is_said_by_its_class(client: FlaskClient, world: World, page: str) -> None:
    room = world.own_class
    fields = {"class": room.public_id, f"new-{room.public_id}": "y", f"name-{room.public_id}": " "}
    sent = {"school": world.home.public_id, "do": "look", **fields}
    answer = send(client, HERE, sent, page=page)
    assert answer.status_code == 422
    named = f"name-{room.public_id}"
    assert f'<a href="#{named}">{room.name}: Give each new class a name' in answer.text
    assert re.search(rf'id="{named}"[^>]*aria-invalid="true" aria-describedby="{named}-error"', answer.text)
