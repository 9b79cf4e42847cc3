"""The pages behind links in mails, and the account's own pages."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountPassword
from backoffice.accounts.passwords import hash_password
from backoffice.accounts.services import letters
from tests.accounts.test_credentials import NEW, WRITER, is_in, link_in, mailed, reset_link
from tests.factories.visitor import send, signed_in
from tests.factories.world import COST, PASSWORD, SYSTEM, World


@pytest.fixture(autouse=True)
def _as_before(world: World) -> Iterator[None]:
    letters.write_letters(WRITER)
    yield
    with transaction(SYSTEM) as tx:
        hashed = hash_password(PASSWORD, COST)
        mine = AccountPassword.account_id == world.people["teacher"].id
        tx.execute(update(AccountPassword).where(mine).values(password_hash=hashed))


def test_a_forgotten_password_from_the_sign_in_page_to_the_console(app: Flask, world: World) -> None:
    email = world.people["teacher"].email
    browser = app.test_client()
    assert "/reset" in browser.get("/sign-in").text
    said = {}
    for address in (email, "nobody@nowhere.example"):
        asked = send(browser, "/reset", {"email": address})
        assert asked.location == "/sign-in"
        said[address] = re.sub(r'value="[^"]+"|nonce="[^"]+"', "", browser.get("/sign-in").text)
    assert len(set(said.values())) == 1
    letters.write_letters(WRITER)
    link = link_in(mailed(email)[0], "reset")
    page = browser.get(f"/reset/{link}")
    assert page.status_code == 200
    refused = send(browser, f"/reset/{link}", {"password": "too short"})
    assert (refused.status_code, "at least 12 characters" in refused.text) == (422, True)
    assert send(browser, f"/reset/{link}", {"password": NEW}).location == "/sign-in"
    assert browser.get(f"/reset/{link}").status_code == 410
    assert send(browser, "/sign-in", {"email": email, "password": NEW}).location == "/console/"


def test_a_program_that_opens_links_uses_none_up(app: Flask, world: World) -> None:
    browser = app.test_client()
    link = reset_link(world.people["teacher"].email)
    for _ in range(3):
        assert browser.get(f"/reset/{link}").status_code == 200
    assert browser.get(f"/not-me/{link}").status_code == 410


def test_my_account_shows_and_ends_my_sessions(app: Flask, world: World) -> None:
    browser, other = signed_in(app, world, "teacher"), world.token("teacher")
    page = browser.get("/account").text
    assert world.people["teacher"].email in page
    assert "This one" in page
    assert send(browser, "/account/sessions/end-others", {}, page="/account").location == "/account"
    assert not is_in(other)
    assert browser.get("/account").status_code == 200


def test_changing_the_password_keeps_me_in(app: Flask, world: World) -> None:
    browser, other = signed_in(app, world, "teacher"), world.token("teacher")
    wrong = send(browser, "/account/password", {"current": "wrong wrong wrong", "password": NEW})
    assert (wrong.status_code, "This is not your password" in wrong.text) == (422, True)
    assert is_in(other)
    assert send(browser, "/account/password", {"current": PASSWORD, "password": NEW}).location == "/account"
    assert not is_in(other)
    assert "Everywhere else you are signed out" in browser.get("/account").text
