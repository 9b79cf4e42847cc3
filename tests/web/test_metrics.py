"""Figures for Prometheus: who may see them, what they say, and that they say nothing of anybody."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import psycopg
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import make_url

from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole
from tests.factories.ports import free_port
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import World

TOKEN = "a token of sixteen letters"
ELSEWHERE = "203.0.113.5"
Figures = dict[tuple[str, frozenset[str]], float]


def figures(text: str) -> Figures:
    """Each figure by its name and the values of its labels."""
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def seen(app: Flask) -> Figures:
    answer = app.test_client().get("/metrics")
    assert (answer.status_code, answer.content_type.split(";")[0]) == (200, "text/plain")
    return figures(answer.text)


@pytest.fixture(scope="module")
def guarded(runtime: Runtime) -> Flask:
    """The application behind a proxy, with a token and the throttles that it comes with."""
    told = {"metrics_token": SecretStr(TOKEN), "throttles": Throttles()}
    return build(replace(runtime, settings=runtime.settings.model_copy(update=told)))


# -- who may see them


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"Host": "10.0.0.7:8000"}, 200),
        (ELSEWHERE, {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": ELSEWHERE}, 404),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, 404),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 404),
        (ELSEWHERE, {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("127.0.0.1", {"X-Forwarded-For": ELSEWHERE, "Authorization": f"bearer {TOKEN}"}, 200),
        (ELSEWHERE, {"Authorization": f"Bearer {TOKEN}x"}, 404),
        (ELSEWHERE, {"Authorization": "Bearer ü"}, 404),
        (ELSEWHERE, {"Authorization": f"Basic {TOKEN}"}, 404),
        ("127.0.0.1", {"Authorization": "Bearer wrong"}, 404),
    ],
)
def test_who_may_see_them(guarded: Flask, address: str, headers: dict[str, str], status: int) -> None:
    browser = guarded.test_client()
    browser.environ_base["REMOTE_ADDR"] = address
    assert browser.get("/metrics", headers=headers).status_code == status


@pytest.mark.parametrize("told", ["Bearer ", "Bearer None", "Bearer"])
def test_without_a_token_none_is_right(app: Flask, told: str) -> None:
    browser = app.test_client()
    browser.environ_base["REMOTE_ADDR"] = ELSEWHERE
    assert browser.get("/metrics", headers={"Authorization": told}).status_code == 404


# -- what they say


def test_requests_are_counted_by_the_pattern_of_their_address(app: Flask, world: World) -> None:
    path, pattern = (
        f"/console/classrooms/{world.own_class.public_id}",
        "/console/classrooms/<classroom:public_id>",
    )
    counted = ("backoffice_requests_total", frozenset({"GET", pattern, "200"}))
    timed = ("backoffice_request_seconds_count", frozenset({"GET", pattern}))
    before = seen(app)
    browser = signed_in(app, world, "teacher")
    for _ in range(3):
        assert browser.get(path).status_code == 200
    after = seen(app)
    for figure in (counted, timed):
        assert after[figure] - before.get(figure, 0) == 3


def test_what_a_visitor_makes_up_is_no_label(app: Flask) -> None:
    browser = app.test_client()
    browser.get("/wilhelmina/quartermaine")
    browser.open("/join", method="QUARTERMAINE")
    text = browser.get("/metrics").text
    assert "quartermaine" not in text.lower()
    found = figures(text)
    assert found["backoffice_requests_total", frozenset({"GET", "none", "404"})] >= 1
    assert found["backoffice_requests_total", frozenset({"other", "none", "405"})] >= 1


def test_refused_tries_are_counted_by_their_throttle(guarded: Flask) -> None:
    browser = guarded.test_client()
    browser.environ_base["REMOTE_ADDR"] = "203.0.113.99"
    token = form_token(browser.get("/join").text)
    figure = ("backoffice_throttled_total", frozenset({"code by network"}))
    before = seen(guarded).get(figure, 0)
    for _ in range(10):
        browser.post("/join", data={"csrf_token": token, "code": "WRNGCDFG"}, follow_redirects=True)
    assert seen(guarded)[figure] - before == 2


def test_jobs_and_mails_are_counted_by_state(app: Flask, world: World) -> None:
    found = seen(app)
    assert found["backoffice_database_up", frozenset()] == 1
    assert found["backoffice_job_runs_last_day", frozenset({"trust.check", "succeeded"})] == 1
    assert found["backoffice_mails", frozenset({"core.plugin-switched", "failed"})] == 2


def test_jobs_in_the_queue_are_counted(app: Flask, world: World) -> None:
    figure = ("backoffice_jobs_queued", frozenset({"core", "todo"}))
    before = seen(app).get(figure, 0)
    browser = signed_in(app, world, "founder")
    page = browser.get("/console/jobs/core.send-mail").text
    ran = browser.post("/console/jobs/core.send-mail/run", data={"csrf_token": form_token(page)})
    assert ran.status_code in {302, 303}
    assert seen(app)[figure] - before == 1


def test_the_pool_is_counted(runtime: Runtime, app: Flask, world: World) -> None:
    used, open_ = (("backoffice_database_connections", frozenset({state})) for state in ("in use", "open"))
    signed_in(app, world, "teacher").get("/console/")
    before = seen(app)
    connections = [runtime.database.engine(DatabaseRole.APP).connect() for _ in range(3)]
    during = seen(app)
    for connection in connections:
        connection.close()
    after = seen(app)
    assert during[used] - before[used] == len(connections)
    assert after[used] == before[used]
    assert during[open_] >= during[used]


def test_a_connection_that_died_in_the_pool_is_counted_once(runtime: Runtime, app: Flask) -> None:
    used = ("backoffice_database_connections", frozenset({"in use"}))
    engine = runtime.database.engine(DatabaseRole.APP)
    with engine.connect() as connection:
        dying = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
    before = seen(app)[used]
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as superuser:
        superuser.execute("select pg_terminate_backend(%s, 5000)", [dying])
    with engine.connect():
        assert seen(app)[used] - before == 1
    assert seen(app)[used] == before


def test_without_a_database_they_say_so(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Database("postgresql://nobody:x@/nowhere?host=/nonexistent")
    app = build(replace(runtime, database=gone))
    monkeypatch.setattr("backoffice.storage.database._current", gone)
    figure = ("backoffice_database_trouble_total", frozenset({"unreachable"}))
    browser = app.test_client()
    before = figures(browser.get("/metrics").text)
    browser.set_cookie("account", "x" * 43)
    assert browser.get("/console/").status_code == 503
    after = figures(browser.get("/metrics").text)
    assert after["backoffice_database_up", frozenset()] == 0
    assert after[figure] - before.get(figure, 0) == 1


def test_they_name_nobody_and_nothing_that_belongs_to_somebody(app: Flask, world: World) -> None:
    own = world.own_class
    browser = signed_in(app, world, "teacher")
    for path in (
        f"/console/classrooms/{own.public_id}",
        f"/console/students/{own.children[0].public_id}",
        f"/join/{own.code}",
    ):
        browser.get(path)
    text = browser.get("/metrics").text
    private = {own.public_id, own.code, own.name, own.children[0].public_id, own.children[0].given, ELSEWHERE}
    private |= {person.public_id for person in world.people.values()}
    private |= {person.email for person in world.people.values()}
    assert [each for each in private if each in text] == []
    values = {value for _, labels in figures(text) for value in labels}
    assert [value for value in values if not re.fullmatch(r"[\w .:/<>+-]*", value)] == []


# -- several processes


@pytest.fixture
def site(runtime: Runtime, keyring_file: Path, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Asks the web server as it is run: a supervisor, gunicorn, two processes."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    environment |= {
        "BACKOFFICE_DATABASE_URL": runtime.database.address,
        "BACKOFFICE_KEYRING_FILE": str(keyring_file),
        "PORT": str(port),
        "TMPDIR": str(tmp_path),
    }
    server = subprocess.Popen([sys.executable, "-m", "backoffice", "web"], env=environment)

    def ask(path: str) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Connection": "close"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    deadline = time.monotonic() + 60
    while True:
        try:
            ask("/healthz")
            break
        except (URLError, OSError):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield ask
    server.send_signal(signal.SIGTERM)
    assert server.wait(40) == 0
    assert list(tmp_path.glob("backoffice-counters-*")) == []


def test_processes_count_together(site: Callable[[str], str], tmp_path: Path) -> None:
    """Whichever process is asked, and whichever has died meanwhile."""
    figure = ("backoffice_requests_total", frozenset({"GET", "/report", "200"}))
    (folder,) = tmp_path.glob("backoffice-counters-*")
    asked = 0

    def ask(times: int) -> None:
        nonlocal asked
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(site, ["/report"] * times))
        asked += times

    def workers() -> set[int]:
        return {int(path.stem.rpartition("_")[2]) for path in folder.glob("counter_*.db")}

    deadline = time.monotonic() + 60
    while len(workers()) < 2:  # the processes race for each request
        ask(40)
        assert time.monotonic() < deadline
    assert {figures(site("/metrics"))[figure] for _ in range(10)} == {asked}
    killed = min(workers())
    assert (folder / f"gauge_livesum_{killed}.db").exists()
    os.kill(killed, signal.SIGKILL)
    time.sleep(1)
    ask(40)
    assert {figures(site("/metrics"))[figure] for _ in range(10)} == {asked}
    assert not (folder / f"gauge_livesum_{killed}.db").exists()
