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
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Door, Enrollment
from backoffice.web import cookies
from tests.contract.pages import form_token
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World, names_behind


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


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-13-45", "2026-11-26T10:00", "\0"])
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
        assert names_behind(world.own_class.code)
    with time_machine.travel(now + HOUR, tick=False), pytest.raises(Rejected):
        names_behind(world.own_class.code)


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


# -- whose classes


@pytest.fixture
def leader(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "leader")


def listed(world: World, page: str) -> set[str]:
    """The classes that a list shows, by name."""
    rooms = (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
    return {room.name for room in rooms if f">{room.name}</a>" in page}


def leads_to(page: str, name: str) -> str:
    """Where the row of this name leads."""
    (address,) = re.findall(rf'<th scope="row"><a href="([^"]+)">{name}</a>', page)
    return str(address)


@pytest.mark.parametrize(
    ("page", "row", "classes"),
    [
        ("/console/teachers/", "Edna Elsewhere", {"Elsewhere Eagles"}),
        ("/console/teachers/", "Henk Helper", {"Ownclass Otters"}),
        ("/console/schools/", "Elsewhere Elms School", {"Elsewhere Eagles"}),
        ("/console/schools/", "Home Hollow School", {"Ownclass Otters", "Colleague Cranes"}),
    ],
)
def test_a_teacher_and_a_school_lead_to_their_classes(
    leader: FlaskClient, world: World, page: str, row: str, classes: set[str]
) -> None:
    answer = leader.get(leads_to(leader.get(page).text, row)).text
    # A person's row leads to the person, and that page to the classes.
    if own := re.search(r'href="(/console/classrooms/\?teacher=[^"]+)"', answer):
        answer = leader.get(own[1]).text
    assert listed(world, answer) == classes
    assert f": {row}<" in answer.partition('class="filter-chips"')[2].partition("</ul>")[0]


def test_a_school_on_the_start_page_leads_to_its_classes(leader: FlaskClient, world: World) -> None:
    assert f'href="/console/classrooms/?school={world.elsewhere.public_id}"' in leader.get("/console/").text


@pytest.mark.parametrize("role", ["founder", "officer"])
def test_whoever_reads_no_class_is_led_to_none(app: Flask, world: World, role: str) -> None:
    browser = signed_in(app, world, role)
    for page in ("/console/", "/console/schools/"):
        assert "/console/classrooms/" not in browser.get(page).text


@pytest.mark.parametrize("query", ["school={0.outside.public_id}", "teacher={1.public_id}", "school=zzz"])
def test_what_is_somebody_elses_narrows_nothing(leader: FlaskClient, world: World, query: str) -> None:
    asked = query.format(world, world.people["outsider"])
    assert leader.get(f"/console/classrooms/?{asked}").status_code == 404


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ("eag", {"Elsewhere Eagles"}),
        ("OTTERS own", {"Ownclass Otters"}),
        ("tters", set()),
        ("foreign", set()),
    ],
)
def test_a_class_is_found_by_the_beginnings_of_its_words(
    leader: FlaskClient, world: World, words: str, classes: set[str]
) -> None:
    where = "/console/classrooms/"
    page = send(leader, f"{where}search", {"q": words}, page=where).text
    assert listed(world, page) == classes
    found = send(leader, f"{where}export.csv", {"q": words}, page=where).text
    assert {line.partition(",")[0].strip('"') for line in found.splitlines()[1:]} == classes


# -- of which school a new one is to be


def test_whoever_has_several_schools_says_first_which(leader: FlaskClient, world: World) -> None:
    page = leader.get("/console/classrooms/new").text
    assert 0 < page.index('name="school"') < page.index('name="name"')
    listing = leader.get(f"/console/classrooms/?school={world.elsewhere.public_id}").text
    (new,) = re.findall(r'href="(/console/classrooms/new\?[^"]+)"', listing)
    chosen = re.findall(r'<option selected value="([^"]+)"', leader.get(new).text)
    assert chosen == [world.elsewhere.public_id]


def test_whoever_has_one_school_is_not_asked(teacher: FlaskClient) -> None:
    assert 'name="school"' not in teacher.get("/console/classrooms/new").text


@pytest.mark.parametrize("page", ["{0}/edit", "{0}/paste", "/console/classrooms/new", "{0}"])
def test_every_page_below_the_list_leads_up(teacher: FlaskClient, address: str, page: str) -> None:
    text = teacher.get(page.format(address)).text
    crumbs = text.partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]
    assert 'href="/console/classrooms/"' in crumbs
