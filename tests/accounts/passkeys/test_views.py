"""Passkeys in a browser whose script's part the tests do: questions, forms, and what refusals say."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.accounts.passkeys import ceremony, forms, services, views
from backoffice.accounts.services import people, proof
from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from tests.factories.authenticator import Authenticator
from tests.factories.visitor import form_token, send
from tests.factories.world import COST, PASSWORD, SYSTEM

PAGE = views.PAGE
ORIGIN = "http://localhost:8000"
Later = Callable[[timedelta], None]


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


def signed_in(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    answer = send(client, "/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def asked(client: FlaskClient, path: str) -> Mapping[str, Any] | None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json is not None
    assert "no-store" in answer.headers["Cache-Control"]
    found: Mapping[str, Any] | None = answer.json["publicKey"]
    return found


def question(client: FlaskClient, path: str) -> Mapping[str, Any]:
    found = asked(client, path)
    assert found is not None
    return found


def add(client: FlaskClient, device: Authenticator, name: str = "My phone") -> TestResponse:
    made = device.make(question(client, f"{PAGE}/options"))
    return send(client, PAGE, {"answer": made, "name": name})


def show(client: FlaskClient, device: Authenticator, path: str, page: str, **more: str) -> TestResponse:
    token = form_token(client.get(page).text)
    answer = device.sign(question(client, f"{path}/options"))
    return client.post(path, data={"csrf_token": token, "answer": answer, **more})


def test_a_passkey_is_added_used_and_removed(app: Flask) -> None:
    client, device = signed_in(app, newcomer()), Authenticator(ORIGIN)
    answer = add(client, device)
    assert (answer.status_code, "Your recovery codes" in answer.text) == (200, True)
    assert add(client, Authenticator(ORIGIN), "School laptop").location == PAGE
    for path in (PAGE, "/account"):
        page = client.get(path).text
        assert re.findall(r"<strong>(My phone|School laptop)</strong>", page) == ["My phone", "School laptop"]
        assert page.count("Not used yet") == 2
    other = app.test_client()
    assert show(other, device, "/sign-in/passkey", "/sign-in").location == "/welcome"
    page = other.get("/account").text
    assert page.count("Not used yet") == 1
    assert "Besides your password, signing in asks for a passkey" in page
    client = other
    found = re.search(rf'action="({PAGE}/[^"]+/remove)"', client.get(PAGE).text)
    assert found
    assert send(client, found.group(1), {}, page=PAGE).location == PAGE
    page = client.get(PAGE).text
    assert ("<strong>My phone" in page, "<strong>School laptop" in page) == (False, True)
    refused = show(app.test_client(), device, "/sign-in/passkey", "/sign-in")
    assert refused.location == "/sign-in"


def test_a_passkey_signs_in_for_a_short_time_at_a_shared_computer(app: Flask) -> None:
    email, device = newcomer(), Authenticator(ORIGIN)
    add(signed_in(app, email), device)
    client = app.test_client()
    assert show(client, device, "/sign-in/passkey", "/sign-in", shared="y").status_code == 303
    assert client.get("/account").status_code == 200


def test_a_passkey_in_the_place_of_the_code(app: Flask) -> None:
    email, device = newcomer(), Authenticator(ORIGIN)
    add(signed_in(app, email), device)
    client = app.test_client()
    answer = send(client, "/sign-in", {"email": email, "password": PASSWORD})
    assert (answer.status_code, "Use a passkey instead" in answer.text) == (422, True)
    stranger = Authenticator(ORIGIN)
    assert show(client, stranger, "/sign-in/code/passkey", "/sign-in/code").location == "/sign-in/code"
    assert html.escape(services.UNKNOWN) in client.get("/sign-in/code").text
    assert show(client, device, "/sign-in/code/passkey", "/sign-in/code").location == "/welcome"
    assert client.get("/account").status_code == 200


def test_without_the_right_password_no_passkey_is_named(app: Flask) -> None:
    email, device = newcomer(), Authenticator(ORIGIN)
    add(signed_in(app, email), device)
    client = app.test_client()
    send(client, "/sign-in", {"email": email, "password": "wrong horse battery"})
    assert asked(client, "/sign-in/code/passkey/options") is None
    assert client.get("/sign-in/code").location == "/sign-in"
    assert question(client, "/sign-in/passkey/options")["allowCredentials"] == []
    token = form_token(client.get("/sign-in").text)
    answer = device.sign(question(client, "/sign-in/passkey/options"))
    data = {"csrf_token": token, "answer": answer}
    assert client.post("/sign-in/code/passkey", data=data).location == "/sign-in"
    assert client.get("/account").location == "/sign-in"


def test_who_has_an_app_only_is_shown_no_passkey(app: Flask, world: Any) -> None:
    client = app.test_client()
    answer = send(client, "/sign-in", {"email": world.people["founder"].email, "password": PASSWORD})
    assert (answer.status_code, "passkey" in answer.text) == (422, False)


def test_a_browser_left_open_asks_for_proof_and_takes_a_passkey(app: Flask, now: Later) -> None:
    client, device = signed_in(app, newcomer()), Authenticator(ORIGIN)
    add(client, device)
    now(proof.LASTS + timedelta(seconds=30))
    assert asked(client, f"{PAGE}/options") is None, "The page is to be loaded again, which asks for proof."
    assert client.get(PAGE).location == "/account/prove"
    assert "Use a passkey instead" in client.get("/account/prove").text
    wrong = show(client, Authenticator(ORIGIN), "/account/prove/passkey", "/account/prove")
    assert wrong.location == "/account/prove"
    client.get(PAGE)
    assert show(client, device, "/account/prove/passkey", "/account/prove").location == PAGE
    assert client.get(PAGE).status_code == 200


def test_who_has_none_is_not_asked_for_one(app: Flask) -> None:
    assert "passkey" not in signed_in(app, newcomer()).get("/account/prove").text


def test_an_answer_counts_in_the_browser_that_was_asked(app: Flask) -> None:
    device = Authenticator(ORIGIN)
    add(signed_in(app, newcomer()), device)
    asked_one, another = app.test_client(), app.test_client()
    answer = device.sign(question(asked_one, "/sign-in/passkey/options"))
    for _ in range(2):
        token = form_token(another.get("/sign-in").text)
        refused = another.post("/sign-in/passkey", data={"csrf_token": token, "answer": answer})
        assert refused.location == "/sign-in"
        assert html.escape(ceremony.EXPIRED) in another.get("/sign-in").text
        question(another, "/sign-in/passkey/options")
        token = form_token(another.get("/sign-in").text)
        another.post("/sign-in/passkey", data={"csrf_token": token, "answer": answer})
        assert html.escape(ceremony.OTHER_CHALLENGE) in another.get("/sign-in").text
    assert another.get("/account").location == "/sign-in"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("", forms.NOTHING),
        ("{", ceremony.MALFORMED),
        ("[" * 16_000, ceremony.MALFORMED),
        ("x" * 300_000, ceremony.MALFORMED),
    ],
    ids=["none", "broken", "deep", "huge"],
)
def test_what_is_no_answer_gets_a_sentence(app: Flask, answer: str, sentence: str) -> None:
    email, device = newcomer(), Authenticator(ORIGIN)
    client = signed_in(app, email)
    question(client, f"{PAGE}/options")
    refused = send(client, PAGE, {"answer": answer, "name": "My phone"})
    assert refused.status_code == (422 if answer else 303)
    assert html.escape(sentence) in (refused.text if answer else client.get(PAGE).text)
    add(client, device)
    question(client, "/account/prove/passkey/options")
    send(client, "/account/prove/passkey", {"answer": answer}, page="/account/prove")
    assert html.escape(sentence) in client.get("/account/prove").text
    stranger = app.test_client()
    question(stranger, "/sign-in/passkey/options")
    send(stranger, "/sign-in/passkey", {"answer": answer}, page="/sign-in")
    assert html.escape(sentence) in stranger.get("/sign-in").text


def test_a_name_that_is_missing_is_asked_for_beside_its_field(app: Flask) -> None:
    client = signed_in(app, newcomer())
    made = Authenticator(ORIGIN).make(question(client, f"{PAGE}/options"))
    refused = send(client, PAGE, {"answer": made, "name": " "})
    assert (refused.status_code, services.NAMELESS in html.unescape(refused.text)) == (422, True)


def test_a_founder_comes_in_by_a_passkey(app: Flask) -> None:
    client, device = signed_in(app, newcomer(founder=True)), Authenticator(ORIGIN)
    assert client.get("/console/").location == "/account/second-factor"
    assert f'href="{PAGE}"' in client.get("/account/second-factor").text
    add(client, device)
    assert client.get("/console/").status_code == 200
    other = app.test_client()
    assert show(other, device, "/sign-in/passkey", "/sign-in").location == "/console/"
    page = other.get("/account/second-factor").text
    assert ("Set up an app" in page, "Remove" in page) == (True, False)
    assert "Make new recovery codes" in page


def test_a_site_without_a_name_says_so(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"base_url": "http://127.0.0.1:8000"})
    numbered = build(replace(runtime, settings=settings))
    client = signed_in(numbered, newcomer())
    for path in ("/account", PAGE):
        page = client.get(path).text
        assert "reached by a number" in page
        assert "data-passkey" not in page
    assert asked(client, f"{PAGE}/options") is None
    assert asked(client, "/sign-in/passkey/options") is None
    assert "passkey" not in numbered.test_client().get("/sign-in").text


def test_without_its_script_no_page_shows_the_button(app: Flask) -> None:
    client = signed_in(app, newcomer())
    assert "this page needs JavaScript" in client.get(PAGE).text
    for page in (client.get(PAGE).text, app.test_client().get("/sign-in").text):
        (form,) = re.findall(r"<form[^>]+data-passkey=[^>]+>", page)
        assert form.endswith(" hidden>")


def test_a_passkey_signs_nobody_in_from_another_page(app: Flask) -> None:
    device = Authenticator(ORIGIN)
    add(signed_in(app, newcomer()), device)
    client = app.test_client()
    answer = device.sign(question(client, "/sign-in/passkey/options"))
    assert client.post("/sign-in/passkey", data={"answer": answer}).status_code == 400
    assert client.get("/account").location == "/sign-in"


def test_a_full_list_has_no_form_to_add_another(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST", 1)
    client = signed_in(app, newcomer())
    assert "data-passkey=" in client.get(PAGE).text
    add(client, Authenticator(ORIGIN))
    page = client.get(PAGE).text
    assert ("There is no room for more" in page, "data-passkey=" in page) == (True, False)
