"""The page on which a school's security contact and postal address are set."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.schools.models import District, School
from tests.factories.visitor import field_value, form_token, send, signed_in
from tests.factories.world import SYSTEM, World

LIST = "/console/schools/"
GOOD = {"security_contact": "security@home.example", "postal_address": "1 Long Road\r\nHome"}


@pytest.fixture
def page(world: World) -> Iterator[str]:
    """The address of the home school's page. Afterwards all is as before."""
    yield f"{LIST}{world.home.public_id}/contacts"
    nothing = {"security_contact": None, "postal_address": None}
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(nothing))
        tx.execute(update(District).values(nothing))


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_it_is_set_from_the_list_of_schools(app: Flask, world: World, page: str, role: str) -> None:
    browser = signed_in(app, world, role)
    assert (f'href="{page}"' in browser.get(LIST).text, "Not named" in browser.get(LIST).text) == (True, True)
    done = send(browser, page, GOOD)
    assert (done.status_code, done.location) == (303, LIST), done.text
    assert ">Named<" in browser.get(LIST).text
    shown = browser.get(page).text
    assert ('value="security@home.example"' in shown, "1 Long Road\nHome" in shown) == (True, True)


def test_what_cannot_be_reached_is_refused_beside_its_field(app: Flask, world: World, page: str) -> None:
    leader = signed_in(app, world, "leader")
    answer = send(leader, page, GOOD | {"security_contact": "Ms Home"})
    assert (answer.status_code, "security_contact-error" in answer.text) == (422, True)
    assert "Write one e-mail address" in answer.text
    assert "1 Long Road" in answer.text, "what was typed is lost"


def test_nobody_sets_them_over_another(app: Flask, world: World, page: str) -> None:
    leader = signed_in(app, world, "leader")
    opened = leader.get(page).text
    seen = {"csrf_token": form_token(opened), "seen": field_value(opened, "seen")}
    send(leader, page, GOOD)
    mine = {"security_contact": "other@home.example", "postal_address": ""}
    late = leader.post(page, data=seen | mine)
    said = "now it is security@home.example · 1 Long Road, Home"
    assert (late.status_code, said in late.text) == (422, True), late.text
    seen["seen"] = field_value(late.text, "seen")
    assert leader.post(page, data=seen | mine).status_code == 303
    assert 'value="other@home.example"' in leader.get(page).text


def test_it_takes_a_fresh_proof(app: Flask, world: World, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = signed_in(app, world, "leader")
    monkeypatch.setattr(proof, "LASTS", timedelta(0))
    assert leader.get(page).location == "/account/prove"


@pytest.mark.parametrize("role", ["teacher", "officer", "outsider"])
def test_nobody_else_comes_to_the_page(app: Flask, world: World, page: str, role: str) -> None:
    client = signed_in(app, world, role)
    assert client.get(page).status_code == 404
    assert page not in client.get(LIST).text


def test_a_foreign_school_has_no_page(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    assert leader.get(f"{LIST}{world.outside.public_id}/contacts").status_code == 404


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_the_districts_is_set_from_there(app: Flask, world: World, page: str, role: str) -> None:
    browser = signed_in(app, world, role)
    wider = page.replace("/contacts", "/district-contacts")
    assert f'href="{wider}"' in browser.get(page).text
    assert "Notices to Quillfeather District" in browser.get(wider).text
    assert send(browser, wider, GOOD).status_code == 303
    assert 'value="security@home.example"' in browser.get(wider).text
    assert 'value="security@home.example"' not in browser.get(page).text


def test_a_school_of_no_district_leads_to_none(app: Flask, world: World) -> None:
    founder, here = signed_in(app, world, "founder"), f"{LIST}{world.outside.public_id}/"
    assert "district-contacts" not in founder.get(f"{here}contacts").text
    assert founder.get(f"{here}district-contacts").status_code == 404
