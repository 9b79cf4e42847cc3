"""Sessions end when they should, cookies are as they should be, and forms and addresses are no way in."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.app import build
from backoffice.audit.models import AuditEntry
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Enrollment
from backoffice.settings import Settings
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import new_public_id
from backoffice.students import tokens
from backoffice.students.models import StudentSession
from backoffice.students.views import STALE
from backoffice.students.worries.views import IN_AGAIN
from backoffice.web import cookies
from tests.contract.matrix import NOBODYS
from tests.contract.pages import form_token
from tests.contract.routes import Route, is_static, routes
from tests.factories.world import NO_LIMIT, PASSWORD, SYSTEM, World

SITE = "https://school.example"
# Browsers send their reports without a token, and Stripe signs its messages.
UNTOKENED = {"web.csp_reports", "billing_webhooks.stripe"}


@contextmanager
def later(**span: float) -> Iterator[datetime]:
    """Everything that asks for the time hears that this much has passed."""
    at = clock.now() + timedelta(**span)
    with time_machine.travel(at, tick=True):
        yield at


def browser(app: Flask, token: str | None = None, *, student: str | None = None) -> FlaskClient:
    client = app.test_client()
    if token is not None:
        client.set_cookie(cookies.ACCOUNT, token)
    if student is not None:
        client.set_cookie(cookies.STUDENT, student)
    return client


def inside(client: FlaskClient) -> bool:
    """Whether the console opens."""
    response = client.get("/console/")
    assert response.status_code == 200 or response.location == "/sign-in", response.status
    return response.status_code == 200


def is_in(client: FlaskClient) -> bool:
    """Whether the child's own page opens."""
    response = client.get("/student")
    assert response.status_code == 200 or response.location == "/join", response.status
    return response.status_code == 200


def child_token(world: World) -> str:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    return tokens.issue(begun.token_id, idle=begun.idle, ends_at=begun.ends_at)


def set_cookies(response: TestResponse) -> dict[str, str]:
    """The flags of the cookies that an answer sets, by name, in lower case."""
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        (morsel,) = SimpleCookie(line).values()
        found[morsel.key] = line.partition(";")[2].lower()
    return found


# ---------------------------------------------------------------------- accounts


def test_a_token_without_a_row_is_worth_nothing(app: Flask, world: World) -> None:
    assert inside(browser(app, world.token("teacher")))
    real = world.token("teacher")
    for token in ("x" * 43, real[:-1], real + "A", real.swapcase(), "", "ü" * 20, "y" * 3000):
        assert not inside(browser(app, token)), token


def test_the_token_itself_is_not_in_the_database(world: World) -> None:
    token = world.token("teacher").encode()
    with transaction(SYSTEM) as tx:
        for digest in tx.scalars(select(AccountSession.token_digest)):
            assert token not in bytes(digest)
            assert base64.urlsafe_b64decode(token + b"=") != bytes(digest)


def test_an_idle_session_ends(app: Flask, world: World) -> None:
    client = browser(app, world.token("teacher"))
    with later(minutes=59):
        assert inside(client)
    with later(minutes=59 + 59):
        assert inside(client), "Being used keeps it open."
    with later(minutes=59 + 59 + 61):
        assert not inside(client)


def test_a_session_ends_even_when_used_all_day(app: Flask, world: World) -> None:
    client = browser(app, world.token("teacher"))
    for minutes in range(50, 12 * 60, 50):
        with later(minutes=minutes):
            assert inside(client)
    with later(minutes=12 * 60 + 1):
        assert not inside(client)


def test_signing_out_ends_it_for_good(app: Flask, world: World) -> None:
    token = world.token("teacher")
    client = browser(app, token)
    page = client.get("/console/").text
    response = client.post("/sign-out", data={"csrf_token": form_token(page)})
    assert response.location == "/sign-in"
    assert "expires=thu, 01 jan 1970" in set_cookies(response)[cookies.ACCOUNT]
    assert not inside(client)
    assert not inside(browser(app, token)), "A copy of the cookie lives on."


def test_a_raised_epoch_ends_every_session(app: Flask, world: World) -> None:
    tokens_held = [world.token("colleague") for _ in range(3)]
    assert all(inside(browser(app, token)) for token in tokens_held)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Account)
            .where(Account.id == world.people["colleague"].id)
            .values(security_epoch=Account.security_epoch + 1)
        )
    assert not any(inside(browser(app, token)) for token in tokens_held)
    assert inside(browser(app, world.token("colleague"))), "A new sign-in counts."


