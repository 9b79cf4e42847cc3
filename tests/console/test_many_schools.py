"""Pages that ask for a school, for the leader of more than a select shows: each is reached, no other is."""

import io
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from backoffice.access.transaction import transaction
from backoffice.console import school_of
from backoffice.console.picker import fields
from backoffice.schools.models import Classroom, School
from tests.console.test_imports import confirmed, counts, fields_of
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World, add_classroom, add_school

MANY = 30
IMPORTS = ("/console/students/import", "/console/classrooms/import")
OF_ONE = ("/console/school-days/", "/console/school-year/", "/console/fields/")


@pytest.fixture(scope="module")
def last(world: World) -> School:
    """The last of thirty schools of the leader's district. Each has a class."""
    with transaction(SYSTEM) as tx:
        made = [add_school(tx, f"Reservoir Number{n}", world.district_id) for n in range(1, MANY + 1)]
        for n, school in enumerate(made, 1):
            add_classroom(tx, school, f"Class of {n}")
    return made[-1]


@pytest.fixture
def leader(app: Flask, world: World, last: School, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A browser of whoever leads them, for whom twenty are as many as a select shows."""
    del last
    monkeypatch.setattr(fields, "MOST_CHOICES", 20)
    return signed_in(app, world, "leader")


def options(page: str, name: str = "school") -> list[str]:
    """The identifiers that a select offers."""
    inside = re.search(rf'<select[^>]*name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    assert inside, page
    return re.findall(r'value="(\w+)"', inside[1])


def sent(client: FlaskClient, page: str, **values: str) -> TestResponse:
    """The form of a page with these values, whatever else it asks."""
    token = form_token(client.get(page).text)
    return client.post(page.partition("?")[0], data={"csrf_token": token, **values})


# -- lists that are brought in


@pytest.mark.parametrize("page", IMPORTS)
def test_a_list_goes_into_the_school_that_is_found(leader: FlaskClient, last: School, page: str) -> None:
    pasted = f"Name,Class\nNora Newcomer,Class of {MANY}" if "students" in page else "Name\nNew Newts"
    asked = leader.get(page).text
    assert (options(asked), "data-picker=" in asked) == ([], True)
    found = sent(leader, page, pasted=pasted, find="school", **{"find-school": f"number{MANY}"})
    assert (found.status_code, options(found.text)) == (200, [last.public_id])
    assert pasted in unescape(found.text), "what was typed stays"
    looked = sent(leader, page, pasted=pasted, school=last.public_id).text
    assert counts(looked) == [1, 0, 0, 0]
    assert confirmed(leader, looked, page).status_code == 303


@pytest.mark.parametrize("page", IMPORTS)
def test_the_school_can_be_found_once_a_list_is_read(leader: FlaskClient, last: School, page: str) -> None:
    pasted = f"Name,Class\nNadia Next,Class of {MANY}" if "students" in page else "Name\nNext Newts"
    unknown = sent(leader, page, pasted=pasted).text
    assert ("Choose a school." in unknown, options(unknown)) == (True, [])
    looking = {**fields_of(unknown), "find": "school", "find-school": "reserv"}
    several = leader.post(page, data=looking).text
    assert ("Choose a school." in several, "Type further" in several) == (False, True)
    found = leader.post(page, data=looking | {"find-school": f"number{MANY}"}).text
    # The only one is meant, and what would happen there is shown at once.
    assert (options(found), counts(found)) == ([last.public_id], [1, 0, 0, 0])
    assert fields_of(found)["school"] == last.public_id


@pytest.mark.parametrize("page", IMPORTS)
def test_no_list_goes_into_a_school_of_others(leader: FlaskClient, world: World, page: str) -> None:
    before = _classes(world.outside)
    answer = sent(leader, page, pasted="Name\nNew Newts", school=world.outside.public_id)
    assert ("Choose a school." in answer.text, "import-counts" in answer.text) == (True, False)
    forced = confirmed(leader, answer.text, page, school=world.outside.public_id)
    assert (forced.status_code, _classes(world.outside)) == (422, before)
    assert world.outside.public_id not in leader.get(f"{page}?school={world.outside.public_id}").text


def test_students_are_brought_where_one_may_add_them(leader: FlaskClient, app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        empty = add_school(tx, "Reservoir Without Classes", world.district_id)
    found = {page: _found(leader, page, "without") for page in IMPORTS}
    assert found == {IMPORTS[0]: [], IMPORTS[1]: [empty.public_id]}
    # A teacher of one school is not asked for it.
    assert 'name="school"' not in signed_in(app, world, "teacher").get(IMPORTS[0]).text


def _found(client: FlaskClient, page: str, words: str) -> list[str]:
    return options(sent(client, page, find="school", **{"find-school": words}).text)


def _classes(school: School) -> list[str]:
    with transaction(SYSTEM) as tx:
        return sorted(tx.scalars(select(Classroom.name).where(Classroom.school_id == school.id)))


def test_a_file_comes_along_with_what_was_found(leader: FlaskClient, last: School) -> None:
    page = IMPORTS[1]
    token = form_token(leader.get(page).text)
    file = (io.BytesIO(b"Name\nFiled Finches\n"), "list.csv")
    data = {"csrf_token": token, "school": last.public_id, "file": file}
    assert counts(leader.post(page, data=data, content_type="multipart/form-data").text) == [1, 0, 0, 0]


# -- the days and the year of a school


@pytest.mark.parametrize("page", OF_ONE)
def test_of_many_schools_one_is_found_and_its_page_opened(
    leader: FlaskClient, last: School, page: str
) -> None:
    asked = leader.get(page).text
    assert (options(asked, "of"), last.name in asked) == ([], False)
    found = sent(leader, page, find="of", **{"find-of": f"number{MANY}"})
    assert (found.status_code, options(found.text, "of")) == (200, [last.public_id])
    opened = sent(leader, page, of=last.public_id)
    assert (opened.status_code, opened.location) == (303, f"{page}?school={last.public_id}")
    assert last.name in leader.get(opened.location or "").text


@pytest.mark.parametrize("page", OF_ONE)
def test_the_page_of_a_school_of_others_is_not_opened(leader: FlaskClient, world: World, page: str) -> None:
    foreign = world.outside.public_id
    answer = sent(leader, page, of=foreign)
    assert (answer.status_code, "Not a valid choice" in answer.text) == (422, True)
    assert "Choose a school." in sent(leader, page, of="").text
    assert [leader.get(f"{page}?school={each}").status_code for each in (foreign, "x")] == [404, 404]


@pytest.mark.parametrize("page", OF_ONE)
def test_up_to_two_hundred_schools_are_a_select_and_up_to_twenty_a_list(
    app: Flask, world: World, last: School, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = signed_in(app, world, "leader")
    asked = leader.get(page).text
    assert (last.public_id in options(asked, "of"), "data-picker=" in asked) == (True, False)
    monkeypatch.setattr(school_of, "MOST_SCHOOLS", 40)
    assert f'href="?school={last.public_id}"' in leader.get(page).text


def test_a_class_leads_to_the_days_and_the_year_of_its_school(leader: FlaskClient, world: World) -> None:
    room = f"/console/classrooms/{world.own_class.public_id}"
    for page, own in zip(OF_ONE[:2], (f"{room}/entry", f"{room}/manage"), strict=True):
        assert f"{page}?school={world.home.public_id}" in leader.get(own).text
