"""The pages of messages: in the console, for families, and the choice of mails."""

import re

import pytest
from flask import Flask
from sqlalchemy import delete, select

from backoffice.access.transaction import transaction
from backoffice.messages.models import MailChoice, Message
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World, message

KINDS = "core.account-locked"


@pytest.fixture(autouse=True)
def _nothing_told(world: World) -> None:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Message))
        tx.execute(delete(MailChoice))


def told(world: World, role: str, **values: object) -> str:
    with transaction(SYSTEM) as tx:
        return message(tx, world.people[role].id, **{"kind": KINDS, **values})[1]


def is_read(public_id: str) -> bool:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(Message.read_at).where(Message.public_id == public_id)) is not None


@pytest.mark.parametrize(
    ("role", "page"),
    [
        *((role, "/console/inbox/") for role in ("founder", "leader", "officer", "teacher", "helper")),
        ("parent", "/family"),
        ("parent", "/messages"),
    ],
)
def test_everybody_finds_what_they_were_told(app: Flask, world: World, role: str, page: str) -> None:
    public_id = told(world, role)
    shown = signed_in(app, world, role).get(page)
    assert shown.status_code == 200
    assert f'action="/messages/{public_id}/open"' in shown.text
    assert "Your account was locked" in shown.text


@pytest.mark.parametrize("role", ["founder", "officer", "helper"])
def test_who_answers_nobody_has_messages_alone(app: Flask, world: World, role: str) -> None:
    shown = signed_in(app, world, role).get("/console/inbox/").text
    assert "Children told" not in shown
    assert "Children told" in signed_in(app, world, "teacher").get("/console/inbox/").text


def test_the_menu_says_how_many_are_new(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    assert '<span class="menu-count"></span>' in browser.get("/console/").text
    for _ in range(3):
        told(world, "teacher")
    assert '<span class="menu-count">3 new</span>' in browser.get("/console/").text
    for _ in range(100):
        told(world, "teacher")
    assert '<span class="menu-count">99+ new</span>' in browser.get("/console/").text


def test_opening_marks_it_as_read_and_looking_does_not(app: Flask, world: World) -> None:
    public_id, browser = told(world, "teacher"), signed_in(app, world, "teacher")
    browser.get(f"/messages/{public_id}")
    assert browser.get(f"/messages/{public_id}/open").status_code == 405
    assert not is_read(public_id)
    assert (
        send(browser, f"/messages/{public_id}/open", {}, page="/messages").location
        == f"/messages/{public_id}"
    )
    assert is_read(public_id)
    assert f'href="/messages/{public_id}">Account locked' in browser.get("/messages").text


def test_a_request_leads_to_what_waits(app: Flask, world: World) -> None:
    public_id = told(world, "teacher", kind="core.request-came", subject="q" * 16)
    opened = send(signed_in(app, world, "teacher"), f"/messages/{public_id}/open", {}, page="/messages")
    assert opened.location == f"/messages/{public_id}"
    # Where what it is about is gone, the sentence is still read.
    browser = signed_in(app, world, "teacher")
    assert f'href="/console/inbox/requests/{"q" * 16}"' in browser.get(opened.location).text


@pytest.mark.parametrize("role", ["founder", "leader", "colleague", "parent"])
def test_nobody_opens_anothers(app: Flask, world: World, role: str) -> None:
    public_id, browser = told(world, "teacher"), signed_in(app, world, role)
    told(world, role)
    assert browser.get(f"/messages/{public_id}").status_code == 404
    assert send(browser, f"/messages/{public_id}/open", {}, page="/messages").status_code == 404
    assert send(browser, "/messages/read", {"up_to": public_id}, page="/messages").status_code == 404
    assert send(browser, "/messages/read", {"up_to": "<b>"}, page="/messages").status_code == 404
    assert browser.get(f"/messages?after={public_id}&unread=1").status_code == 404
    assert public_id not in browser.get("/messages").text
    assert not is_read(public_id)


def test_all_are_marked_as_read(app: Flask, world: World) -> None:
    some, browser = [told(world, "teacher") for _ in range(3)], signed_in(app, world, "teacher")
    (up_to,) = re.findall(r'name="up_to" value="([^"]+)"', browser.get("/messages").text)
    assert up_to == some[-1]
    since = told(world, "teacher")
    assert send(browser, "/messages/read", {"up_to": up_to}, page="/messages").location == "/messages"
    assert [*map(is_read, some)] == [True] * 3
    assert not is_read(since)


def test_many_are_paged(app: Flask, world: World) -> None:
    for _ in range(60):
        told(world, "teacher")
    browser = signed_in(app, world, "teacher")
    first = browser.get("/messages").text
    assert first.count("inbox-title") - first.count("Older messages") == 50
    (more,) = re.findall(r'href="(/messages\?after=[^"]+)"', first)
    second = browser.get(more.replace("&amp;", "&")).text
    assert second.count('class="btn-link inbox-title"') == 10
    assert "Older messages" not in second


def test_what_is_here_no_more_has_a_line(app: Flask, world: World) -> None:
    public_id = told(world, "teacher", kind="gone.dodo", subject="<b>x</b>")
    browser = signed_in(app, world, "teacher")
    assert "A message of a part that is not here any more" in browser.get("/messages").text
    assert (
        send(browser, f"/messages/{public_id}/open", {}, page="/messages").location
        == f"/messages/{public_id}"
    )
    assert "<b>x</b>" not in browser.get(f"/messages/{public_id}").text


def test_mails_are_chosen(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    page = browser.get("/account/mails").text
    assert "always comes by mail" in page
    assert "A parent asks for something" in page
    assert "checked" in page
    assert send(browser, "/account/mails", {}).location == "/account"
    assert "checked" not in browser.get("/account/mails").text
    assert send(browser, "/account/mails", {"wanted": "core.account-locked"}).status_code == 422
    assert send(browser, "/account/mails", {"wanted": "core.request-came"}).location == "/account"
    page = browser.get("/account/mails").text
    assert page.count("checked") == 1
    assert [page.index(title) for title in ("My classes", "Families", "Lists and exports")] == sorted(
        page.index(title) for title in ("My classes", "Families", "Lists and exports")
    )


@pytest.mark.parametrize("role", ["founder", "officer", "parent", "helper"])
def test_nobody_is_offered_what_they_never_get(app: Flask, world: World, role: str) -> None:
    page = signed_in(app, world, role).get("/account/mails").text
    assert "Export ready" in page
    assert "A parent asks for something" not in page
    assert "Roster import finished" not in page


def test_without_an_account_there_are_none(app: Flask) -> None:
    client = app.test_client()
    for address in ("/messages", "/account/mails", f"/messages/{'q' * 16}"):
        assert client.get(address).location.startswith("/sign-in")
    token = form_token(client.get("/sign-in").text)
    assert client.post("/messages/read", data={"csrf_token": token}).location.startswith("/sign-in")
