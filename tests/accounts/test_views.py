"""Signing in and out in a browser."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.accounts.passwords import LONGEST
from backoffice.accounts.services import people
from backoffice.accounts.services.signing_in import REFUSED
from backoffice.app import build
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.runtime import Runtime
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import COST, PASSWORD, SYSTEM, Person, World

HOMES = {
    "founder": "/console/",
    "leader": "/console/",
    "officer": "/console/",
    "teacher": "/console/",
    "helper": "/console/",
    "parent": "/family",
    "alone": "/welcome",
    "waiting": "/welcome",
}
NOTHING_YET = "Nothing is shared with you yet"


@pytest.fixture(scope="module", autouse=True)
def _with_nothing(world: World) -> None:
    """An account without any role, and a parent whom no teacher has confirmed yet."""
    for role in ("alone", "waiting"):
        email = f"{role}@people.example"
        public_id = people.create_account(
            principal=SYSTEM, email=email, name=f"Nell {role.title()}", password=PASSWORD, cost=COST
        )
        world.people[role] = Person(0, public_id, email, f"Nell {role.title()}")
    with transaction(SYSTEM) as tx:
        waiting = world.people["waiting"].public_id
        tx.execute(
            insert(GuardianLink).values(
                school_id=world.own_class.school_id,
                student_id=world.own_class.children[1].id,
                account_id=tx.scalar(select(Account.id).where(Account.public_id == waiting)),
                status=GuardianStatus.WAITING,
                created_at=clock.now(),
            )
        )


def credentials(world: World, role: str, password: str = PASSWORD) -> dict[str, str]:
    person = world.people[role]
    return {"email": person.email, "password": password, "otp": person.otp() or ""}


def test_the_page_asks_for_address_and_password(client: FlaskClient) -> None:
    page = client.get("/sign-in")
    assert (page.status_code, 'name="email"' in page.text, 'name="password"' in page.text) == (
        200,
        True,
        True,
    )


def test_the_page_answers_a_question_for_its_head(client: FlaskClient) -> None:
    assert client.head("/sign-in").status_code == 200


@pytest.mark.parametrize("role", HOMES)
def test_each_role_comes_to_its_own_home(client: FlaskClient, world: World, role: str) -> None:
    answer = send(client, "/sign-in", credentials(world, role))
    assert (answer.status_code, answer.location) == (303, HOMES[role])


@pytest.mark.parametrize("role", HOMES)
def test_a_home_opens(client: FlaskClient, world: World, role: str) -> None:
    home = send(client, "/sign-in", credentials(world, role)).location
    assert client.get(home).status_code == 200


def test_the_cookie_is_no_scripts_business(client: FlaskClient, world: World) -> None:
    answer = send(client, "/sign-in", credentials(world, "teacher"))
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("account=")]
    assert sorted(cookie.split("; ")[1:]) == ["HttpOnly", "Path=/", "SameSite=Lax"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("teacher@people.example", "wrong"),
        ("nobody@people.example", PASSWORD),
        ("' or 1=1 --", "x"),
        ("😀", "😀"),
    ],
)
def test_a_refusal_says_one_sentence(client: FlaskClient, world: World, email: str, password: str) -> None:
    answer = send(client, "/sign-in", {"email": email, "password": password})
    assert (answer.status_code, REFUSED in answer.text) == (422, True)


def test_a_refusal_gives_no_cookie(client: FlaskClient, world: World) -> None:
    send(client, "/sign-in", credentials(world, "teacher", "wrong"))
    assert client.get_cookie("account") is None


def test_a_refusal_shows_no_password_again(client: FlaskClient, world: World) -> None:
    answer = send(client, "/sign-in", credentials(world, "teacher", "wrong-but-mine"))
    assert "wrong-but-mine" not in answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"email": "teacher@people.example"},
        {"password": PASSWORD},
        {"email": "x" * 255, "password": "x"},
        {"email": "teacher@people.example", "password": "x" * (LONGEST + 1)},
    ],
)
def test_what_is_not_filled_in_is_asked_again(
    client: FlaskClient, world: World, fields: dict[str, str]
) -> None:
    answer = send(client, "/sign-in", fields)
    assert (answer.status_code, client.get_cookie("account")) == (422, None)


def test_a_form_of_another_site_is_refused(client: FlaskClient, world: World) -> None:
    answer = client.post("/sign-in", data=credentials(world, "teacher"))
    assert (answer.status_code, client.get_cookie("account")) == (400, None)


def test_who_is_signed_in_is_sent_home(app: Flask, world: World) -> None:
    answer = signed_in(app, world, "parent").get("/sign-in")
    assert (answer.status_code, answer.location) == (303, "/family")


def test_signing_in_anew_ends_the_session_before(client: FlaskClient, world: World) -> None:
    token = form_token(client.get("/sign-in").text)
    client.post("/sign-in", data={"csrf_token": token, **credentials(world, "teacher")})
    first = client.get_cookie("account")
    assert first is not None
    token = form_token(client.get("/console/").text)
    client.post("/sign-in", data={"csrf_token": token, **credentials(world, "leader")})
    client.set_cookie("account", first.value)
    assert client.get("/console/").status_code == 303


@pytest.mark.parametrize("role", ["alone", "waiting"])
@pytest.mark.parametrize("wanted", ["/console/", "/console/students/", "/family"])
def test_with_nothing_shared_one_is_told_what_to_do(
    client: FlaskClient, world: World, role: str, wanted: str
) -> None:
    client.get(wanted)
    page = client.get(send(client, "/sign-in", credentials(world, role)).location)
    assert (page.status_code, NOTHING_YET in page.text, "Sign out" in page.text) == (200, True, True)


@pytest.mark.parametrize("role", ["teacher", "parent"])
def test_with_something_shared_one_is_not_told_so(app: Flask, world: World, role: str) -> None:
    answer = signed_in(app, world, role).get("/welcome")
    assert (answer.status_code, answer.location) == (303, HOMES[role])


def test_a_parent_who_wanted_the_console_comes_home(client: FlaskClient, world: World) -> None:
    client.get("/console/")
    assert send(client, "/sign-in", credentials(world, "parent")).location == "/family"


BACK = {"teacher": "Back to the console", "parent": "Back to my family", "alone": "My account"}


EVERYBODYS = ["/", "/trust", "/security", "/report", "/privacy/data", "/privacy/retention", "/nowhere"]


@pytest.mark.parametrize("path", EVERYBODYS)
@pytest.mark.parametrize("role", BACK)
def test_a_public_page_leads_back(app: Flask, world: World, role: str, path: str) -> None:
    page = signed_in(app, world, role).get(path).text
    assert f'<a href="{HOMES[role]}">{BACK[role]}</a>' in page
    assert "Sign in" not in page


@pytest.mark.parametrize("path", EVERYBODYS)
@pytest.mark.parametrize("token", [None, "A" * 43])
def test_a_public_page_asks_a_visitor_to_sign_in(app: Flask, path: str, token: str | None) -> None:
    browser = app.test_client()
    if token:
        browser.set_cookie("account", token)
    page = browser.get(path).text
    assert ('href="/sign-in"' in page, "Back to" in page) == (True, False)


# -- where one wanted to go


@pytest.mark.parametrize("path", ["/console/classrooms/", "/console/students/?q=ada&classroom=x"])
def test_after_signing_in_one_is_where_one_wanted_to_go(client: FlaskClient, world: World, path: str) -> None:
    """On the page, without what it was asked: words that somebody typed are kept in no cookie."""
    assert client.get(path).location == "/sign-in"
    assert "ada" not in str(unsigned(client))
    assert send(client, "/sign-in", credentials(world, "teacher")).location == path.partition("?")[0]


@pytest.mark.parametrize(("back", "where"), [("teacher", "/console/students/"), ("leader", "/console/")])
def test_where_somebody_wanted_to_go_is_not_where_the_next_one_lands(
    client: FlaskClient, world: World, back: str, where: str
) -> None:
    """One computer, two people: the session of the first has ended, and the second signs in."""
    send(client, "/sign-in", credentials(world, "teacher"))
    client.set_cookie("account", "A" * 43)
    assert client.get("/console/students/").location == "/sign-in"
    assert send(client, "/sign-in", credentials(world, back)).location == where


def unsigned(client: FlaskClient) -> dict[str, Any]:
    """What the browser's owner can read in the cookie that ties forms to it."""
    cookie = client.get_cookie("form")
    assert cookie is not None
    serializer = SecureCookieSessionInterface().get_signing_serializer(client.application)
    assert serializer is not None
    found: dict[str, Any] = serializer.loads(cookie.value)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in?next=https://evil.example/",
        "//evil.example/console/",
        "/\\evil.example",
        "/console/..//evil.example",
    ],
)
def test_no_address_leads_to_another_site(client: FlaskClient, world: World, path: str) -> None:
    client.get(path)
    answer = send(client, "/sign-in", credentials(world, "teacher"))
    assert "evil.example" not in answer.location.split("?")[0].split("/")[:3]


