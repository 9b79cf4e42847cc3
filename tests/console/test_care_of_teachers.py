"""What leaders do about the teachers of their schools, and what their schools require, in the console."""

from flask import Flask
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import FactorReset
from backoffice.schools.models import School
from tests.accounts.care.people import gets_in
from tests.factories import world as factory
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

SCHOOLS = "/console/schools/"


def page_of(world: World, role: str) -> str:
    return f"/console/teachers/{world.people[role].public_id}"


def test_a_leader_suspends_and_reinstates_a_place(app: Flask, world: World) -> None:
    browser, page = signed_in(app, world, "leader"), page_of(world, "helper")
    here = f"?school={world.home.public_id}"
    assert f'href="{page}/suspend{here}"' in browser.get(page).text
    assert send(browser, f"{page}/suspend{here}", {"reason": ""}).status_code == 422
    assert send(browser, f"{page}/suspend{here}", {"reason": "Left the keys"}).location == page
    text = browser.get(page).text
    for said in ("Suspended", "Left the keys", f'href="{page}/reinstate{here}"'):
        assert said in text
    assert f"{page}/suspend" not in text
    assert "Suspended" in browser.get("/console/teachers/").text
    assert not gets_in(world, "helper")
    send(browser, f"{page}/reinstate{here}", {"confirm": "yes"})
    assert "The suspension there has ended." in browser.get(page).text
    assert gets_in(world, "helper")
    send(browser, f"{page}/reinstate{here}", {"confirm": "yes"})
    assert "This place is not suspended." in browser.get(page).text


def test_a_leader_asks_for_the_reset_of_a_factor(app: Flask, world: World) -> None:
    browser, page = signed_in(app, world, "leader"), page_of(world, "colleague")
    send(browser, f"{page}/reset-factor", {"confirm": "yes"})
    assert "This cannot be reset here." in browser.get(page).text
    with transaction(SYSTEM) as tx:
        factory._second_factor(tx, world.people["colleague"].id)
    send(browser, f"{page}/reset-factor", {"confirm": "yes"})
    text = browser.get(page).text
    assert ("A reset of the second factor waits." in text, f"{page}/reset-factor" in text) == (True, False)
    with transaction(SYSTEM) as tx:
        mine = FactorReset.account_id == world.people["colleague"].id
        assert tx.scalars(select(FactorReset.state).where(mine)).all() == ["waiting"]


def test_nothing_is_done_at_schools_of_others(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    for act in ("suspend", "reinstate", "reset-factor"):
        assert browser.get(f"{page_of(world, 'outsider')}/{act}").status_code == 404
        elsewhere = {"school": world.elsewhere.public_id}
        assert browser.get(f"{page_of(world, 'helper')}/{act}", query_string=elsewhere).status_code == 404


def test_a_school_requires_a_second_factor(app: Flask, world: World) -> None:
    browser, page = signed_in(app, world, "leader"), f"{SCHOOLS}{world.home.public_id}/second-factor"
    teacher = signed_in(app, world, "teacher")
    assert f'href="{page}"' in browser.get(SCHOOLS).text
    refused = send(browser, page, {"required": "y"})
    assert (refused.status_code, "Set up your own second factor first" in refused.text) == (422, True)
    with transaction(SYSTEM) as tx:
        world.people["leader"].secret = factory._second_factor(tx, world.people["leader"].id)
    browser = signed_in(app, world, "leader")
    assert teacher.get("/console/").status_code == 200
    assert send(browser, page, {"required": "y"}).location == SCHOOLS
    assert "checked" in browser.get(page).text
    answer = teacher.get("/console/")
    assert (answer.status_code, answer.location) == (303, "/account/second-factor")
    assert "Home Hollow School asks its leaders and teachers for one" in teacher.get(answer.location).text
    send(browser, page, {})
    assert teacher.get("/console/").status_code == 200
    with transaction(SYSTEM) as tx:
        assert not tx.scalar(select(School.factor_required).where(School.id == world.home.id))


def test_founders_see_what_is_required_and_change_nothing(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    text = browser.get(SCHOOLS).text
    assert ("Not required" in text, '/second-factor"' in text) == (True, False)
    assert browser.get(f"{SCHOOLS}{world.home.public_id}/second-factor").status_code == 404