def test_a_suspended_account_is_out_and_stays_out(app: Flask, world: World) -> None:
    token = world.token("helper")
    assert inside(browser(app, token))
    person = world.people["helper"]

    def become(status: AccountStatus) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Account).where(Account.id == person.id).values(status=status))

    become(AccountStatus.SUSPENDED)
    try:
        assert not inside(browser(app, token))
        suspended = sign_in(app.test_client(), person.email, PASSWORD)
        wrong = sign_in(app.test_client(), person.email, "wrong horse battery")
        unknown = sign_in(app.test_client(), "nobody@people.example", PASSWORD)
        assert {suspended.status_code, wrong.status_code, unknown.status_code} == {422}
        told = {re.sub(r'value="[^"]*"|nonce="[^"]*"', "", r.text) for r in (suspended, wrong, unknown)}
        assert len(told) == 1, "The three can be told apart."
    finally:
        become(AccountStatus.ACTIVE)


def sign_in(client: FlaskClient, email: str, password: str, **more: Any) -> TestResponse:
    token = form_token(client.get("/sign-in", **more).text)
    data = {"csrf_token": token, "email": email, "password": password}
    return client.post("/sign-in", data=data, **more)


def test_signing_in_makes_a_new_session_and_ends_the_old(app: Flask, world: World) -> None:
    """A token that somebody else put into the browser never becomes the account's."""
    planted = "planted" + "x" * 36
    client = browser(app, planted)
    assert sign_in(client, world.people["teacher"].email, PASSWORD).location == "/console/"
    cookie = client.get_cookie(cookies.ACCOUNT)
    assert cookie is not None
    first = cookie.value
    assert first != planted
    token = form_token(client.get("/join").text)
    data = {"csrf_token": token, "email": world.people["parent"].email, "password": PASSWORD}
    assert client.post("/sign-in", data=data).location == "/family"
    assert not inside(browser(app, first))


# ---------------------------------------------------------------------- students


def test_a_childs_session_ends_when_idle(app: Flask, world: World) -> None:
    client = browser(app, student=child_token(world))
    assert is_in(client)
    for minutes in (4, 8, 12):
        with later(minutes=minutes):
            assert is_in(client), "Being used keeps it open."
    with later(minutes=12 + 6):
        assert not is_in(client)


def test_a_childs_session_ends_after_the_school_day(app: Flask, world: World) -> None:
    room = world.own_class.id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == room).values(shared_devices=False))
    try:
        client = browser(app, student=child_token(world))
        for minutes in range(19, 8 * 60, 19):
            with later(minutes=minutes):
                assert is_in(client), minutes
        with later(minutes=8 * 60 + 1):
            assert not is_in(client)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Classroom).where(Classroom.id == room).values(shared_devices=True))


def test_a_token_does_not_come_back_after_leaving(app: Flask, world: World) -> None:
    token = child_token(world)
    client = browser(app, student=token)
    page = client.get("/student")
    renewed = client.get_cookie(cookies.STUDENT)
    assert renewed is not None
    response = client.post("/student/leave", data={"csrf_token": form_token(page.text)})
    assert response.status_code == 303
    assert "expires=thu, 01 jan 1970" in set_cookies(response)[cookies.STUDENT]
    for each in (token, renewed.value):
        assert not is_in(browser(app, student=each))


def test_an_ended_row_and_an_ended_enrollment_end_the_session(app: Flask, world: World) -> None:
    token = child_token(world)
    assert is_in(browser(app, student=token))
    held = tokens.verify(token)
    assert held is not None
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(StudentSession)
            .where(StudentSession.token_id == held.token_id)
            .values(ended_at=clock.now())
        )
    assert not is_in(browser(app, student=token))
    token, child = child_token(world), world.own_class.children[0]
    mine = (Enrollment.student_id == child.id, Enrollment.classroom_id == world.own_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(*mine).values(ended_at=clock.now()))
    assert not is_in(browser(app, student=token))
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(*mine).values(ended_at=None))