def test_where_one_wanted_to_go_is_forgotten_afterwards(client: FlaskClient, world: World) -> None:
    client.get("/console/students/")
    send(client, "/sign-in", credentials(world, "teacher"))
    client.delete_cookie("account")
    assert send(client, "/sign-in", credentials(world, "teacher")).location == "/console/"


def test_only_a_page_is_remembered(client: FlaskClient, world: World) -> None:
    token = form_token(client.get("/sign-in").text)
    client.post("/console/students/", data={"csrf_token": token})
    assert send(client, "/sign-in", credentials(world, "teacher")).location == "/console/"


# -- the end


def test_after_signing_out_the_console_is_closed(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    send(client, "/sign-out", {}, page="/console/")
    assert client.get("/console/").location == "/sign-in"


def test_after_signing_out_the_cookie_is_worth_nothing(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    kept = client.get_cookie("account")
    assert kept is not None
    send(client, "/sign-out", {}, page="/console/")
    client.set_cookie("account", kept.value)
    assert client.get("/console/").location == "/sign-in"


def test_signing_out_clears_what_the_browser_kept(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    answer = send(client, "/sign-out", {}, page="/console/")
    assert (answer.headers["Clear-Site-Data"], client.get_cookie("account")) == ('"cache"', None)


def test_signing_out_twice_is_no_error(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    token = form_token(client.get("/console/").text)
    client.post("/sign-out", data={"csrf_token": token})
    page = send(client, "/sign-out", {}, page="/sign-in")
    assert (page.status_code, page.location) == (303, "/sign-in")


def at_once(times: int, call: Callable[[], TestResponse]) -> list[TestResponse]:
    """The answers to one request sent several times at the same moment."""
    barrier = Barrier(times)

    def wait() -> TestResponse:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(times) as pool:
        return [each.result() for each in [pool.submit(wait) for _ in range(times)]]


def test_signing_out_several_times_at_once_is_no_error(app: Flask, world: World) -> None:
    token = world.token("teacher")
    first = app.test_client()
    first.set_cookie("account", token)
    data = {"csrf_token": form_token(first.get("/console/").text)}
    form = first.get_cookie("form")
    assert form is not None

    def sign_out() -> TestResponse:
        client = app.test_client()
        client.set_cookie("account", token)
        client.set_cookie("form", form.value)
        return client.post("/sign-out", data=data)

    for _ in range(5):
        assert {answer.status_code for answer in at_once(6, sign_out)} == {303}


def test_a_link_does_not_sign_out(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    asked = client.get("/sign-out")
    assert (asked.status_code, "<h1>Sign out?</h1>" in asked.text) == (200, True)
    assert client.get("/console/").status_code == 200
    # Its form does.
    token = form_token(asked.text)
    assert client.post("/sign-out", data={"csrf_token": token}).location == "/sign-in"
    assert client.get("/sign-out").location.startswith("/sign-in")


def test_who_was_signed_out_is_told(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    client.set_cookie("account", "A" * 43)
    client.get("/console/")
    assert "You were signed out because the session ended." in client.get("/sign-in").text


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 10_000, "\xe9", '"\\000"'])
def test_a_made_up_cookie_is_nobody(app: Flask, world: World, token: str) -> None:
    answer = app.test_client(use_cookies=False).get("/console/", headers={"Cookie": f"account={token}"})
    assert answer.location == "/sign-in"


def test_over_https_the_cookie_is_the_hosts_alone(runtime: Runtime, world: World) -> None:
    secure = runtime.settings.model_copy(update={"base_url": "https://school.example"})
    browser = build(replace(runtime, settings=secure)).test_client()
    at = {"base_url": "https://school.example", "headers": {"Referer": "https://school.example/sign-in"}}
    token = form_token(browser.get("/sign-in", **at).text)
    answer = browser.post(
        "/sign-in",
        data={"csrf_token": token, **credentials(world, "teacher")},
        **at,
    )
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "account=" in each]
    name, *flags = cookie.split("; ")
    assert (name.split("=")[0], sorted(flags)) == (
        "__Host-account",
        ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"],
    )
