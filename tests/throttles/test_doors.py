"""The two doors under real throttles: strangers are slowed down and locked out, who belongs comes in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Door, School, SchoolKind
from backoffice.settings import Throttles
from backoffice.storage.roles import DatabaseRole
from backoffice.students.services import NOT_OPEN
from backoffice.students.views import WAIT
from tests.factories.visitor import form_token
from tests.factories.world import PASSWORD, SYSTEM, World

STRANGER = "203.0.113.50"
ELSEWHERE = "203.0.113.51"


@pytest.fixture(scope="module")
def guarded(runtime: Runtime) -> Flask:
    """The application under the throttles that it comes with."""
    settings = runtime.settings.model_copy(update={"throttles": Throttles()})
    return build(replace(runtime, settings=settings))


@pytest.fixture(autouse=True)
def day(runtime: Runtime) -> Iterator[time_machine.Traveller]:
    """A clock that stands still, over a database in which nothing has been tried."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.exec_driver_sql("delete from app.throttle")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def browser(app: Flask, address: str = STRANGER) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def typed(client: FlaskClient, code: str, **headers: str) -> TestResponse:
    """What is shown after a code was typed."""
    token = form_token(client.get("/join").text)
    data = {"csrf_token": token, "code": code}
    return client.post("/join", data=data, headers=headers, follow_redirects=True)


def wrong_codes(client: FlaskClient, times: int) -> list[int]:
    return [typed(client, "WRNGCDFG").status_code for _ in range(times)]


def spread_over_a_day(client: FlaskClient, day: time_machine.Traveller, times: int) -> int:
    """How many of so many wrong codes are looked at, when they come slowly."""
    looked_at = 0
    for _ in range(times):
        looked_at += typed(client, "WRNGCDFG").status_code == 422
        day.shift(timedelta(seconds=20))
    return looked_at


def come_in(client: FlaskClient, world: World) -> TestResponse:
    room = world.own_class
    token = form_token(client.get("/join").text)
    fields = {"csrf_token": token, "code": room.code, "student": room.children[0].public_id}
    return client.post("/join", data=fields)


def signs_in(client: FlaskClient, email: str, password: str = PASSWORD) -> TestResponse:
    token = form_token(client.get("/sign-in").text)
    return client.post("/sign-in", data={"csrf_token": token, "email": email, "password": password})


@contextmanager
def without(runtime: Runtime, function: str) -> Iterator[None]:
    """A database that lacks a function meanwhile, so that pages fail."""
    name, _, arguments = function.partition("(")
    with (
        runtime.database.engine(DatabaseRole.OWNER)
        .execution_options(isolation_level="AUTOCOMMIT")
        .connect() as owner
    ):
        owner.exec_driver_sql(f"alter function app.{function} rename to {name}_away")
        try:
            yield
        finally:
            owner.exec_driver_sql(f"alter function app.{name}_away({arguments} rename to {name}")


# -- codes


def test_wrong_codes_are_slowed_down_and_then_locked_out(
    guarded: Flask, world: World, day: time_machine.Traveller
) -> None:
    client = browser(guarded)
    assert wrong_codes(client, 10) == [422] * 8 + [429] * 2
    day.shift(timedelta(seconds=61))
    assert 8 + spread_over_a_day(client, day, 50) == 27
    assert typed(client, world.own_class.code).status_code == 429


def test_who_has_to_wait_is_told_and_keeps_the_code(guarded: Flask, world: World) -> None:
    client = browser(guarded)
    wrong_codes(client, 8)
    page = typed(client, "NTHRCDFG")
    assert (page.status_code, WAIT in page.text, 'value="NTHRCDFG"' in page.text) == (429, True, True)
    assert 1 <= int(page.headers["Retry-After"]) <= 60


def test_another_network_is_not_locked_out(guarded: Flask, world: World) -> None:
    wrong_codes(browser(guarded), 9)
    assert typed(browser(guarded, ELSEWHERE), world.own_class.code).status_code == 200


