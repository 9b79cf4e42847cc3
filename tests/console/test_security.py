"""Security events in the console, for founders."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import SecurityEvent
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

PAGE = "/console/security/"


def event() -> SecurityEvent:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(SecurityEvent)).one()


def test_founders_see_what_happened_to_which_account(app: Flask, world: World) -> None:
    browser, parent = signed_in(app, world, "founder"), world.people["foreign_parent"]
    for page in (PAGE, f"{PAGE}{event().public_id}"):
        text = browser.get(page).text
        assert "Somebody guesses at the password" in text
        assert f'href="/console/accounts/{parent.public_id}"' in text
        assert parent.name not in text
        assert parent.email not in text


def test_a_moment_is_said_as_people_say_it_with_the_exact_one_beside_it(app: Flask, world: World) -> None:
    at = event().opened_at
    with time_machine.travel(at + timedelta(hours=3, minutes=5), tick=False):
        browser = signed_in(app, world, "founder")
        for page in (PAGE, f"{PAGE}{event().public_id}"):
            shown = re.search(
                r'<time datetime="([^"]+)" title="([^"]+)">3 hours ago</time>', browser.get(page).text
            )
            assert shown, page
            assert datetime.fromisoformat(shown[1]).replace(microsecond=0) == at.replace(microsecond=0)
            assert f"{at.minute:02}:{at.second:02}" in shown[2]


@pytest.mark.parametrize(("state", "shown"), [("open", True), ("closed", False)])
def test_the_list_narrows_by_state(app: Flask, world: World, state: str, shown: bool) -> None:
    page = signed_in(app, world, "founder").get(PAGE, query_string={"state": state})
    assert (page.status_code, "Somebody guesses" in page.text) == (200, shown)


def test_a_state_that_there_is_not_is_not_found(app: Flask, world: World) -> None:
    assert signed_in(app, world, "founder").get(PAGE, query_string={"state": "lost"}).status_code == 404


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent"])
def test_nobody_else_does(app: Flask, world: World, role: str) -> None:
    browser = signed_in(app, world, role)
    assert [browser.get(f"{PAGE}{rest}").status_code for rest in ("", event().public_id)] == [404, 404]


def test_an_event_is_closed_with_a_note(app: Flask, world: World) -> None:
    browser, page = signed_in(app, world, "founder"), f"{PAGE}{event().public_id}"
    assert send(browser, f"{page}/close", {"note": ""}).status_code == 422
    assert send(browser, f"{page}/close", {"note": "Called them"}).location == PAGE
    text = browser.get(page).text
    assert ("Called them" in text, f"{page}/close" in text) == (True, False)
    again = send(browser, f"{page}/close", {"note": "Once more"})
    assert (again.status_code, "closed by somebody else" in again.text) == (422, True)
