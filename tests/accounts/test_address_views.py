"""The pages of signing up, of another address and of closing the account."""

import re
from datetime import timedelta
from itertools import count

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.accounts.services import people
from tests.accounts.post import link_for, mailed
from tests.factories.visitor import send, signed_in
from tests.factories.world import COST, SYSTEM, World
from tests.factories.world import PASSWORD as OLD

PASSWORD = "walrus umbrella saxophone"
WHO = {"name": "Ana Rivera", "country": "US", "state": "US-CA", "time_zone": ""}
NUMBERS = count()


def somebody(app: Flask) -> tuple[FlaskClient, str]:
    """A browser of somebody new who is signed in with nothing of their own, and the address."""
    email = f"page-{next(NUMBERS)}@people.example"
    people.create_account(principal=SYSTEM, email=email, name="Paula Page", password=OLD, cost=COST)
    client = app.test_client()
    assert send(client, "/sign-in", {"email": email, "password": OLD}).status_code == 303
    return client, email


def grow_old() -> None:
    """The password was typed a while ago, in every session."""
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - timedelta(minutes=11)))


def shown(page: TestResponse) -> str:
    return re.sub(r'value="[^"]*"|nonce="[^"]+"|<code>[0-9a-f]{12}</code>', "", page.text)


# -- signing up


def test_from_the_sign_in_page_to_the_first_steps(app: Flask, world: World) -> None:
    del world
    browser, email = app.test_client(), "ana-page@people.example"
    assert 'href="/sign-up"' in browser.get("/sign-in").text
    assert send(browser, "/sign-up", {**WHO, "email": email}).location == "/sign-up/sent"
    assert "Look into your mailbox" in browser.get("/sign-up/sent").text
    link = f"/sign-up/{link_for(email, 'sign-up')}"
    page = browser.get(link).text
    assert email in page
    assert "California, United States" in page
    assert 'value="Ana Rivera"' in page
    refused = send(browser, link, {"name": "Ana Rivera", "password": "short"})
    assert (refused.status_code, "at least 12 characters" in refused.text) == (422, True)
    begun = send(browser, link, {"name": "Ana Rivera", "password": PASSWORD})
    assert (begun.status_code, begun.location) == (303, "/console/")
    console = browser.get("/console/").text
    assert "Welcome. Your account is ready." in console
    assert "Make a class" in console
    # The device is known: signing in there again is no news.
    before = len(mailed(email))
    send(browser, "/sign-out", {}, page="/account")
    assert send(browser, "/sign-in", {"email": email, "password": PASSWORD}).location == "/console/"
    assert len(mailed(email)) == before


def test_every_address_gets_the_same_answer(app: Flask, world: World) -> None:
    answers = []
    for email in (world.people["teacher"].email, "nobody-page@people.example"):
        browser = app.test_client()
        asked = send(browser, "/sign-up", {**WHO, "email": email})
        page = browser.get(asked.location or "")
        answers.append((asked.status_code, asked.location, page.status_code, shown(page)))
    assert len(set(answers)) == 1


def test_a_program_that_opens_links_uses_none_up(app: Flask, world: World) -> None:
    del world
    browser, email = app.test_client(), "robot@people.example"
    send(browser, "/sign-up", {**WHO, "email": email})
    link = f"/sign-up/{link_for(email, 'sign-up')}"
    assert [browser.get(link).status_code for _ in range(3)] == [200] * 3


def test_a_form_that_is_sent_twice_leads_on(app: Flask, world: World) -> None:
    """The second answer is what a browser shows."""
    del world
    browser, email = app.test_client(), "double@people.example"
    send(browser, "/sign-up", {**WHO, "email": email})
    link = f"/sign-up/{link_for(email, 'sign-up')}"
    send(browser, link, {"name": "Dora Double", "password": PASSWORD})
    again = browser.get(link)
    assert again.status_code == 410
    assert 'href="/console/"' in again.text
    stranger = app.test_client().get(link)
    assert (stranger.status_code, "/sign-in" in stranger.text, "/sign-up" in stranger.text) == (
        410,
        True,
        True,
    )


def test_whoever_was_signed_in_there_is_signed_out(app: Flask, world: World) -> None:
    browser, email = signed_in(app, world, "teacher"), "colleague-to-be@people.example"
    before = browser.get_cookie("account")
    send(app.test_client(), "/sign-up", {**WHO, "email": email})
    link = f"/sign-up/{link_for(email, 'sign-up')}"
    assert send(browser, link, {"name": "Nell New", "password": PASSWORD}).status_code == 303
    assert "Nell New" in browser.get("/account").text
    assert before is not None
    other = app.test_client()
    other.set_cookie("account", before.value)
    assert other.get("/account").location == "/sign-in"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "Write your name."),
        ({"email": "ana"}, "Write a full e-mail address"),
        ({"state": ""}, "Choose a state or province of United States"),
        ({"country": "XX"}, "Choose a country."),
        ({"time_zone": "Mars"}, "Choose a time zone of the list."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    app: Flask, world: World, wrong: dict[str, str], said: str
) -> None:
    del world
    page = send(app.test_client(), "/sign-up", {**WHO, "email": "field@people.example", **wrong})
    assert page.status_code == 422
    assert page.text.count(said) == 2
    assert "Not a valid choice" not in page.text


