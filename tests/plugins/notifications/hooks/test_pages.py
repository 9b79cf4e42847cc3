"""The page of a district's own system: set with a secret that is shown once, tried out, and removed."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from plugins.notifications.hooks import sending
from plugins.notifications.hooks.models import CallState, HookCall
from plugins.notifications.notices.models import Audience
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.hooks.conftest import CALLER, calls, set_up, work
from tests.plugins.notifications.hooks.sink import Sink
from tests.plugins.notifications.notices.conftest import Founders, let_out
from tests.plugins.notifications.notices.test_pages import signed_in

URL = "https://hooks.example/ours"


def here(world: World) -> str:
    return f"/console/district-systems/{world.home.public_id}"


def act(browser: FlaskClient, world: World, do: str) -> str:
    token = form_token(browser.get(here(world)).text)
    sent = {"csrf_token": token, "do": do}
    return browser.post(f"{here(world)}/act", data=sent, follow_redirects=True).text


def shown_secret(page: str) -> str | None:
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", page)
    return found and found[0]


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_from_the_contacts_to_a_secret_that_is_shown_once(app: Flask, world: World, role: str) -> None:
    browser = signed_in(app, world, role)
    for page in ("contacts", "district-contacts"):
        assert here(world) in browser.get(f"/console/schools/{world.home.public_id}/{page}").text
    assert "No address is set." in browser.get(here(world)).text
    form = form_token(browser.get(f"{here(world)}/edit").text)
    bad = browser.post(f"{here(world)}/edit", data={"csrf_token": form, "url": "https://127.0.0.1/x"})
    assert bad.status_code == 422
    assert shown_secret(bad.text) is None
    good = browser.post(f"{here(world)}/edit", data={"csrf_token": form, "url": URL})
    assert good.status_code == 200
    first = shown_secret(good.text)
    assert first
    page = browser.get(here(world)).text
    # The whole address may hold a key: it takes a fresh proof.
    assert "hooks.example" in page
    assert URL not in page
    assert shown_secret(page) is None
    assert URL in browser.get(f"{here(world)}/edit").text
    changed = browser.post(f"{here(world)}/edit", data={"csrf_token": form, "url": f"{URL}/2"})
    assert (changed.status_code, changed.location) == (303, here(world))
    shown = act(browser, world, "renew")
    assert "For 24 hours calls are signed with the secret from before as well" in shown
    renewed = shown_secret(shown)
    assert renewed
    assert renewed != first
    assert "The test is sent within a minute" in act(browser, world, "test")
    assert [each.state for each in calls()] == [CallState.WAITING]
    assert "Waiting" in browser.get(here(world)).text
    assert "The address is removed" in act(browser, world, "remove")
    assert "No address is set." in browser.get(here(world)).text


@pytest.mark.parametrize("role", ["teacher", "officer", "outsider"])
def test_nobody_else_opens_it(app: Flask, world: World, leader: Principal, role: str) -> None:
    set_up(world, leader, URL)
    browser = signed_in(app, world, role)
    assert browser.get(here(world)).status_code == 404
    assert browser.get(f"{here(world)}/edit").status_code == 404
    assert browser.post(f"{here(world)}/act", data={"do": "remove"}).status_code in {400, 404}


def test_it_shows_how_calls_went(
    app: Flask, world: World, founders: Founders, incident: str, leader: Principal, sink: Sink
) -> None:
    set_up(world, leader, sink.url)
    notice = let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    founder = signed_in(app, world, "founder")
    assert (
        "Systems of districts still to be called" in founder.get(f"/console/incidents/notices/{notice}").text
    )
    sink.status = 503
    work()
    page = signed_in(app, world, "leader").get(here(world)).text
    assert "Answered with status 503" in page
    assert "Next attempt" in page
    sink.status = 410
    with transaction(SYSTEM) as tx:
        tx.execute(update(HookCall).values(next_try_at=clock.now()))
        tx.execute(update(AccountSession).values(proven_at=clock.now()))
    work()
    assert "Given up" in signed_in(app, world, "leader").get(here(world)).text
    assert (
        "Systems of districts that were given up" in founder.get(f"/console/incidents/notices/{notice}").text
    )


def test_the_whole_address_takes_a_fresh_proof(app: Flask, world: World, leader: Principal) -> None:
    set_up(world, leader, f"{URL}?key=gnu")
    browser = signed_in(app, world, "leader")
    assert "key=gnu" in browser.get(f"{here(world)}/edit").text
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - timedelta(hours=10)))
    asked = browser.get(f"{here(world)}/edit")
    assert "key=gnu" not in asked.text
    assert asked.status_code == 303
    page = browser.get(here(world))
    assert page.status_code == 200
    assert "key=gnu" not in page.text