def test_a_device_that_was_here_before_has_its_own_tries(guarded: Flask, world: World) -> None:
    """A school behind one address goes on while somebody in it guesses."""
    tablet = browser(guarded)
    assert come_in(tablet, world).location == "/student"
    wrong_codes(browser(guarded), 9)
    assert typed(browser(guarded), world.own_class.code).status_code == 429
    assert typed(tablet, world.own_class.code).status_code == 200
    assert come_in(tablet, world).location == "/student"


def test_a_known_device_is_locked_out_as_well(
    guarded: Flask, world: World, day: time_machine.Traveller
) -> None:
    tablet, neighbour = browser(guarded), browser(guarded)
    come_in(tablet, world)
    come_in(neighbour, world)
    assert spread_over_a_day(tablet, day, 100) == 60
    assert typed(neighbour, world.own_class.code).status_code == 200


def test_all_devices_of_a_school_share_one_days_tries(runtime: Runtime, world: World) -> None:
    """Who has a good code makes as many known devices as they like, and guesses no more for it."""
    few = Throttles(code_school="3/day")
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": few})))
    answers = []
    for number in range(5):
        tablet = browser(app, f"198.51.100.{number}")
        come_in(tablet, world)
        answers += wrong_codes(tablet, 1)
    assert answers == [422, 422, 422, 429, 429]


def test_a_device_keeps_the_code_that_let_it_in_whoever_guesses(runtime: Runtime, world: World) -> None:
    """One pupil with a good code and many devices spends the school's tries, and shuts nobody out."""
    few = Throttles(code_school="3/day", code_device="2/day", code_network="1/day")
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": few})))
    tablet, pupil, other = browser(app), browser(app), browser(app)
    for each in (tablet, pupil, other):
        come_in(each, world)
    assert wrong_codes(pupil, 3) + wrong_codes(other, 3) == [422, 422, 429, 422, 429, 429]
    assert wrong_codes(tablet, 1) == [429]
    assert typed(tablet, world.own_class.code).status_code == 200
    assert come_in(tablet, world).location == "/student"
    # No other code, not even of the same school: that would be a way to guess it.
    assert typed(tablet, world.colleague_class.code).status_code == 429


@pytest.mark.parametrize("made_up", ["", "x", "WyJhIiwic2Nob29sLTEyMzQiXQ.aWOJqA.abc", "a.b.c", "\xe9"])
def test_a_made_up_device_is_a_stranger(guarded: Flask, world: World, made_up: str) -> None:
    client = browser(guarded)
    client.set_cookie("device", made_up)
    wrong_codes(client, 8)
    assert typed(client, world.own_class.code).status_code == 429


def test_a_devices_cookie_says_nothing_of_who_was_here(guarded: Flask, world: World) -> None:
    answer = come_in(browser(guarded), world)
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("device=")]
    child = world.own_class.children[0]
    for said in (child.public_id, child.given, world.own_class.code, str(child.id) + '"', STRANGER):
        assert said not in cookie
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=15552000"} <= set(cookie.split("; "))


def test_a_devices_cookie_is_none_after_half_a_year(
    guarded: Flask, world: World, day: time_machine.Traveller
) -> None:
    tablet = browser(guarded)
    come_in(tablet, world)
    kept = tablet.get_cookie("device")
    assert kept is not None
    day.shift(timedelta(days=181))
    late = browser(guarded)
    late.set_cookie("device", kept.value)
    wrong_codes(late, 8)
    assert typed(late, world.own_class.code).status_code == 429


def test_a_right_code_is_no_wrong_try(guarded: Flask, world: World) -> None:
    client = browser(guarded)
    assert [typed(client, world.own_class.code).status_code for _ in range(40)] == [200] * 40


def test_a_class_may_type_its_code_all_at_once(guarded: Flask, world: World) -> None:
    """From one address, each on a device that was never here: nobody waits for the others."""

    def one(_number: int) -> int:
        return typed(browser(guarded), world.own_class.code).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(60))) == {200}


