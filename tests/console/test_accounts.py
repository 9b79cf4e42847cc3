"""Accounts in the console: founders find one, suspend it, reset its factor, and see no name."""

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from tests.accounts.care.people import gets_in, link_in, mailed, open_events
from tests.factories import world as factory
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

PAGE = "/console/accounts/"


def found(app: Flask, world: World, role: str) -> tuple[FlaskClient, str]:
    """A founder's browser, and the page of an account that was found by its address."""
    browser = signed_in(app, world, "founder")
    answer = send(browser, PAGE, {"email": world.people[role].email})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}{world.people[role].public_id}")
    return browser, answer.location or ""


def test_an_account_is_found_by_its_exact_address_and_has_no_name(app: Flask, world: World) -> None:
    browser, page = found(app, world, "leader")
    text = browser.get(page).text
    leader = world.people["leader"]
    for said in (leader.public_id, "School leader", "Open", "No"):
        assert said in text
    for unsaid in (leader.name, leader.email, world.home.name, "Quillfeather"):
        assert unsaid not in text


def test_what_is_not_found_is_said_without_the_address(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    answer = send(browser, PAGE, {"email": "nobody@people.example"})
    assert (answer.status_code, "There is no account with exactly this address." in answer.text) == (
        422,
        True,
    )
    assert "nobody" not in str(answer.headers)
    assert send(browser, PAGE, {"email": "nobody"}).status_code == 422
    assert send(browser, PAGE, {"email": ""}).status_code == 422
    # Nothing of it in an address.
    assert "teacher" not in browser.get(PAGE, query_string={"email": "teacher@people.example"}).text


def test_without_the_token_of_the_form_nothing_is_looked_up(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    answer = browser.post(PAGE, data={"email": world.people["leader"].email})
    assert world.people["leader"].public_id not in f"{answer.text}{answer.location}"


def test_a_founder_suspends_and_reinstates(app: Flask, world: World) -> None:
    browser, page = found(app, world, "helper")
    assert send(browser, f"{page}/suspend", {"reason": " "}).status_code == 422
    assert send(browser, f"{page}/suspend", {"reason": "Asked for it"}).location == page
    text = browser.get(page).text
    assert ("Suspended" in text, f"{page}/reinstate" in text, "Asked for it" in text) == (True, True, False)
    assert not gets_in(world, "helper")
    again = send(browser, f"{page}/suspend", {"reason": "Asked for it"})
    assert (again.status_code, "suspended already" in again.text) == (422, True)
    send(browser, f"{page}/reinstate", {"confirm": "yes"})
    assert "The suspension has ended." in browser.get(page).text
    assert gets_in(world, "helper")
    send(browser, f"{page}/reinstate", {"confirm": "yes"})
    assert "This account is not suspended." in browser.get(page).text


def test_far_reaching_acts_ask_for_the_password_first(app: Flask, world: World) -> None:
    browser, page = found(app, world, "helper")
    with transaction(SYSTEM) as tx:
        long_ago = clock.now() - timedelta(minutes=11)
        tx.execute(update(AccountSession).values(proven_at=long_ago))
    for act in ("suspend", "reinstate", "reset-factor"):
        assert browser.get(f"{page}/{act}").location == "/account/prove"


def test_a_founder_asks_for_a_reset_and_its_owner_keeps_the_factor(app: Flask, world: World) -> None:
    leader = world.people["leader"]
    with transaction(SYSTEM) as tx:
        leader.secret = factory._second_factor(tx, leader.id)
    browser, page = found(app, world, "leader")
    assert send(browser, f"{page}/reset-factor", {"confirm": "yes"}).location == page
    text = browser.get(page).text
    assert ("its reset was asked for" in text, f"{page}/reset-factor" in text) == (True, False)
    link = f"/keep-my-factor/{link_in(mailed(leader)[-1], 'keep-my-factor')}"
    stranger = app.test_client()
    # Looking changes nothing: mail programs open links.
    assert "Keep your second factor?" in stranger.get(link).text
    assert "its reset was asked for" in browser.get(page).text
    assert send(stranger, link, {}).status_code == 303
    assert "Your second factor stays." in stranger.get("/sign-in").text
    assert (stranger.get(link).status_code, open_events(leader)) == (410, ["reset_refused"])
    assert "its reset was asked for" not in browser.get(page).text


def test_what_cannot_be_reset_is_said(app: Flask, world: World) -> None:
    browser, page = found(app, world, "parent")
    assert "Reset the lost second factor" not in browser.get(page).text
    send(browser, f"{page}/reset-factor", {"confirm": "yes"})
    assert "This cannot be reset here." in browser.get(page).text


def test_ones_own_account_is_looked_after_elsewhere(app: Flask, world: World) -> None:
    browser, page = found(app, world, "founder")
    assert "This is your own account." in browser.get(page).text
    for act in ("suspend", "reinstate", "reset-factor"):
        assert browser.get(f"{page}/{act}").status_code == 404
