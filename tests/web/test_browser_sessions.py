"""The browser's own session and its forms' token: known for a minute, and nobody else's."""

from dataclasses import replace
from typing import Any

import pytest
import time_machine
from flask import Flask, session
from flask_wtf.csrf import generate_csrf, validate_csrf
from pydantic import SecretStr
from werkzeug.test import Client
from wtforms import ValidationError

from backoffice import clock
from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.web import browser_sessions
from backoffice.web.browser_sessions import BrowserSessions, form_token
from tests.factories.visitor import form_token as token_in
from tests.factories.visitor import signed_in
from tests.factories.world import World

LIST = "/console/students/"


def cookie_of(app: Flask, **kept: Any) -> str:
    """What a browser holds whose session has these."""
    sessions = app.session_interface
    assert isinstance(sessions, BrowserSessions)
    return str(sessions.get_signing_serializer(app).dumps(kept))


def opened(app: Flask, cookie: str) -> dict[str, Any]:
    """What the application reads of a browser with this cookie."""
    with app.test_request_context(headers={"Cookie": f"form={cookie}"}):
        return dict(session)


def test_what_a_request_changes_is_its_own(app: Flask) -> None:
    """Also in a list that the session holds."""
    cookie = cookie_of(app, said=["one"], csrf_token="x")
    for _ in range(3):
        with app.test_request_context(headers={"Cookie": f"form={cookie}"}):
            assert session["said"] == ["one"]
            session["said"].append("two")
            session.pop("csrf_token")


def test_only_ours_are_read(app: Flask) -> None:
    cookie = cookie_of(app, whose="ours")
    assert opened(app, cookie) == {"whose": "ours"}
    # The last sign has bits that mean nothing.
    changed = "a" if cookie[-5] != "a" else "b"
    for other in (cookie[:-1], f"{cookie[:-5]}{changed}{cookie[-4:]}", "", "x.y.z", cookie[1:]):
        assert opened(app, other) == {}, other
    assert opened(app, cookie) == {"whose": "ours"}


def test_an_old_one_is_read_no_longer(app: Flask) -> None:
    """Though a process that knows it goes on for a minute."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        cookie = cookie_of(app, whose="ours")
        assert opened(app, cookie) == {"whose": "ours"}
        traveller.shift(app.permanent_session_lifetime.total_seconds() + 2 * browser_sessions.UNASKED)
        assert opened(app, cookie) == {}


def test_no_more_are_known_than_there_is_room_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_sessions, "MOST", 3)
    for number in range(7):
        with app.test_request_context(headers={"Cookie": f"form={cookie_of(app, csrf_token=str(number))}"}):
            form_token()
            assert len(app.extensions["signed form tokens"]) <= 3


def test_a_token_is_good_from_page_to_page_and_for_its_browser_alone(app: Flask, world: World) -> None:
    browser, other = signed_in(app, world, "teacher"), signed_in(app, world, "teacher")
    tokens = [token_in(browser.get(LIST).text) for _ in range(3)]
    assert len(set(tokens)) == 1
    theirs = token_in(other.get(LIST).text)
    assert theirs != tokens[0]

    def density(client: Client, token: str) -> int:
        return client.post("/console/density/", data={"csrf_token": token, "rows": "compact"}).status_code

    assert density(browser, tokens[0]) == 303
    assert density(other, tokens[0]) == density(browser, theirs) == 400
    assert density(app.test_client(), tokens[0]) == 400


def test_the_library_gives_and_takes_the_same_token(app: Flask) -> None:
    """A form of its own, on the same page, has no other."""
    kept = {"csrf_token": "0123456789abcdef"}
    with app.test_request_context(headers={"Cookie": f"form={cookie_of(app, **kept)}"}):
        made = form_token()
        assert generate_csrf() == made
        validate_csrf(made)
    with app.test_request_context(headers={"Cookie": f"form={cookie_of(app, **kept)}"}):
        assert form_token() == made
        assert generate_csrf() == made
    with app.test_request_context(headers={"Cookie": f"form={cookie_of(app, csrf_token='another')}"}):
        assert form_token() != made
        with pytest.raises(ValidationError):
            validate_csrf(made)


def test_what_another_application_signed_is_not_ours(runtime: Runtime, app: Flask) -> None:
    """Though it is known there."""
    cookie = cookie_of(app, whose="ours", csrf_token="0123456789abcdef")
    secret = SecretStr("the secret of another application, long enough")
    other = build(replace(runtime, settings=runtime.settings.model_copy(update={"secret_key": secret})))
    for _ in range(2):
        assert opened(app, cookie) == {"whose": "ours", "csrf_token": "0123456789abcdef"}
        assert opened(other, cookie) == {}
    tokens = []
    for each in (app, other):
        with each.test_request_context(headers={"Cookie": f"form={cookie_of(each, csrf_token='the same')}"}):
            tokens.append(form_token())
    assert tokens[0] != tokens[1]
