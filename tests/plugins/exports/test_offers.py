"""Where the core's pages lead to exports: with what is chosen already, and only whoever may take it along."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.host.services import switch_plugin
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, TeachingRole, TeachingRoleName
from backoffice.schools.services import contracts
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World, add_classroom
from tests.plugins.exports.test_pages import CONSOLE, OWN, last, signed_in


def ways(page: str) -> set[str]:
    """The addresses of exports to which a page leads, but for the one of the console's own list of pages."""
    inside = page.split("<main", 1)[-1]
    found = re.findall(rf'href="((?:{CONSOLE}|{OWN})[^"]*)"', inside)
    return set(found)


def places(world: World) -> dict[str, tuple[str, str]]:
    """Pages of the core, and where each leads."""
    room, child = world.own_class, world.own_class.children[0].public_id
    by_room, by_child = (
        f"{CONSOLE}?{name}={each}" for name, each in (("classroom", room.public_id), ("student", child))
    )
    return {
        "/console/students/": (CONSOLE, "leader teacher"),
        f"/console/students/?classroom={room.public_id}": (by_room, "leader teacher"),
        "/console/classrooms/": (CONSOLE, "leader teacher"),
        # One of the schools of a district: it is chosen there.
        "/console/schools/": (CONSOLE, "leader"),
        f"/console/students/{child}": (by_child, "leader teacher"),
        f"/console/students/{child}/erase": (by_child, "leader teacher"),
        f"/console/classrooms/{room.public_id}/manage": (by_room, "leader teacher"),
        f"/console/classrooms/{room.public_id}/erase": (by_room, "leader teacher"),
        f"/family/{child}": (f"{OWN}?child={child}", "parent"),
        "/account": (OWN, "leader teacher co_teacher helper officer founder parent"),
    }


@pytest.mark.parametrize(
    "role", ["leader", "teacher", "co_teacher", "helper", "officer", "founder", "parent"]
)
def test_where_pages_lead_by_role(app: Flask, world: World, files: Path, role: str) -> None:
    browser = signed_in(app, world, role)
    for address, (to, roles) in places(world).items():
        answer = browser.get(address)
        there = ways(answer.text) if answer.status_code == 200 else set()
        assert there == ({to} if role in roles.split() else set()), (role, address, answer.status_code)
        for each in there:
            assert browser.get(each).status_code == 200


def test_switched_off_it_is_offered_nowhere(app: Flask, runtime: Runtime, world: World, files: Path) -> None:
    def switch(*, enabled: bool) -> None:
        switch_plugin(
            principal=SYSTEM,
            installed=runtime.plugins,
            name="exports",
            enabled=enabled,
            reason="It is being moved",
        )

    browser = signed_in(app, world, "teacher")
    switch(enabled=False)
    try:
        found = {address: ways(browser.get(address).text) for address in places(world)}
    finally:
        switch(enabled=True)
    assert not [address for address, there in found.items() if there]


def test_while_a_contract_ends_the_school_is_offered_to_its_leader(
    app: Flask, world: World, files: Path
) -> None:
    page = f"/console/schools/{world.home.public_id}/contract"
    leader = signed_in(app, world, "leader")
    contracts.end_contract(
        principal=world.sign_in("founder"),
        school=world.home.public_id,
        last_day=clock.now().date() + timedelta(days=90),
        whole_district=False,
    )
    try:
        assert f"{CONSOLE}?place={world.home.public_id}" in ways(leader.get(page).text)
        assert not ways(signed_in(app, world, "founder").get(page).text)
    finally:
        contracts.continue_contract(
            principal=world.sign_in("founder"), school=world.home.public_id, whole_district=False
        )


def chosen(page: str) -> set[str]:
    """What a page of exports has chosen."""
    options = re.findall(r'<option[^>]* value="(\w{16})"|<option selected value="(\w{16})"', page)
    selected = set(re.findall(r'<option selected value="(\w{16})"', page))
    checked = set(re.findall(r'<input checked[^>]* value="(\w{16})"', page))
    assert options or checked
    return selected | checked


def test_what_the_address_says_is_chosen_and_can_be_asked_for(app: Flask, world: World, files: Path) -> None:
    browser, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = browser.get(f"{CONSOLE}?student={child.public_id}").text
    assert chosen(page) == {child.public_id}
    sent = browser.post(CONSOLE, data={"csrf_token": form_token(page), "student": child.public_id})
    assert sent.status_code == 303
    assert (last().subject, last().student_id) == (Subject.STUDENT, child.id)
    leader = signed_in(app, world, "leader")
    for place in (world.home.public_id, world.district):
        assert chosen(leader.get(f"{CONSOLE}?place={place}").text) == {place}
    parent = signed_in(app, world, "parent")
    assert chosen(parent.get(f"{OWN}?child={child.public_id}").text) == {child.public_id}


