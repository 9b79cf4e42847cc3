"""The outbox in the console: what founders see of mails, and that they can try again."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.outbox import bounces
from backoffice.outbox.models import MailState, OutgoingMail
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World

PAGE = "/console/outbox/"


def mails() -> list[OutgoingMail]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def test_founders_see_envelopes_and_no_address(app: Flask, world: World) -> None:
    page = signed_in(app, world, "founder").get(PAGE).text
    for said in ("Plugin switched", "Given up", "The connection was cut", "2 mails"):
        assert said in page
    for person in ("teacher@people.example", "founder@people.example", "Tilda Teacher"):
        assert person not in page
    assert "No mail server is named: set BACKOFFICE_SMTP_URL" in page


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent"])
def test_nobody_else_does(app: Flask, world: World, role: str) -> None:
    assert signed_in(app, world, role).get(PAGE).status_code == 404


@pytest.mark.parametrize(("state", "shown"), [("failed", True), ("sent", False)])
def test_the_list_narrows_by_state(app: Flask, world: World, state: str, shown: bool) -> None:
    page = signed_in(app, world, "founder").get(PAGE, query_string={"state": state})
    assert (page.status_code, "Plugin switched" in page.text) == (200, shown)


def test_a_state_that_there_is_not_is_not_found(app: Flask, world: World) -> None:
    assert signed_in(app, world, "founder").get(PAGE, query_string={"state": "lost"}).status_code == 404


def test_the_newest_mail_is_first(app: Flask, world: World) -> None:
    page = signed_in(app, world, "founder").get(PAGE).text
    first, second = (mail.public_id for mail in mails())
    assert page.index(second) < page.index(first)


def test_what_was_given_up_is_tried_again_after_a_question(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    mail, old = mails()
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == old.id)
            .values(finished_at=clock.now() - timedelta(days=31))
        )
    fields = {"csrf_token": form_token(browser.get(PAGE).text), "action": "retry"}
    asked = browser.post(PAGE, data={**fields, "rowid": mail.public_id})
    assert "1 mail will be tried again" in asked.text
    assert mails()[0].state == MailState.FAILED
    done = browser.post(PAGE, data={**fields, "rowid": mail.public_id, "confirm": "yes"})
    assert done.status_code == 303
    assert "1 mail will be tried again." in browser.get(PAGE).text
    assert mails()[0].state == MailState.QUEUED
    browser.post(PAGE, data={**fields, "rowid": old.public_id, "confirm": "yes"})
    assert "None of them was given up" in browser.get(PAGE).text
    assert mails()[1].state == MailState.FAILED


def test_what_came_back_is_shown_with_the_reason_and_counted(app: Flask, world: World) -> None:
    browser, last = signed_in(app, world, "founder"), mails()[1]
    assert "Mails that came back" not in browser.get("/console/").text, "nothing where none did"
    came_back = {"state": MailState.BOUNCED, "reason": bounces.reason("5.1.1"), "finished_at": clock.now()}
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).where(OutgoingMail.id == last.id).values(came_back))
        tx.execute(update(OutgoingMail).where(OutgoingMail.id != last.id).values(state=MailState.HELD))
    page = browser.get(PAGE, query_string={"state": "bounced"}).text
    for said in ("Came back", "It came back: there is no such address (5.1.1)", "1 mail"):
        assert said in page
    first = browser.get("/console/").text
    for said in ("Mails that came back", "Mails held back", "1 sent, 1 of them came back in 24 hours"):
        assert said in first


def test_which_may_have_arrived_twice_is_told_and_found(app: Flask, world: World) -> None:
    browser, last = signed_in(app, world, "founder"), mails()[-1]
    assert "No mail" in browser.get(PAGE, query_string={"arrival": "twice"}).text
    doubted = {"state": MailState.SENT, "finished_at": clock.now(), "maybe_twice": True}
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).where(OutgoingMail.id == last.id).values(doubted))
    page = browser.get(PAGE, query_string={"arrival": "twice"}).text
    assert page.lower().count("it may have arrived twice") == 1
    assert "1 mail" in page