def test_what_fails_on_our_side_is_no_wrong_code(guarded: Flask, world: World, runtime: Runtime) -> None:
    client = browser(guarded)
    with without(runtime, "names_behind_code(bytea, timestamptz)"):
        assert {typed(client, world.own_class.code).status_code for _ in range(10)} == {500}
    assert typed(client, world.own_class.code).status_code == 200


def test_a_closed_door_is_no_wrong_try(guarded: Flask, world: World) -> None:
    """Thirty children who are there before their teacher are not guessing."""
    row = update(Classroom).where(Classroom.id == world.foreign_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(door=Door.CLOSED))
    client = browser(guarded)
    assert {typed(client, world.foreign_class.code).status_code for _ in range(40)} == {422}
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(door=Door.OPEN))
    assert typed(client, world.foreign_class.code).status_code == 200


def test_a_closed_door_takes_the_same_statements_as_a_wrong_code(guarded: Flask, world: World) -> None:
    """So that neither words nor time tell which it was."""
    row = update(Classroom).where(Classroom.id == world.foreign_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(door=Door.CLOSED))
    asked = {}
    for code in (world.foreign_class.code, "WRNGCDFG"):
        statements: list[str] = []
        engine = guarded.extensions["backoffice"].database.engine(DatabaseRole.APP)

        def note(
            _c: object, _cursor: object, statement: str, *_more: object, into: list[str] = statements
        ) -> None:
            into.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        page = typed(browser(guarded), code)
        event.remove(engine, "before_cursor_execute", note)
        assert NOT_OPEN in page.text
        asked[code] = statements
    closed, wrong = asked.values()
    assert closed == wrong
    assert len(wrong) == 2