def test_an_address_with_what_is_anothers_says_nothing_of_it(app: Flask, world: World, files: Path) -> None:
    browser, own = signed_in(app, world, "teacher"), world.own_class
    foreign, school = world.foreign_class, world.outside
    empty = chosen(browser.get(CONSOLE).text)
    for address in (
        f"{CONSOLE}?student={foreign.children[0].public_id}",
        f"{CONSOLE}?classroom={foreign.public_id}",
        f"{CONSOLE}?place={school.public_id}",
        f"{CONSOLE}?student={'x' * 16}",
        f"{CONSOLE}?student=%27%22%3E",
    ):
        page = browser.get(address)
        assert page.status_code == 200
        assert chosen(page.text) == empty
        for text in (foreign.children[0].given, foreign.name, school.name):
            assert text not in page.text
    parent = signed_in(app, world, "parent")
    account = chosen(parent.get(OWN).text)
    for each in (own.children[1], foreign.children[0]):
        page = parent.get(f"{OWN}?child={each.public_id}")
        assert chosen(page.text) == account
        assert each.given not in page.text


def ticked(browser: FlaskClient, page: str, *rows: str, **more: str) -> tuple[str, str]:
    """Where the button of a list leads with these rows ticked, and what it says there."""
    token = form_token(browser.get(page).text)
    data = {"csrf_token": token, "offered": "exports", "rowid": list(rows), **more}
    answer = browser.post(page, data=data)
    assert answer.status_code == 303, answer.status_code
    to = answer.headers["Location"].removeprefix("http://localhost")
    return to, unescape(browser.get(to).text)


def test_a_list_of_one_school_leads_to_all_of_it(app: Flask, world: World, files: Path) -> None:
    home = world.home.public_id
    for page in ("/console/classrooms/", "/console/students/"):
        for role, to in (("leader", f"{CONSOLE}?place={home}"), ("teacher", CONSOLE), ("helper", "")):
            there = ways(signed_in(app, world, role).get(f"{page}?school={home}").text)
            assert there == ({to} if to else set()), (role, page)


def test_one_ticked_row_leads_to_its_export(app: Flask, world: World, files: Path) -> None:
    browser = signed_in(app, world, "teacher")
    child, room = world.own_class.children[0].public_id, world.own_class.public_id
    for page in ("/console/students/", f"/console/students/?classroom={room}"):
        to, shown = ticked(browser, page, child)
        assert to == f"{CONSOLE}?student={child}"
        assert chosen(shown) == {child}
    to, shown = ticked(browser, "/console/classrooms/", room)
    assert to == f"{CONSOLE}?classroom={room}"
    assert room in chosen(shown)


def test_several_ticked_rows_are_told_what_to_choose_instead(app: Flask, world: World, files: Path) -> None:
    browser = signed_in(app, world, "teacher")
    children = [each.public_id for each in world.own_class.children[:2]]
    for rows, more in ((children, {}), (children[:1], {"whole": "yes"})):
        to, shown = ticked(browser, "/console/students/", *rows, **more)
        assert to == "/console/students/"
        assert "An export is of one student: tick one. All students of a class are in one file" in shown
    to, shown = ticked(browser, "/console/students/")
    assert "Nothing was selected" in shown
    leader = signed_in(app, world, "leader")
    rooms = [world.own_class.public_id, world.colleague_class.public_id]
    to, shown = ticked(leader, "/console/classrooms/", *rooms)
    assert to == "/console/classrooms/"
    assert "An export is of one class: tick one." in shown


def test_who_may_not_take_a_row_along_is_told_who_may(app: Flask, world: World, files: Path) -> None:
    """They teach a class of their own, and only help in this one."""
    with transaction(SYSTEM) as tx:
        own, _ = add_classroom(tx, world.home, "A helper's own")
        role = {"account_id": world.people["helper"].id, "role": TeachingRoleName.OWNER}
        tx.execute(insert(TeachingRole).values(school_id=world.home.id, classroom_id=own, **role))
    browser = signed_in(app, world, "helper")
    child = world.own_class.children[0].public_id
    to, shown = ticked(browser, "/console/students/", child)
    assert to == "/console/students/"
    assert "Only who owns the class, or leads the school, takes this along." in shown
    to, shown = ticked(browser, "/console/students/", world.foreign_class.children[0].public_id)
    assert "Nothing was selected" in shown
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Classroom).where(Classroom.id == own))


def test_where_nothing_is_offered_there_is_no_button(app: Flask, runtime: Runtime, world: World) -> None:
    asked = {"offered": "exports", "rowid": world.own_class.children[0].public_id}
    browser = signed_in(app, world, "helper")
    page = browser.get("/console/students/").text
    assert 'name="offered"' not in page
    assert (
        browser.post("/console/students/", data=asked | {"csrf_token": form_token(page)}).status_code == 404
    )
    teacher = signed_in(app, world, "teacher")
    page = teacher.get("/console/students/").text
    assert 'name="offered" value="exports"' in page
    unknown = {"offered": "imports", "csrf_token": form_token(page)}
    assert teacher.post("/console/students/", data=unknown).status_code == 404
