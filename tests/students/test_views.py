"""The child's pages: code, name, own points, leaving."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Door
from backoffice.students.models import StudentSession
from backoffice.students.services import NOT_OPEN
from backoffice.students.views import OLD_PAGE, day_in_words, signed_in
from backoffice.web.identity import enter
from tests.factories.visitor import form_token, send
from tests.factories.world import SYSTEM, World


def come_in(client: FlaskClient, world: World) -> TestResponse:
    code, child = world.own_class.code, world.own_class.children[0]
    return send(client, "/join", {"code": code, "student": child.public_id})


@pytest.fixture
def inside(client: FlaskClient, world: World) -> FlaskClient:
    """A device at which a child is signed in."""
    come_in(client, world)
    return client


def typed(client: FlaskClient, code: str) -> TestResponse:
    """What is shown after a code was typed."""
    assert send(client, "/join", {"code": code}).location == "/join"
    return client.get("/join")


def token(client: FlaskClient) -> str:
    cookie = client.get_cookie("student")
    assert cookie is not None
    return cookie.value


# -- the code


def test_the_page_asks_for_the_code(client: FlaskClient) -> None:
    page = client.get("/join")
    assert (page.status_code, 'name="code"' in page.text) == (200, True)


def test_a_good_code_shows_the_names(client: FlaskClient, world: World) -> None:
    page = typed(client, world.own_class.code.lower())
    assert (page.status_code, "Bartholomew Z." in page.text, "Zephyrine" in page.text) == (200, True, False)


def test_a_typed_code_stands_in_no_page_that_back_would_send_again(client: FlaskClient, world: World) -> None:
    answer = send(client, "/join", {"code": world.own_class.code})
    assert (answer.status_code, answer.location) == (303, "/join")


@pytest.mark.parametrize("code", ["", "WRONGCDE", "😀", "' or 1=1 --"])
def test_a_wrong_code_says_what_to_do(client: FlaskClient, world: World, code: str) -> None:
    page = typed(client, code)
    assert (page.status_code, NOT_OPEN in page.text, "<ul" in page.text) == (422, True, False)


def test_a_wrong_code_stays_to_be_mended(client: FlaskClient, world: World) -> None:
    assert 'value="WRONGCDE"' in typed(client, "WRONGCDE").text


def test_a_very_long_code_is_cut(client: FlaskClient, world: World) -> None:
    page = typed(client, "x" * 5_000)
    assert (page.status_code, "x" * 41 in page.text) == (422, False)


def test_a_closed_door_says_the_same(client: FlaskClient, world: World) -> None:
    row = update(Classroom).where(Classroom.id == world.foreign_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(door=Door.CLOSED))
    code = world.foreign_class.code
    closed, wrong = typed(client, code), typed(client, "WRONGCDE")
    token, other = form_token(closed.text), form_token(wrong.text)
    shown = closed.text.replace(token, "").replace(code, "")
    assert (closed.status_code, shown) == (422, wrong.text.replace(other, "").replace("WRONGCDE", ""))


def test_a_form_of_another_site_is_refused(client: FlaskClient, world: World) -> None:
    assert client.post("/join", data={"code": world.own_class.code}).status_code == 400


@pytest.mark.parametrize("name", [False, True])
def test_a_page_that_is_too_old_keeps_the_code(client: FlaskClient, world: World, name: bool) -> None:
    child = {"student": world.own_class.children[0].public_id} if name else {}
    page = client.post("/join", data={"code": world.own_class.code, "csrf_token": "old", **child})
    shown = (OLD_PAGE in page.text, f'value="{world.own_class.code}"' in page.text)
    assert (page.status_code, *shown, client.get_cookie("student")) == (400, True, True, None)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/student/nothing", 404), ("PUT", "/join", 405)]
)
def test_what_cannot_be_done_is_said_to_a_child(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    page = client.open(path, method=method)
    assert (page.status_code, 'href="/student"' in page.text, "student.css" in page.text) == (
        status,
        True,
        True,
    )


# -- a code from a picture


def test_a_scanned_code_leaves_the_address_at_once(client: FlaskClient, world: World) -> None:
    answer = client.get(f"/join/{world.own_class.code}")
    assert (answer.status_code, answer.location) == (303, "/join")


def test_a_scanned_code_shows_the_names(client: FlaskClient, world: World) -> None:
    client.get(f"/join/{world.own_class.code}")
    assert "Wilhelmina Q." in client.get("/join").text


def test_a_scanned_code_is_good_once(client: FlaskClient, world: World) -> None:
    client.get(f"/join/{world.own_class.code}")
    client.get("/join")
    assert "Wilhelmina Q." not in client.get("/join").text


def test_a_scanned_code_that_is_wrong_says_what_to_do(client: FlaskClient, world: World) -> None:
    client.get("/join/WRONGCDE")
    page = client.get("/join")
    assert (page.status_code, NOT_OPEN in page.text) == (422, True)


@pytest.mark.parametrize("code", ["a/b", "x" * 41, "%00", "%F0%9F%98%80"])
def test_what_is_no_code_is_no_page(client: FlaskClient, code: str) -> None:
    assert client.get(f"/join/{code}").status_code == 404


# -- the name


def test_a_chosen_name_leads_to_the_own_page(client: FlaskClient, world: World) -> None:
    answer = come_in(client, world)
    assert (answer.status_code, answer.location) == (303, "/student")


def test_the_cookie_is_no_scripts_business(client: FlaskClient, world: World) -> None:
    (cookie,) = [c for c in come_in(client, world).headers.getlist("Set-Cookie") if c.startswith("student=")]
    assert sorted(cookie.split("; ")[1:]) == ["HttpOnly", "Path=/", "SameSite=Strict"]


def test_over_https_the_cookie_is_the_hosts_alone(runtime: Runtime, world: World) -> None:
    secure = runtime.settings.model_copy(update={"base_url": "https://school.example"})
    browser = build(replace(runtime, settings=secure)).test_client()
    site = "https://school.example"
    code, child = world.own_class.code, world.own_class.children[0].public_id
    answer = browser.post(
        "/join",
        data={
            "csrf_token": form_token(browser.get("/join", base_url=site).text),
            "code": code,
            "student": child,
        },
        base_url=site,
        headers={"Referer": f"{site}/join"},
    )
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "student=" in each]
    name, *flags = cookie.split("; ")
    assert (name.split("=")[0], sorted(flags)) == (
        "__Host-student",
        ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"],
    )


def test_a_child_of_another_class_does_not_come_in(client: FlaskClient, world: World) -> None:
    other = world.colleague_class.children[0].public_id
    page = send(client, "/join", {"code": world.own_class.code, "student": other})
    assert (page.status_code, client.get_cookie("student")) == (422, None)


def test_a_nul_in_the_name_is_only_refused(client: FlaskClient, world: World) -> None:
    page = send(client, "/join", {"code": world.own_class.code, "student": "\0"})
    assert page.status_code == 400


# -- the own page


def test_the_own_page_shows_name_and_points(inside: FlaskClient) -> None:
    page = inside.get("/student")
    shown = [word in page.text for word in ("Wilhelmina Q.", "<b>2</b>", "Praise of the Ownclass Otters")]
    assert (page.status_code, shown) == (200, [True] * 3)


def test_the_own_page_shows_the_class_by_its_mark(inside: FlaskClient, world: World) -> None:
    assert '<p class="class-name"><bdi>' in inside.get("/student").text
    mark = update(Classroom).where(Classroom.id == world.own_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(mark.values(icon="owl", colour="plum"))
    assert '<p class="class-name"><span class="avatar av-plum' in inside.get("/student").text
    with transaction(SYSTEM) as tx:
        tx.execute(mark.values(icon=None, colour=None))


def test_the_own_page_shows_nothing_of_others(inside: FlaskClient) -> None:
    page = inside.get("/student").text
    hidden = ("Quartermaine", "Bartholomew", "Comment about", "Tilda", "Teacher")
    assert [word for word in hidden if word in page] == []


def test_without_a_session_one_is_sent_to_the_code(client: FlaskClient) -> None:
    answer = client.get("/student")
    assert (answer.status_code, answer.location) == (303, "/join")


def test_each_page_gives_another_idle_time(inside: FlaskClient) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=4)):
        inside.get("/student")
    with time_machine.travel(clock.now() + timedelta(minutes=8)):
        assert inside.get("/student").status_code == 200


def test_after_the_idle_time_one_is_out(inside: FlaskClient) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
        assert inside.get("/student").location == "/join"


def test_a_kept_token_dies_with_its_time(inside: FlaskClient) -> None:
    kept = token(inside)
    with time_machine.travel(clock.now() + timedelta(minutes=4)):
        inside.get("/student")
    inside.set_cookie("student", kept)
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert inside.get("/student").location == "/join"


def test_an_ended_row_ends_a_good_token(inside: FlaskClient) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(StudentSession).values(ended_at=clock.now()))
    answer = inside.get("/student")
    assert (answer.location, inside.get_cookie("student")) == ("/join", None)


@pytest.mark.parametrize("made_up", ["", "x", "a.b.c", "null", "\xe9"])
def test_a_made_up_token_is_nobody(app: Flask, made_up: str) -> None:
    client = app.test_client(use_cookies=False)
    assert client.get("/student", headers={"Cookie": f"student={made_up}"}).location == "/join"


def test_a_childs_token_opens_no_console(inside: FlaskClient) -> None:
    inside.set_cookie("account", token(inside)[:90])
    assert inside.get("/console/").location == "/sign-in"


def test_an_accounts_token_is_no_childs(client: FlaskClient, world: World) -> None:
    client.set_cookie("student", world.token("teacher"))
    assert client.get("/student").location == "/join"


# -- leaving


def test_who_leaves_sees_goodbye(inside: FlaskClient) -> None:
    answer = send(inside, "/student/leave", {}, page="/student")
    assert (answer.status_code, answer.location) == (303, "/student/leave")
    assert "Goodbye!" in inside.get("/student/leave").text


def test_who_left_is_out(inside: FlaskClient) -> None:
    kept = token(inside)
    send(inside, "/student/leave", {}, page="/student")
    inside.set_cookie("student", kept)
    assert inside.get("/student").location == "/join"


def test_leaving_clears_what_the_browser_kept(inside: FlaskClient) -> None:
    page = send(inside, "/student/leave", {}, page="/student")
    assert (page.headers["Clear-Site-Data"], inside.get_cookie("student")) == ('"cache"', None)


def test_leaving_without_a_session_is_no_error(client: FlaskClient) -> None:
    assert send(client, "/student/leave", {}, page="/join").status_code == 303


def test_a_link_does_not_put_a_child_out(inside: FlaskClient) -> None:
    assert inside.get("/student/leave").location == "/student"
    assert inside.get("/student").status_code == 200


# -- days as a child says them


@pytest.fixture
def monday_noon() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 2, 20, 0, tzinfo=ZoneInfo("UTC")), tick=False):
        yield


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-03-02T19:00+00:00", "today"),
        ("2026-03-02T08:00+00:00", "today"),
        ("2026-03-02T07:59+00:00", "yesterday"),
        ("2026-02-28T20:00+00:00", "on Saturday"),
        ("2026-02-24T20:00+00:00", "on Tuesday"),
        ("2026-02-23T20:00+00:00", "23 February"),
    ],
)
def test_a_day_is_said_in_the_schools_zone(monday_noon: None, at: str, words: str) -> None:
    assert day_in_words(datetime.fromisoformat(at), "America/Los_Angeles") == words


# -- who was here before


def sessions_of(table: Any) -> set[int]:
    """The sessions that are open."""
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(table.id).where(table.ended_at.is_(None))))


def test_a_child_on_a_teachers_browser_ends_the_teachers_session(
    app: Flask, client: FlaskClient, world: World
) -> None:
    held = world.token("teacher")
    client.set_cookie("account", held)
    assert client.get("/console/").status_code == 200
    answer = come_in(client, world)
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert client.get_cookie("account") is None
    assert client.get("/student").status_code == 200
    assert client.get("/console/").location == "/sign-in"
    copy = app.test_client()
    copy.set_cookie("account", held)
    assert copy.get("/console/").location == "/sign-in"


def test_a_wrong_code_signs_nobody_out(client: FlaskClient, world: World) -> None:
    client.set_cookie("account", world.token("teacher"))
    send(client, "/join", {"code": "WRONGCDE", "student": world.own_class.children[0].public_id})
    assert client.get("/console/").status_code == 200


def test_the_next_child_ends_the_session_of_the_one_before(inside: FlaskClient, world: World) -> None:
    before, first = sessions_of(StudentSession), token(inside)
    room = world.own_class
    send(inside, "/join", {"code": room.code, "student": room.children[1].public_id})
    assert len(before - sessions_of(StudentSession)) == 1
    inside.set_cookie("student", first)
    assert inside.get("/student").location == "/join"


def test_a_childs_page_keeps_no_account_awake(inside: FlaskClient, world: World) -> None:
    """A cookie of an account that is still there is not looked at."""
    inside.set_cookie("account", world.token("teacher"))
    with transaction(SYSTEM) as tx:
        row = select(AccountSession).order_by(AccountSession.id.desc()).limit(1)
        teachers = tx.execute(row).scalar_one()
        seen = clock.now() - timedelta(minutes=30)
        tx.execute(update(AccountSession).where(AccountSession.id == teachers.id).values(last_seen_at=seen))
    assert inside.get("/student").status_code == 200
    with transaction(SYSTEM) as tx:
        found = select(AccountSession.last_seen_at).where(AccountSession.id == teachers.id)
        assert tx.scalar(found) == seen


def test_who_was_seen_first_in_a_request_stays_seen(app: Flask, inside: FlaskClient, world: World) -> None:
    """A request may come from two: entering the second does not undo that the first was here."""
    with transaction(SYSTEM) as tx:
        seen = clock.now() - timedelta(minutes=2)
        tx.execute(update(StudentSession).where(StudentSession.ended_at.is_(None)).values(last_seen_at=seen))
    with app.test_request_context(headers={"Cookie": f"student={token(inside)}"}):
        child = signed_in()
        assert child is not None
        assert enter(Nobody()) is not None
    with transaction(SYSTEM) as tx:
        found = select(StudentSession.last_seen_at).where(StudentSession.id == child.session_id)
        moved = tx.scalar(found)
    assert moved is not None
    assert moved > seen


def test_a_child_that_is_put_out_meanwhile_is_led_to_the_code(app: Flask, inside: FlaskClient) -> None:
    """Leaving twice at the same moment is leaving once."""
    form = form_token(inside.get("/student").text)
    held, tied = token(inside), inside.get_cookie("form")
    assert tied is not None
    barrier = Barrier(4)

    def leave() -> int:
        browser = app.test_client()
        browser.set_cookie("student", held)
        browser.set_cookie("form", tied.value)
        barrier.wait()
        return browser.post("/student/leave", data={"csrf_token": form}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert {each.result() for each in [pool.submit(leave) for _ in range(4)]} == {303}
