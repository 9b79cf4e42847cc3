"""Picking one of many: by a guarded door for scripts, and in the page's own form without them."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from backoffice.access.transaction import transaction
from backoffice.console.grids import filters
from backoffice.console.paging import LargeLists
from backoffice.console.picker import asking, fields
from backoffice.schools import picking
from backoffice.schools.models import Classroom
from backoffice.throttles.tries import Claim
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World, add_classroom

DOOR = "/console/pick/"
STUDENTS = "/console/students/"


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are too many for a select."""
    monkeypatch.setattr(filters, "LARGE", LargeLists())
    for module in (filters, fields):
        monkeypatch.setattr(module, "MOST_CHOICES", 1)


def ask(browser: FlaskClient, relation: str, words: str = "", **more: str) -> TestResponse:
    token = form_token(browser.get("/console/find/").text)
    return browser.post(DOOR, data={"csrf_token": token, "relation": relation, "q": words, **more})


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200
    return [each["name"] for each in (answer.get_json() or {})["options"]]


def test_what_one_may_reach_is_found_by_the_beginnings_of_words(app: Flask, world: World) -> None:
    leader, own, elsewhere = signed_in(app, world, "leader"), world.own_class, world.elsewhere_class
    there = names(ask(leader, "class"))
    assert {own.name, elsewhere.name} <= set(there)
    assert world.foreign_class.name not in there
    word = elsewhere.name.split()[-1].lower()[:4]
    assert names(ask(leader, "class", word)) == [elsewhere.name]
    # Classes of several schools are told apart by the names of these, and found by them.
    (option,) = (ask(leader, "class", word).get_json() or {})["options"]
    assert option == {"value": elsewhere.public_id, "name": elsewhere.name, "hint": world.elsewhere.name}
    assert elsewhere.name in names(ask(leader, "class", world.elsewhere.name))
    assert names(ask(leader, "class", within=world.elsewhere.public_id)) == [elsewhere.name]
    assert world.own_class.name in names(ask(signed_in(app, world, "teacher"), "class"))
    assert elsewhere.name not in names(ask(signed_in(app, world, "teacher"), "class"))
    assert names(ask(leader, "teacher", "zzz")) == []


@pytest.mark.parametrize(
    ("who", "relation"),
    [
        ("founder", "class"),
        ("teacher", "teacher"),
        ("teacher", "heir"),
        ("officer", "class"),
        ("leader", "x"),
    ],
)
def test_what_nobody_lets_one_do_is_not_there(app: Flask, world: World, who: str, relation: str) -> None:
    assert ask(signed_in(app, world, who), relation).status_code == 404