def claims_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _signature = token.split(".")

    def read(part: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
        return found

    return read(head), read(body)


def packed(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def signed(head: dict[str, Any], body: dict[str, Any], key: bytes, algorithm: str = "HS256") -> str:
    header = {**head, "alg": algorithm}
    return jwt.encode(header, body, OctKey.import_key(key), algorithms=[algorithm])


FORGERIES: dict[str, Callable[[dict[str, Any], dict[str, Any], bytes], str]] = {
    "no algorithm": lambda h, b, _k: f"{packed({**h, 'alg': 'none'})}.{packed(b)}.",
    "no algorithm, odd case": lambda h, b, _k: f"{packed({**h, 'alg': 'nOnE'})}.{packed(b)}.",
    "no signature": lambda h, b, _k: f"{packed(h)}.{packed(b)}.",
    "another key": lambda h, b, _k: signed(h, b, b"k" * 32),
    "empty key": lambda h, b, _k: signed(h, b, b"\0" * 32),
    "a key that is the public part": lambda h, b, _k: signed(h, b, str(h["kid"]).encode() * 32),
    "another kid": lambda h, b, k: signed({**h, "kid": "99"}, b, k),
    "a kid that is a path": lambda h, b, k: signed({**h, "kid": "../../etc/passwd"}, b, k),
    "another algorithm": lambda h, b, k: signed(h, b, k, "HS512"),
    "another audience": lambda h, b, k: signed(h, {**b, "aud": "account"}, k),
    "another issuer": lambda h, b, k: signed(h, {**b, "iss": "somebody"}, k),
    "expired": lambda h, b, k: signed(h, {**b, "exp": b["iat"] - 1}, k),
    "no end": lambda h, b, k: signed(h, {n: v for n, v in b.items() if n != "exp"}, k),
    "no jti": lambda h, b, k: signed(h, {n: v for n, v in b.items() if n != "jti"}, k),
    "no audience": lambda h, b, k: signed(h, {n: v for n, v in b.items() if n != "aud"}, k),
    "no beginning": lambda h, b, k: signed(h, {n: v for n, v in b.items() if n != "iat"}, k),
    "a jti of no row": lambda h, b, k: signed(h, {**b, "jti": str(uuid4())}, k),
    "a jti that is none": lambda h, b, k: signed(h, {**b, "jti": "' or true --"}, k),
    "an end beyond all calendars": lambda h, b, k: signed(h, {**b, "exp": 10**18}, k),
    "the body of another": lambda h, b, k: ".".join(
        (packed(h), packed({**b, "jti": str(uuid4())}), signed(h, b, k).split(".")[2])
    ),
    "garbage": lambda _h, _b, _k: "a.b.c",
    "one part": lambda _h, _b, _k: "token",
    "five parts": lambda _h, _b, _k: "a.b.c.d.e",
    "much": lambda _h, _b, _k: "a" * 3000 + ".b.c",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_tokens_are_worth_nothing(app: Flask, world: World, forgery: str) -> None:
    head, body = claims_of(child_token(world))
    _number, key = keyring.current().newest(KeyPurpose.STUDENT_JWT)
    assert is_in(browser(app, student=signed(head, body, key))), "The twin must come in."
    assert not is_in(browser(app, student=FORGERIES[forgery](head, body, key)))


def test_a_token_names_its_row_and_nothing_of_the_child(world: World) -> None:
    head, body = claims_of(child_token(world))
    assert set(head) <= {"alg", "kid", "typ"}
    assert set(body) == {"iss", "aud", "jti", "iat", "exp"}


def test_an_account_is_no_student_and_a_student_no_account(app: Flask, world: World) -> None:
    assert not is_in(browser(app, student=world.token("teacher")))
    assert not inside(browser(app, child_token(world)))
    assert not inside(browser(app, student=child_token(world)))


# ---------------------------------------------------------------------- cookies


@pytest.fixture(scope="module")
def over_https(runtime: Runtime) -> Flask:
    """The application as it runs behind https."""
    settings = Settings(keyring_file=runtime.settings.keyring, base_url=SITE, throttles=NO_LIMIT)
    return build(replace(runtime, settings=settings))


def come_in(app: Flask, world: World, **more: Any) -> dict[str, str]:
    """Sign in as a teacher and as a child; the flags of all cookies that were set."""
    client = app.test_client()
    flags = set_cookies(client.get("/sign-in", **more))
    flags |= set_cookies(sign_in(app.test_client(), world.people["teacher"].email, PASSWORD, **more))
    own = world.own_class
    data = {
        "csrf_token": form_token(client.get("/join", **more).text),
        "code": own.code,
        "student": own.children[0].public_id,
    }
    entered = client.post("/join", data=data, **more)
    assert entered.location == "/student"
    return flags | set_cookies(entered) | set_cookies(client.get("/student", **more))


def test_cookies_of_the_demo_are_plain(app: Flask, world: World) -> None:
    flags = come_in(app, world)
    assert set(flags) == {"account", "student", "form", "device"}
    for name, text in flags.items():
        assert "httponly" in text
        assert "secure" not in text
        assert "path=/" in text
        assert "domain" not in text
        assert "expires" not in text or "01 jan 1970" in text or name == "device"
        assert f"samesite={'strict' if name == 'student' else 'lax'}" in text


def test_cookies_over_https_are_bound_to_the_host(over_https: Flask, world: World) -> None:
    flags = come_in(over_https, world, base_url=SITE, headers={"Referer": f"{SITE}/sign-in"})
    assert set(flags) == {"__Host-account", "__Host-student", "__Host-form", "__Host-device"}
    for name, text in flags.items():
        assert "httponly" in text
        assert "secure" in text
        assert "path=/" in text
        assert "domain" not in text
        kept = "max-age" in text and "max-age=0" not in text
        assert kept == (name == "__Host-device"), "All others end with the browser."
        assert f"samesite={'strict' if name == '__Host-student' else 'lax'}" in text


def test_over_https_a_plain_cookie_is_not_taken(over_https: Flask, world: World) -> None:
    """Else a neighbour on the same domain could plant one."""
    client = over_https.test_client()
    client.set_cookie("account", world.token("teacher"), domain="school.example")
    assert client.get("/console/", base_url=SITE).location == "/sign-in"
    client.set_cookie("student", child_token(world), domain="school.example")
    assert client.get("/student", base_url=SITE).location == "/join"


def test_https_is_remembered_and_loopback_is_not(app: Flask, over_https: Flask) -> None:
    assert "Strict-Transport-Security" not in app.test_client().get("/").headers
    sent = over_https.test_client().get("/", base_url=SITE).headers["Strict-Transport-Security"]
    assert int(re.findall(r"max-age=(\d+)", sent)[0]) >= 365 * 24 * 3600


def test_plain_http_elsewhere_refuses_to_start(keyring_file: Path) -> None:
    for address in ("http://school.example", "http://0.0.0.0:8000", "ftp://localhost", "school.example"):
        with pytest.raises(ValueError, match="base_url"):
            Settings(keyring_file=keyring_file, base_url=address)


# ---------------------------------------------------------------------- forms and addresses


def address_of(app: Flask, route: Route) -> str:
    values = {name: NOBODYS.get(kind) or new_public_id() for name, kind in route.kinds.items()}
    return route.address(app, **values)


def test_a_form_without_its_token_is_refused(app: Flask, world: World) -> None:
    """400 and a page that says what to do, before anything is looked at."""
    teacher, child = world.token("teacher"), child_token(world)
    before = trail()
    for route in routes(app):
        if route.method != "POST" or route.endpoint in UNTOKENED:
            continue
        for token in (None, "", "wrong", teacher):
            client = browser(app, teacher, student=child)
            response = client.post(address_of(app, route), data={"csrf_token": token} if token else {})
            if getattr(app.view_functions[route.endpoint], "shows_what_was_typed", False):
                # What was typed is shown again, to whom may see the form at all.
                assert response.status_code in {404, 422}, str(route)
                continue
            assert response.status_code == 400, str(route)
            childs = route.endpoint.startswith(("students.", "tablets."))
            said = "Try again" if childs else "load the page again"
            # What a child has written stands there again, to be sent once more.
            assert (IN_AGAIN if route.rule.rule in STALE else said) in response.text
    assert trail() == before


def test_a_token_of_another_browser_is_refused(app: Flask, world: World) -> None:
    theirs = form_token(app.test_client().get("/join").text)
    client = browser(app, world.token("teacher"))
    client.get("/console/")
    assert client.post("/sign-out", data={"csrf_token": theirs}).status_code == 400
    assert inside(client)


def test_a_machine_gets_a_problem_and_not_a_page(app: Flask) -> None:
    response = app.test_client().post("/sign-out", headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert response.json
    assert set(response.json) == {"type", "title", "status", "detail", "instance"}


def trail() -> int | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AuditEntry))


LURES = (
    "/console/?next=https://evil.example/",
    "/console/classrooms/?next=//evil.example",
    "//evil.example/console/",
    "//evil.example//console/",
    "/\\evil.example/console/",
    "/console//evil.example",
    "/console/%0d%0aLocation:%20https://evil.example",
    "/console/..//evil.example/",
    "/family?https://evil.example",
    "/console/%2f%2fevil.example",
    "/sign-in?next=https://evil.example",
    "/sign-in?after_sign_in=https://evil.example",
)


@pytest.mark.parametrize("lure", LURES)
def test_signing_in_leads_nowhere_else(app: Flask, world: World, lure: str) -> None:
    client = app.test_client()
    client.get(lure)
    for more in ({}, {"base_url": "http://evil.example"}):
        client.get("/console/", **more)
    response = sign_in(client, world.people["teacher"].email, PASSWORD)
    assert response.status_code == 303
    target = urlsplit(response.location or "")
    assert target.netloc == ""
    assert target.scheme == ""
    assert re.match(r"/(?![/\\])", response.location or ""), response.location


def test_one_lands_where_one_wanted_to_go(app: Flask, world: World) -> None:
    client = app.test_client()
    wanted = f"/console/classrooms/{world.own_class.public_id}"
    assert client.get(wanted).location == "/sign-in"
    assert sign_in(client, world.people["teacher"].email, PASSWORD).location == wanted


# ---------------------------------------------------------------------- headers


def answers(app: Flask, world: World) -> Iterator[tuple[str, TestResponse]]:
    """An answer of every route and method, as those who may and as those who may not."""
    known = {
        "classroom": world.own_class.public_id,
        "student": world.own_class.children[0].public_id,
        "code": world.own_class.code,
    }
    for client in (
        browser(app),
        browser(app, world.token("leader")),
        browser(app, student=child_token(world)),
    ):
        for route in routes(app):
            values = {name: known.get(kind, new_public_id()) for name, kind in route.kinds.items()}
            address = route.address(app, **values)
            yield str(route), client.open(address, method=route.method)
            yield f"{route} by another method", client.delete(address)
        yield "nothing", client.get("/nothing/there")
        yield "too large", client.post("/sign-in", data={"x": "y" * 600_000})


def test_every_answer_is_hardened_and_kept_nowhere(app: Flask, world: World) -> None:
    nonces: list[str] = []
    for name, response in answers(app, world):
        response.get_data()
        headers = response.headers
        assert headers["Cache-Control"] == "no-store", name
        policy = {
            part.strip().partition(" ")[0]: part.strip().partition(" ")[2]
            for part in headers["Content-Security-Policy"].split(";")
        }
        assert policy["default-src"] == "'none'", name
        assert policy["base-uri"] == policy["frame-ancestors"] == "'none'", name
        assert policy["form-action"] == "'self'", name
        assert "unsafe" not in headers["Content-Security-Policy"], name
        assert "http:" not in headers["Content-Security-Policy"], name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, name
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", name
        nonces += re.findall(r"'nonce-([^']+)'", headers["Content-Security-Policy"])
        if response.mimetype == "text/html":
            body = response.text
            assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:|<style", body), name
            inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*\bnonce=)", body)
            assert inline == [], name
    assert len(nonces) == len(set(nonces)) > 50, "A nonce is used once."


def test_files_are_hardened_too_and_may_be_kept(app: Flask) -> None:
    client = app.test_client()
    files = [rule for rule in app.url_map.iter_rules() if is_static(rule)]
    assert files
    with client.get("/static/css/app.css") as response:
        assert response.status_code == 200
        assert response.headers["Cache-Control"].startswith("public")
        assert "Content-Security-Policy" in response.headers
        assert "Set-Cookie" not in response.headers
    for outside in ("../settings.py", "..%2f..%2fsettings.py", "%2e%2e/app.py", "/etc/passwd"):
        for rule in files:
            assert client.get(rule.rule.split("<")[0] + outside).status_code in {404, 308}, outside


def test_an_answer_from_the_inside_is_not_told_by_its_cookies(app: Flask, world: World) -> None:
    """Pages that need nothing of a browser set nothing in it."""
    for address in ("/healthz", "/readyz"):
        assert "Set-Cookie" not in app.test_client().get(address).headers
    del world
