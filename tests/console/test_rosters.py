"""Questions about probable children, one child alone, moving, undoing and archiving on the pages."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice.schools.services import classrooms
from tests.contract.pages import form_token
from tests.factories.visitor import send, signed_in
from tests.factories.world import World


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "teacher")


@pytest.fixture(scope="module")
def other(world: World) -> str:
    """Another class of the teacher's."""
    who, school = world.sign_in("teacher"), world.home.public_id
    return str(classrooms.create_classroom(principal=who, school=school, name="Second Sparrows"))


def listed(teacher: FlaskClient, room: str) -> str:
    return unescape(teacher.get(f"/console/classrooms/{room}").text)


def test_a_question_is_answered_before_a_child_is_added(teacher: FlaskClient, world: World) -> None:
    own = world.own_class.public_id
    address = f"/console/classrooms/{own}/paste"
    text = "Wilhelmina Jane Quartermaine\nGrace Hopper"
    fields = {"csrf_token": form_token(teacher.get(address).text), "names": text}
    page = unescape(teacher.post(address, data=fields).text)
    assert "Yes, Wilhelmina Quartermaine in this class" in page
    assert not re.search(r'name="answer-1"[^>]*checked', page)
    unanswered = unescape(teacher.post(address, data=fields | {"confirm": "yes"}).text)
    assert "1 student added. 1 line was left out." in unanswered
    assert "Wilhelmina Jane" not in listed(teacher, own)
    same = {"confirm": "yes", "answer-1": world.own_class.children[0].public_id}
    teacher.post(address, data=fields | same)
    assert "Wilhelmina Jane" not in listed(teacher, own)
    teacher.post(address, data=fields | {"confirm": "yes", "answer-1": "another"})
    assert "Wilhelmina Jane Quartermaine" in listed(teacher, own)
    send(teacher, f"/console/classrooms/{own}/undo-last", {}, page=f"/console/classrooms/{own}")
    assert "Wilhelmina Jane" not in listed(teacher, own)


def test_a_single_child_is_added_at_once_unless_there_is_a_question(
    teacher: FlaskClient, world: World, other: str
) -> None:
    address = f"/console/classrooms/{other}/paste"
    fields = {"csrf_token": form_token(teacher.get(address).text), "one": "yes"}
    assert teacher.post(address, data=fields | {"given_name": "", "family_name": ""}).status_code == 422
    alone = fields | {"given_name": "Mary Jo", "family_name": "van der Berg"}
    assert teacher.post(address, data=alone).status_code == 303
    assert "Mary Jo van der Berg" in listed(teacher, other)
    asked = fields | {"given_name": "Bartholomew", "family_name": "Zephyrine"}
    page = unescape(teacher.post(address, data=asked).text)
    # The very same name in another class of the own: that it is the same child is chosen already.
    assert f"Yes, Bartholomew Zephyrine in {world.own_class.name}" in page
    assert re.search(r'name="answer-1" value="\w+" required checked', page)
    assert "Zephyrine" not in listed(teacher, other)


def test_students_move_from_the_list_and_back(teacher: FlaskClient, world: World, other: str) -> None:
    own, child = world.own_class.public_id, world.own_class.children[1]
    address = f"/console/students/?classroom={own}"
    fields = {"action": "move", "rowid": child.public_id}
    fields["csrf_token"] = form_token(teacher.get(address).text)
    asked = unescape(teacher.post(address, data=fields).text)
    assert f"{child.given} {child.family} will leave {world.own_class.name}." in asked
    assert re.findall(r'<option[^>]*value="(\w+)"', asked) == [other]
    nowhere = unescape(teacher.post(address, data=fields | {"confirm": "yes", "target": ""}).text)
    assert "Choose a class." in nowhere
    moved = fields | {"confirm": "yes", "target": other}
    done = unescape(teacher.post(address, data=moved, follow_redirects=True).text)
    assert "1 student moved to " in done
    undo = f"/console/classrooms/{own}/undo-last"
    (at,) = re.findall(r'name="at" value="([^"]+)"', done)
    page = unescape(teacher.get(f"/console/classrooms/{own}").text)
    (shown,) = re.findall(r'name="at" value="([^"]+)"', page)
    assert at == shown
    earlier = (datetime.fromisoformat(at) - timedelta(seconds=1)).isoformat()
    send(teacher, undo, {"at": earlier}, page=f"/console/classrooms/{own}")
    assert f"{child.given} {child.family}" in listed(teacher, other)
    assert "1 student came from" in listed(teacher, other)
    send(teacher, undo, {"at": at}, page=f"/console/classrooms/{own}")
    assert f"{child.given} {child.family}" not in listed(teacher, other)
    assert f"{child.given} {child.family}" in listed(teacher, own)


def test_a_class_gets_its_mark_is_archived_and_comes_back(
    teacher: FlaskClient, world: World, other: str
) -> None:
    address = f"/console/classrooms/{other}"
    send(teacher, f"{address}/manage", {"icon": "fish", "colour": "coral"})
    assert "av-coral" in teacher.get("/console/classrooms/").text
    for page in ("", "/points", "/manage"):
        assert 'class="class-mark"><span class="avatar av-coral' in teacher.get(f"{address}{page}").text
    assert "/manage" in listed(teacher, other)
    assert f'href="{address}/manage">Choose its picture and colour' in teacher.get(f"{address}/edit").text
    send(teacher, f"{address}/archive", {"confirm": "yes"})
    page = listed(teacher, other)
    assert "This class is archived" in page
    assert not re.search(rf"{address}/(paste|edit|manage|door|code)", page)
    assert "Second Sparrows" not in teacher.get("/console/classrooms/").text
    assert "Second Sparrows" in teacher.get("/console/classrooms/?archived=yes").text
    stale = send(teacher, f"{address}/door", {"door": "open"}, page=f"{address}/archive")
    assert (stale.status_code, "This class is archived" in stale.text) == (409, True)
    send(teacher, f"{address}/restore", {}, page=address)
    assert "/paste" in listed(teacher, other)
    del world
