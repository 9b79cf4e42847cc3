"""The second factor in a browser: setting it up, signing in with it, and founders without one."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice import clock
from backoffice.accounts.services import people, proof, signing_in
from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from tests.factories.visitor import form_token, send
from tests.factories.world import COST, PASSWORD, SYSTEM, World

PAGE = "/account/second-factor"
Later = Callable[[timedelta], None]
STEP = timedelta(seconds=30)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass."""
    at = [datetime.now(UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[0])

    def later(by: timedelta) -> None:
        at[0] += by

    return later


def newcomer(*, founder: bool = False) -> str:
    email = f"{new_public_id()}@people.example"
    people.create_account(
        principal=SYSTEM, email=email, name="Ona Owner", password=PASSWORD, cost=COST, founder=founder
    )
    return email


def sign_in(app: Flask, email: str, **more: str) -> FlaskClient:
    client = app.test_client()
    answer = send(client, "/sign-in", {"email": email, "password": PASSWORD, **more})
    assert answer.status_code == 303, answer.text
    return client


def shown(client: FlaskClient) -> pyotp.TOTP:
    """The app that has read the confirming page."""
    page = client.get(f"{PAGE}/confirm").text
    key = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert key
    assert 'src="data:image/svg+xml' in page
    return pyotp.TOTP(key.group(1).replace(" ", ""))


def set_up(client: FlaskClient) -> tuple[pyotp.TOTP, list[str]]:
    assert send(client, PAGE, {}).location == f"{PAGE}/confirm"
    app = shown(client)
    answer = send(client, f"{PAGE}/confirm", {"otp": app.at(clock.now())})
    assert answer.status_code == 200, answer.text
    return app, re.findall(r"<li><code>([a-z0-9]{5}-[a-z0-9]{5})</code>", answer.text)


def test_a_factor_is_set_up_and_codes_are_shown_once(app: Flask, now: Later) -> None:
    del now
    client = sign_in(app, newcomer())
    assert "Set up a second factor" in client.get("/account").text
    _, codes = set_up(client)
    assert len(codes) == 10
    pages = [client.get(path).text for path in ("/account", PAGE)]
    assert all("10 of your recovery codes are left" in page for page in pages)
    assert not [code for code in codes for page in pages if code in page]
    assert client.get(f"{PAGE}/confirm").location == PAGE, "The secret is not shown again."


def test_the_page_with_the_codes_is_stored_nowhere(app: Flask) -> None:
    client = sign_in(app, newcomer())
    send(client, PAGE, {})
    assert "no-store" in client.get(f"{PAGE}/confirm").headers["Cache-Control"]


def test_a_wrong_first_code_is_refused_beside_its_field(app: Flask) -> None:
    client = sign_in(app, newcomer())
    send(client, PAGE, {})
    key = shown(client).secret
    answer = send(client, f"{PAGE}/confirm", {"otp": "12345"})
    assert (answer.status_code, "otp-error" in answer.text) == (422, True)
    assert shown(client).secret == key, "The picture is still the one that the app has read."


def test_all_in_one_form(app: Flask, now: Later) -> None:
    email = newcomer()
    device, _ = set_up(sign_in(app, email))
    now(STEP)
    client = sign_in(app, email, otp=device.at(clock.now()))
    assert client.get("/account").status_code == 200


def test_the_password_is_typed_once_and_the_code_on_the_next_page(app: Flask, now: Later) -> None:
    email = newcomer()
    device, codes = set_up(sign_in(app, email))
    now(STEP)
    client = app.test_client()
    answer = send(client, "/sign-in", {"email": email, "password": PASSWORD, "shared": "y"})
    assert (answer.status_code, signing_in.CODE_WANTED in answer.text) == (422, True)
    assert PASSWORD not in answer.text
    assert client.get("/account").location == "/sign-in", "Nobody is signed in yet."
    wrong = {"csrf_token": form_token(answer.text), "otp": "000000", "shared": "y"}
    answer = client.post("/sign-in/code", data=wrong)
    assert (answer.status_code, signing_in.CODE_REFUSED in answer.text) == (422, True)
    assert 'value="y"' in answer.text, "A shared computer stays one."
    right = {"csrf_token": form_token(answer.text), "otp": device.at(clock.now())}
    assert client.post("/sign-in/code", data=right).status_code == 303
    assert client.get("/account").status_code == 200
    again = app.test_client()
    send(again, "/sign-in", {"email": email, "password": PASSWORD})
    assert send(again, "/sign-in/code", {"otp": codes[0]}).status_code == 303


def test_without_the_right_password_no_code_is_asked_for(app: Flask, now: Later) -> None:
    email = newcomer()
    device, _ = set_up(sign_in(app, email))
    now(STEP)
    client = app.test_client()
    answer = send(
        client, "/sign-in", {"email": email, "password": "wrong horse", "otp": device.at(clock.now())}
    )
    assert (answer.status_code, signing_in.REFUSED in answer.text) == (422, True)
    assert client.get("/sign-in/code").location == "/sign-in"


def test_who_waits_too_long_begins_again(app: Flask, now: Later) -> None:
    email = newcomer()
    device, _ = set_up(sign_in(app, email))
    client = app.test_client()
    send(client, "/sign-in", {"email": email, "password": PASSWORD})
    token = form_token(client.get("/sign-in/code").text)
    now(signing_in.HALF_WAY_LASTS + STEP)
    answer = client.post("/sign-in/code", data={"csrf_token": token, "otp": device.at(clock.now())})
    assert answer.location == "/sign-in"
    assert client.get("/account").location == "/sign-in"


def test_the_cookie_tells_nothing_of_who_is_half_way(app: Flask, now: Later) -> None:
    email = newcomer()
    set_up(sign_in(app, email))
    now(STEP)
    client = app.test_client()
    with client.session_transaction() as before:
        assert "half_way" not in before
    send(client, "/sign-in", {"email": email, "password": PASSWORD})
    with client.session_transaction() as held:
        assert bytes.fromhex(held["half_way"])
        assert email not in str(dict(held))


def test_new_codes_and_removal(app: Flask, now: Later) -> None:
    del now
    client = sign_in(app, newcomer())
    _, codes = set_up(client)
    answer = send(client, f"{PAGE}/codes", {}, page=PAGE)
    fresh = re.findall(r"<li><code>([^<]+)</code>", answer.text)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert send(client, f"{PAGE}/remove", {}, page=PAGE).location == "/account"
    assert "Set up a second factor" in client.get("/account").text


@pytest.mark.parametrize("act", ["codes", "remove"])
def test_what_is_not_there_is_said_to_be_missing(app: Flask, act: str) -> None:
    client = sign_in(app, newcomer())
    answer = send(client, f"{PAGE}/{act}", {}, page=PAGE)
    assert answer.location == PAGE
    assert "has no second factor" in client.get(PAGE).text


@pytest.mark.parametrize(
    ("path", "back"),
    [(PAGE, PAGE), (f"{PAGE}/confirm", f"{PAGE}/confirm"), (f"{PAGE}/codes", PAGE), (f"{PAGE}/remove", PAGE)],
)
def test_a_browser_left_open_asks_for_the_password_and_leads_back(
    app: Flask, now: Later, path: str, back: str
) -> None:
    client = sign_in(app, newcomer())
    token = form_token(client.get(PAGE).text)
    now(proof.LASTS + STEP)
    posted = path not in {PAGE, f"{PAGE}/confirm"}
    answer = client.post(path, data={"csrf_token": token}) if posted else client.get(path)
    assert answer.location == "/account/prove"
    wrong = send(client, "/account/prove", {"password": "wrong horse battery"})
    assert (wrong.status_code, html.escape(proof.WRONG) in wrong.text) == (422, True)
    assert client.get(PAGE).location == "/account/prove"
    client.get(back)
    assert send(client, "/account/prove", {"password": PASSWORD}).location == back
    assert client.get(PAGE).status_code == 200
    assert send(client, "/account/prove", {"password": PASSWORD}).location == "/account"


def test_a_founder_without_a_factor_gets_nowhere_until_one_is_set(
    app: Flask, runtime: Runtime, world: World, now: Later
) -> None:
    """By whatever route of the console, and in another process too."""
    del now
    client = app.test_client()
    answer = send(client, "/sign-in", {"email": newcomer(founder=True), "password": PASSWORD})
    assert answer.location == PAGE
    room = world.own_class.public_id
    paths = [
        *(
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith("/console/") and not rule.arguments
        ),
        f"/console/classrooms/{room}",
    ]
    assert len(paths) > 10
    other = build(replace(runtime))
    for application in (app, other):
        browser = application.test_client()
        cookie = client.get_cookie("account")
        assert cookie
        browser.set_cookie("account", cookie.value)
        token = form_token(browser.get(PAGE).text)
        for path in paths:
            for answer in (browser.get(path), browser.post(path, data={"csrf_token": token})):
                assert answer.status_code == 405 or answer.location == PAGE, (path, answer.status)
        for path in ("/sign-in", "/welcome"):
            assert browser.get(path).location == PAGE
        assert browser.get("/family").status_code == 404
    assert "Founders must have one" in client.get(PAGE).text
    set_up(client)
    assert client.get("/console/").status_code == 200
    assert client.get("/sign-in").location == "/console/"
    page = client.get(PAGE).text
    assert "Remove my second factor" not in page
    answer = client.post(f"{PAGE}/remove", data={"csrf_token": form_token(page)})
    assert answer.location == PAGE
    assert "must have a second factor" in client.get(PAGE).text