def test_a_forwarded_address_is_not_believed(guarded: Flask, world: World) -> None:
    client = browser(guarded)
    answers = [typed(client, "WRNGCDFG", **{"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(9)]
    assert answers == [422] * 8 + [429]


def test_behind_a_proxy_the_address_it_names_counts(runtime: Runtime, world: World) -> None:
    told = {"throttles": Throttles(), "proxy_hops": 1, "base_url": "http://localhost"}
    app = build(replace(runtime, settings=runtime.settings.model_copy(update=told)))
    client = browser(app, "10.0.0.1")
    # Whatever the visitor puts in front, the proxy's own word comes last.
    answers = [
        typed(client, "WRNGCDFG", **{"X-Forwarded-For": f"192.0.2.{n}, {STRANGER}"}).status_code
        for n in range(9)
    ]
    assert answers == [422] * 8 + [429]
    assert typed(client, "WRNGCDFG", **{"X-Forwarded-For": ELSEWHERE}).status_code == 422


def test_an_ipv6_neighbour_is_the_same_network(guarded: Flask, world: World) -> None:
    for number in range(8):
        assert wrong_codes(browser(guarded, f"2001:db8:1:2::{number:x}"), 1) == [422]
    assert wrong_codes(browser(guarded, "2001:db8:1:2:ffff::1"), 1) == [429]
    assert wrong_codes(browser(guarded, "2001:db8:1:3::1"), 1) == [422]


def test_whoever_has_a_great_many_ipv6_networks_is_a_few_networks(guarded: Flask, world: World) -> None:
    """A /48 holds 65,536 networks, and is given to anybody: it would spend everybody's tries, too."""
    answers = [wrong_codes(browser(guarded, f"2001:db8:1:{n:x}::1"), 1)[0] for n in range(50)]
    assert (answers.count(422), answers[-1]) == (40, 429)
    assert typed(browser(guarded, "2001:db8:2::1"), world.own_class.code).status_code == 200


def test_a_port_beside_a_forwarded_address_is_none_of_it(runtime: Runtime, world: World) -> None:
    """Some proxies write one. Were it not read, the whole world would be one network."""
    told = {"throttles": Throttles(), "proxy_hops": 1}
    app = build(replace(runtime, settings=runtime.settings.model_copy(update=told)))
    for told_by_proxy, neighbour in (
        (f"{STRANGER}:{{}}", ELSEWHERE),
        ("[2001:db8:1::1]:{}", "[2001:db8:2::1]:5"),
    ):
        answers = [
            typed(browser(app, "10.0.0.1"), "WRNGCDFG", **{"X-Forwarded-For": told_by_proxy.format(5000 + n)})
            for n in range(9)
        ]
        assert [each.status_code for each in answers] == [422] * 8 + [429]
        answer = typed(browser(app, "10.0.0.1"), "WRNGCDFG", **{"X-Forwarded-For": neighbour})
        assert answer.status_code == 422


def test_a_class_is_not_visited_without_end(runtime: Runtime, world: World) -> None:
    few = Throttles(class_visits="3/hour")
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": few})))
    answers = [typed(browser(app, f"198.51.100.{n}"), world.own_class.code).status_code for n in range(5)]
    assert answers == [200] * 3 + [429] * 2
    assert typed(browser(app), world.colleague_class.code).status_code == 200


def test_children_are_not_let_in_without_end(runtime: Runtime, world: World) -> None:
    """Each leaves a session and an entry of the trail behind; one with a good code could fill the disk."""
    few = Throttles(class_visits="3/hour")
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": few})))
    answers = [come_in(browser(app, f"198.51.100.{n}"), world).status_code for n in range(5)]
    assert answers == [303] * 3 + [429] * 2


@pytest.fixture
def personal(world: World) -> Iterator[World]:
    """The school outside is one that somebody opened who signed up."""
    row = update(School).where(School.id == world.outside.id)
    door = update(Classroom).where(Classroom.id == world.foreign_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(kind=SchoolKind.PERSONAL))
        tx.execute(door.values(door=Door.OPEN))
    yield world
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(kind=SchoolKind.SCHOOL))


def come_in_outside(client: FlaskClient, world: World) -> TestResponse:
    room = world.foreign_class
    token = form_token(client.get("/join").text)
    fields = {"csrf_token": token, "code": room.code, "student": room.children[0].public_id}
    return client.post("/join", data=fields)


def test_a_school_of_ones_own_gives_no_guess_at_the_codes_of_others(
    guarded: Flask, personal: World, day: time_machine.Traveller
) -> None:
    """Anybody can sign up and let devices in: each of them guesses as often as one that was never here."""
    devices = [browser(guarded) for _ in range(3)]
    for each in devices:
        assert come_in_outside(each, personal).location == "/student"
    assert sum(spread_over_a_day(each, day, 20) for each in devices) == 27
    assert typed(browser(guarded), personal.own_class.code).status_code == 429
    # What is not other schools' stays open: the very code that let the device in.
    assert typed(devices[0], personal.foreign_class.code).status_code == 200


def test_a_school_of_ones_own_is_stopped_with_everybody(runtime: Runtime, personal: World) -> None:
    few = Throttles(code_overall="3/hour")
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": few})))
    devices = [browser(app, f"198.51.100.{number}") for number in range(5)]
    for each in devices:
        come_in_outside(each, personal)
    assert [wrong_codes(each, 1)[0] for each in devices] == [422] * 3 + [429] * 2


def test_all_known_devices_share_a_days_tries_and_are_strangers_then(runtime: Runtime, world: World) -> None:
    """Whoever holds codes of many schools guesses so often altogether; nobody who belongs is shut out."""
    few = Throttles(code_known="3/day", code_network="2/day")
    app = build(replace(runtime, settings=runtime.settings.model_copy(update={"throttles": few})))
    tablet, other = browser(app), browser(app, ELSEWHERE)
    come_in(tablet, world)
    come_in_outside(other, world)
    # Three as known devices, whatever their school; then two of the network's.
    assert wrong_codes(other, 1) + wrong_codes(tablet, 5) == [422] * 5 + [429]
    assert wrong_codes(other, 3) == [422] * 2 + [429]
    assert typed(tablet, world.own_class.code).status_code == 200


# -- passwords


def test_wrong_passwords_are_slowed_down(guarded: Flask, world: World) -> None:
    client, email = browser(guarded), world.people["teacher"].email
    assert [signs_in(client, email, "wrong horse").status_code for _ in range(7)] == [422] * 5 + [429] * 2
    page = signs_in(client, email)
    assert (page.status_code, "Wait" in page.text, client.get_cookie("account")) == (429, True, None)
    assert int(page.headers["Retry-After"]) <= 60


def test_an_accounts_tries_are_the_same_from_everywhere(guarded: Flask, world: World) -> None:
    email = world.people["teacher"].email
    answers = [
        signs_in(browser(guarded, f"198.51.100.{n}"), email, "wrong horse").status_code for n in range(7)
    ]
    assert answers == [422] * 5 + [429] * 2


def test_an_address_without_account_is_throttled_alike(guarded: Flask, world: World) -> None:
    client = browser(guarded)
    answers = [signs_in(client, "nobody@people.example", "wrong horse").status_code for _ in range(7)]
    assert answers == [422] * 5 + [429] * 2


def test_strangers_do_not_lock_a_teacher_out_of_the_own_device(guarded: Flask, world: World) -> None:
    own, email = browser(guarded), world.people["teacher"].email
    assert signs_in(own, email).status_code == 303
    own.delete_cookie("account")
    for number in range(7):
        signs_in(browser(guarded, f"198.51.100.{number}"), email, "wrong horse")
    assert signs_in(browser(guarded, ELSEWHERE), email).status_code == 429
    assert signs_in(own, email).status_code == 303


def test_a_colleagues_device_is_a_strangers_for_this_account(guarded: Flask, world: World) -> None:
    client, email = browser(guarded), world.people["teacher"].email
    assert signs_in(client, world.people["colleague"].email).status_code == 303
    client.delete_cookie("account")
    for _ in range(5):
        signs_in(client, email, "wrong horse")
    assert signs_in(client, email).status_code == 429


def test_a_network_that_tries_many_accounts_is_slowed_down(guarded: Flask, world: World) -> None:
    client = browser(guarded)
    answers = [signs_in(client, f"n{n}@people.example", "wrong horse").status_code for n in range(22)]
    assert answers == [422] * 20 + [429] * 2
    assert signs_in(browser(guarded, ELSEWHERE), world.people["teacher"].email).status_code == 303


def test_what_fails_on_our_side_is_no_wrong_password(guarded: Flask, world: World, runtime: Runtime) -> None:
    client, email = browser(guarded), world.people["teacher"].email
    with without(runtime, "sign_in_account(bytea)"):
        assert {signs_in(client, email).status_code for _ in range(7)} == {500}
    assert signs_in(client, email).status_code == 303


def test_whoever_tries_accounts_from_a_great_many_networks_is_slowed_down(
    guarded: Flask, world: World
) -> None:
    places = [browser(guarded, f"2001:db8:1:{n:x}::1") for n in range(62)]
    answers = [signs_in(each, f"m{n}@people.example", "wrong horse") for n, each in enumerate(places)]
    assert [each.status_code for each in answers] == [422] * 60 + [429] * 2
    assert signs_in(browser(guarded, ELSEWHERE), world.people["teacher"].email).status_code == 303


def test_who_signs_in_often_is_not_throttled(guarded: Flask, world: World) -> None:
    email = world.people["teacher"].email
    assert [signs_in(browser(guarded), email).status_code for _ in range(12)] == [303] * 12


def test_a_refusal_reaches_the_log_without_address(
    guarded: Flask, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    client = browser(guarded)
    wrong_codes(client, 9)
    written = capsys.readouterr().out
    assert "throttled" in written
    assert STRANGER not in written