def test_another_school_is_not_there(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    assert ask(leader, "class", within=world.outside.public_id).status_code == 404


def test_of_more_than_are_shown_further_letters_choose(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picking, "MOST_PICKED", 1)
    found = ask(signed_in(app, world, "leader"), "class").get_json() or {}
    assert (len(found["options"]), "Type further" in found["said"]) == (1, True)


def test_whoever_looks_without_end_waits(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "Claim", lambda what, _allowance, who: Claim(what, "2/minute", who))
    leader = signed_in(app, world, "leader")
    assert [ask(leader, "class").status_code for _ in range(3)] == [200, 200, 429]
    assert "very often" in (ask(leader, "class").get_json() or {})["said"]
    looking = {"find": "classroom", "find-classroom": "el"}
    assert send(leader, f"{STUDENTS}narrow", looking, page=STUDENTS).status_code == 429


# -- in the filters of a list, without scripts


def options(page: str, name: str) -> dict[str, str]:
    """What a select offers: names by identifiers."""
    inside = re.search(rf'<select[^>]*name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    assert inside, page
    return dict(re.findall(r'<option (?:selected )?value="(\w+)"[^>]*>([^<]*)', inside[1]))


def narrow(browser: FlaskClient, **values: Any) -> TestResponse:
    return send(browser, f"{STUDENTS}narrow", values, page=STUDENTS)


def test_a_filter_finds_and_keeps_what_else_was_asked(app: Flask, world: World) -> None:
    leader, room = signed_in(app, world, "leader"), world.elsewhere_class
    words = room.name.split()[-1].lower()
    page = narrow(leader, find="classroom", active="today", **{"find-classroom": words})
    assert page.status_code == 200
    assert list(options(page.text, "classroom")) == [room.public_id]
    assert '<option value="today" selected>' in page.text
    assert f'<option value="{room.public_id}" selected>' in page.text, "the only one is meant"
    assert "1 found" in page.text
    led = narrow(leader, classroom=room.public_id, active="today", **{"find-classroom": words})
    assert (led.status_code, words in led.location) == (303, False)
    assert f"classroom={room.public_id}" in led.location
    assert "active=today" in led.location
    # Nothing typed: the button is as good as the other.
    assert narrow(leader, find="classroom", active="today").location == "./?active=today"
    # While words of a list are looked for, they stay, too.
    both = narrow(leader, q="otto", find="classroom", **{"find-classroom": words})
    assert 'name="q" value="otto"' in both.text


def test_what_is_picked_in_a_filter_is_ones_own(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    for foreign in (world.foreign_class.public_id, "x"):
        assert narrow(leader, classroom=foreign).status_code == 404
        assert narrow(leader, classroom=foreign, q="a").status_code == 404
    assert leader.get(f"{STUDENTS}narrow").status_code == 303


# -- in forms, without scripts


def test_a_form_finds_and_keeps_what_was_typed(app: Flask, world: World) -> None:
    leader, address = signed_in(app, world, "leader"), "/console/classrooms/new"
    typed = {"name": "Picked Parrots", "find": "school", "find-school": world.elsewhere.name[:5]}
    page = send(leader, address, typed)
    assert (page.status_code, 'value="Picked Parrots"' in page.text) == (200, True)
    assert options(page.text, "school").get(world.elsewhere.public_id) == world.elsewhere.name
    assert _called("Picked Parrots") == []
    foreign = send(leader, address, {"name": "Picked Parrots", "school": world.outside.public_id})
    assert (foreign.status_code, _called("Picked Parrots")) == (422, [])
    assert (
        send(leader, address, {"name": "Picked Parrots", "school": world.elsewhere.public_id}).status_code
        == 303
    )
    assert _called("Picked Parrots") == [world.elsewhere.id]


def _called(name: str) -> list[int]:
    with transaction(SYSTEM) as tx:
        return [room.school_id for room in tx.scalars(select(Classroom)) if room.name == name]


def test_where_students_move_is_found_among_the_classes_of_their_school(app: Flask, world: World) -> None:
    leader, room = signed_in(app, world, "leader"), world.own_class
    with transaction(SYSTEM) as tx:
        near = add_classroom(tx, world.home, "Moved Magpies")[1]
        far = add_classroom(tx, world.elsewhere, "Moved Magpies")[1]
    here, child = f"{STUDENTS}?classroom={room.public_id}", room.children[0].public_id
    asked = {"action": "move", "rowid": child, "confirm": "yes"}
    found = send(leader, here, {**asked, "find": "target", "find-target": "moved"})
    assert (found.status_code, list(options(found.text, "target"))) == (200, [near])
    for foreign in (far, world.foreign_class.public_id):
        refused = send(leader, here, {**asked, "target": foreign})
        assert (refused.status_code, "Not a valid choice" in refused.text) == (200, True)
    assert send(leader, here, {**asked, "target": near}).status_code == 303


def test_a_view_is_shared_in_a_school_that_is_found(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    state = {"grid": "classrooms", "state": "", "name": "Found"}
    made = send(leader, "/console/views/save", state, page="/console/classrooms/").location
    view = f"/console/views/{made.rpartition('=')[2]}"
    looking = {"shared_with": "teachers", "find": "school", "find-school": world.elsewhere.name[:5]}
    page = send(leader, f"{view}/share", looking, page=view)
    assert world.elsewhere.public_id in options(page.text, "school")
    assert '<option selected value="teachers">' in page.text
