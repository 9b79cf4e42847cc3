"""A class in the console: taking out and bringing back, lists with lines to mend, forms that come late."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.console.classrooms import door_now
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Door, Enrollment
from backoffice.students.services import names_behind
from backoffice.web import cookies
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token("teacher"))
    return browser


@pytest.fixture
def address(world: World) -> str:
    return f"/console/classrooms/{world.own_class.public_id}"


def enrolled(world: World) -> set[int]:
    with transaction(SYSTEM) as tx:
        return set(
            tx.scalars(
                select(Enrollment.student_id).where(
                    Enrollment.classroom_id == world.own_class.id, Enrollment.ended_at.is_(None)
                )
            )
        )


def test_taking_out_names_class_and_children_and_can_be_undone(
    teacher: FlaskClient, world: World, address: str
) -> None:
    listed = f"/console/students/?classroom={world.own_class.public_id}"
    child = world.own_class.children[0]
    token = form_token(teacher.get(listed).text)
    fields = {"csrf_token": token, "action": "unenroll", "rowid": child.public_id}
    asked = unescape(teacher.post(listed, data=fields).text)
    assert f"{child.given} {child.family} will leave {world.own_class.name}." in asked
    before = enrolled(world)
    done = teacher.post(listed, data={**fields, "confirm": "yes"}, follow_redirects=True).text
    assert "1 student left the class." in done
    assert before - enrolled(world) == {child.id}
    (left_at,) = re.findall(r'name="left_at" value="([^"]+)"', done)
    back = teacher.post(
        f"{address}/undo", data={"csrf_token": token, "left_at": unescape(left_at)}, follow_redirects=True
    )
    assert "1 student is back in the class." in back.text
    assert enrolled(world) == before


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-13-45", "\0"])
def test_what_is_no_moment_brings_nobody_back(teacher: FlaskClient, address: str, moment: str) -> None:
    token = form_token(teacher.get(address).text)
    assert teacher.post(f"{address}/undo", data={"csrf_token": token, "left_at": moment}).status_code == 400


def test_lines_that_were_left_out_stay_in_the_box(teacher: FlaskClient, world: World, address: str) -> None:
    token = form_token(teacher.get(f"{address}/paste").text)
    fields = {"csrf_token": token, "names": "Newton Newcomer\n12345", "confirm": "yes"}
    before = len(enrolled(world))
    page = unescape(teacher.post(f"{address}/paste", data=fields).text)
    assert "1 student added. 1 line was left out." in page
    assert re.search(r"<textarea[^>]*>\s*12345</textarea>", page)
    assert len(enrolled(world)) == before + 1


def test_a_form_that_comes_too_late_is_shown_again_with_what_was_typed(
    teacher: FlaskClient, world: World, address: str
) -> None:
    before = enrolled(world)
    fields = {"csrf_token": "of another browser", "names": "Ophelia Overdue", "confirm": "yes"}
    answer = teacher.post(f"{address}/paste", data=fields)
    assert answer.status_code == 422
    assert "Nothing was saved yet" in answer.text
    assert "Ophelia Overdue" in answer.text
    assert enrolled(world) == before
    fields["csrf_token"] = form_token(answer.text)
    assert teacher.post(f"{address}/paste", data=fields).status_code == 303
    assert len(enrolled(world)) == len(before) + 1


def test_nothing_is_shown_again_to_somebody_who_is_not_signed_in(app: Flask, address: str) -> None:
    fields = {"csrf_token": "of another browser", "names": "Ophelia Overdue"}
    answer = app.test_client().post(f"{address}/paste", data=fields)
    assert (answer.status_code, "Ophelia" in answer.text) == (303, False)


# -- the door

HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def now(world: World) -> Iterator[datetime]:
    """A moment at which time stands; the door is open again afterwards."""
    with time_machine.travel(clock.now(), tick=False):
        yield clock.now()
    _set_door(world, Door.OPEN, None)


def _set_door(world: World, door: Door, until: datetime | None) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Classroom).where(Classroom.id == world.own_class.id).values(door=door, door_until=until)
        )


def test_a_door_for_an_hour_closes_after_exactly_the_hour(
    now: datetime, teacher: FlaskClient, world: World, address: str
) -> None:
    token = form_token(teacher.get(address).text)
    fields = {"csrf_token": token, "door": "until"}
    opened = teacher.post(f"{address}/door", data=fields, follow_redirects=True)
    assert f"The door is open until {now + HOUR:%H:%M}." in opened.text
    with time_machine.travel(now + HOUR - MOMENT, tick=False):
        assert names_behind(code=world.own_class.code)
    with time_machine.travel(now + HOUR, tick=False), pytest.raises(Rejected):
        names_behind(code=world.own_class.code)


@pytest.mark.parametrize(
    ("after", "on_its_page", "in_a_list"),
    [(MOMENT, "Open until", "Open for now"), (timedelta(0), "Closed", "Closed"), (-HOUR, "Closed", "Closed")],
)
def test_a_door_whose_time_has_passed_is_shown_closed_everywhere(
    now: datetime,
    teacher: FlaskClient,
    world: World,
    address: str,
    after: timedelta,
    on_its_page: str,
    in_a_list: str,
) -> None:
    _set_door(world, Door.UNTIL, now + after)
    (shown,) = re.findall(r'<span class="chip[^>]*>(?:<svg.*?</svg>)?([^<]+)', teacher.get(address).text)
    assert shown.strip() == on_its_page
    pressed = re.findall(r'value="(\w+)" type="submit" aria-pressed="true"', teacher.get(address).text)
    assert pressed == ["until" if after > timedelta(0) else "closed"]
    for page in ("/console/classrooms/", "/console/"):
        assert re.findall(r'<span class="chip[^>]*>([^<]+)</span>', teacher.get(page).text) == [in_a_list]


@pytest.mark.parametrize("door", [Door.OPEN, Door.CLOSED])
def test_a_door_without_a_time_is_as_it_was_set(door: Door) -> None:
    assert door_now(Classroom(door=door, door_until=None)) == door