@pytest.mark.parametrize(
    ("languages", "country"),
    [("en-GB,en;q=0.8", "GB"), ("sv", "US"), ("de,en_NZ;q=0.7", "NZ"), ("x" * 900, "US"), ("", "US")],
)
def test_the_browsers_language_says_where_one_teaches(
    app: Flask, world: World, languages: str, country: str
) -> None:
    del world
    page = app.test_client().get("/sign-up", headers={"Accept-Language": languages}).text
    assert f'<option selected value="{country}">' in page


def test_who_is_signed_in_needs_no_account(app: Flask, world: World) -> None:
    assert signed_in(app, world, "teacher").get("/sign-up").location == "/console/"


# -- another address


def test_from_the_account_to_another_address(app: Flask, world: World) -> None:
    del world
    browser, old = somebody(app)
    new = f"new-{old}"
    assert old in browser.get("/account/email").text
    assert send(browser, "/account/email", {"email": new}).location == "/account"
    link = f"/account/email/{link_for(new, 'account/email')}"
    assert new in browser.get(link).text
    assert send(browser, link, {}).location == "/account"
    page = browser.get("/account").text
    assert new in page
    assert "Everywhere else you are signed out" in page
    assert browser.get(link).status_code == 410
    # It is known as the device of the new address, too.
    before = len(mailed(new))
    send(browser, "/sign-out", {}, page="/account")
    send(browser, "/sign-in", {"email": new, "password": OLD})
    assert len(mailed(new)) == before


def test_the_link_leads_back_after_signing_in(app: Flask, world: World) -> None:
    del world
    browser, old = somebody(app)
    new = f"new-{old}"
    send(browser, "/account/email", {"email": new})
    link = f"/account/email/{link_for(new, 'account/email')}"
    other = app.test_client()
    assert other.get(link).location == "/sign-in"
    assert send(other, "/sign-in", {"email": old, "password": OLD}).location == link
    assert send(other, link, {}).location == "/account"
    assert browser.get("/account").location == "/sign-in"


def test_another_account_sees_nothing_behind_the_link(app: Flask, world: World) -> None:
    browser, old = somebody(app)
    new = f"new-{old}"
    send(browser, "/account/email", {"email": new})
    link = f"/account/email/{link_for(new, 'account/email')}"
    page = signed_in(app, world, "teacher").get(link)
    assert (page.status_code, new in page.text) == (410, False)


def test_the_old_address_takes_the_account_back(app: Flask, world: World) -> None:
    del world
    browser, old = somebody(app)
    new = f"new-{old}"
    send(browser, "/account/email", {"email": new})
    send(browser, f"/account/email/{link_for(new, 'account/email')}", {})
    link = f"/take-back/{link_for(old, 'take-back')}"
    stranger = app.test_client()
    assert [stranger.get(link).status_code for _ in range(2)] == [200] * 2
    assert send(stranger, link, {}).location == "/reset"
    assert browser.get("/account").location == "/sign-in"
    assert stranger.get(link).status_code == 410


@pytest.mark.parametrize("path", ["/account/email", "/account/deactivate"])
def test_what_reaches_far_asks_for_the_password_and_leads_back(app: Flask, world: World, path: str) -> None:
    del world
    browser, _email = somebody(app)
    grow_old()
    assert browser.get(path).location == "/account/prove"
    assert send(browser, "/account/prove", {"password": OLD}).location == path
    assert browser.get(path).status_code == 200


# -- closing it


def test_closing_is_explained_to_everybody(app: Flask, world: World) -> None:
    page = app.test_client().get("/deactivate").text
    assert 'href="/account/deactivate"' in page
    assert "for good" in page
    assert 'href="/receipts/"' in page
    assert 'href="/deactivate"' in signed_in(app, world, "teacher").get("/account").text


def test_an_account_is_erased_after_its_address(app: Flask, world: World) -> None:
    del world
    browser, email = somebody(app)
    wrong = send(browser, "/account/deactivate", {"typed": "yes"})
    assert (wrong.status_code, "not what it is called" in wrong.text) == (422, True)
    closed = send(browser, "/account/deactivate", {"typed": email.upper()})
    assert closed.location == "/deactivate"
    assert "Clear-Site-Data" in closed.headers
    assert "Your account is closed" in browser.get("/deactivate").text
    assert browser.get("/account").location == "/sign-in"
    again = send(browser, "/sign-in", {"email": email, "password": OLD})
    assert (again.status_code, "do not match" in again.text) == (422, True)
    with transaction(SYSTEM) as tx:
        states = {each.email: each.status for each in tx.scalars(select(Account))}
    assert states[email] == AccountStatus.DEACTIVATED


def test_the_last_leader_is_told_what_to_do_first(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    assert (
        send(browser, "/account/deactivate", {"typed": world.people["leader"].email}).location
        == "/account/deactivate"
    )
    assert "Invite another leader first." in browser.get("/account/deactivate").text
    assert browser.get("/account").status_code == 200


def test_a_teacher_sees_what_stays_with_the_school(app: Flask, world: World) -> None:
    page = signed_in(app, world, "teacher").get("/account/deactivate").text
    assert world.home.name in page
    assert "1 class of yours stays with the school" in page
