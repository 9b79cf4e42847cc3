"""A database that goes, comes back, hangs or is slow: what is said, and that all goes on by itself."""

import io
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from backoffice import launch
from backoffice.app import build
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import database, embedded
from backoffice.storage.database import PatientConnection
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.roles import SLOWEST, DatabaseRole
from backoffice.web.pages import LOOKED
from tests.factories.visitor import signed_in
from tests.factories.world import NO_LIMIT, World, make_world

SOON = 1.0
# A hanging server takes connections: this is how long it is given to answer.
PATIENCE = 3.5
SLOW_PAGE = "This took too long and was stopped"


@pytest.fixture(scope="module")
def place(folder: Path) -> Path:
    return folder / "going-and-coming"


def started(place: Path) -> EmbeddedServer:
    return embedded.start(place, options={"fsync": "off"})


@pytest.fixture(scope="module")
def alone(place: Path, keyring_file: Path) -> Iterator[Runtime]:
    """A server that is these tests' own to stop."""
    server = started(place)
    before = database._current
    opened = open_runtime(Settings(keyring_file=keyring_file, throttles=NO_LIMIT), server.url())
    launch.migrate(opened)
    yield opened
    opened.database.dispose()
    embedded.stop(server, mode="immediate")
    if before is not None:
        database.use(before)


@pytest.fixture(scope="module")
def people(alone: Runtime) -> World:
    del alone
    return make_world()


@pytest.fixture(scope="module")
def site(alone: Runtime) -> Flask:
    app = build(alone)

    @app.get("/slow")
    @app.get("/student/slow", endpoint="slow-for-a-child")
    def slow() -> str:
        with alone.database.engine(DatabaseRole.APP).begin() as connection:
            connection.execute(text("set local statement_timeout = '100ms'"))
            connection.execute(text("select pg_sleep(60), :nothing"), {"nothing": "Wilhelmina"})
        return ""

    return app


@pytest.fixture
def teacher(site: Flask, people: World) -> FlaskClient:
    """A teacher who has just looked at a page, so that connections are open."""
    browser = signed_in(site, people, "teacher")
    assert browser.get("/console/").status_code == 200
    return browser


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The log."""
    stream = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )
    yield stream
    structlog.reset_defaults()


def ready(site: Flask) -> int:
    return site.test_client().get("/readyz").status_code


def within(seconds: float, answer: Callable[[], object], wanted: object) -> bool:
    deadline = time.monotonic() + seconds
    while (found := answer()) != wanted:
        if time.monotonic() > deadline:
            pytest.fail(f"After {seconds} s the answer is still {found}.")
        time.sleep(0.05)
    return time.monotonic() <= deadline


def timed(ask: Callable[[], TestResponse]) -> tuple[float, TestResponse]:
    begun = time.monotonic()
    answer = ask()
    return time.monotonic() - begun, answer


# -- gone


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_goes_and_comes_back(place: Path, site: Flask, teacher: FlaskClient, how: str) -> None:
    assert ready(site) == 200
    embedded.stop(started(place), mode="fast" if how == "fast" else "immediate")
    assert within(SOON, lambda: ready(site), 503)
    page = teacher.get("/console/")
    assert (page.status_code, "The service is resting" in page.text) == (503, True)
    assert teacher.get("/healthz").status_code == 200
    started(place)
    # The very first, over connections that its predecessor took with it.
    assert teacher.get("/console/").status_code == 200
    assert within(SOON, lambda: ready(site), 200)


# -- hanging


def processes(place: Path) -> list[int]:
    """The server's processes, its own first."""
    first = int((place / "data" / "postmaster.pid").read_text().split()[0])
    others = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == first:
            others.append(int(stat.parent.name))
    return [first, *others]


@contextmanager
def hanging(place: Path) -> Iterator[Callable[[], None]]:
    """A server of which nothing moves, until it is let go on."""
    stopped = processes(place)

    def go_on() -> None:
        while stopped:
            os.kill(stopped.pop(), signal.SIGCONT)

    time.sleep(LOOKED)  # what was found out before is forgotten by then
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield go_on
    finally:
        go_on()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="Which processes are the server's, /proc knows.")
def test_a_server_that_hangs(place: Path, site: Flask, teacher: FlaskClient) -> None:
    with hanging(place) as go_on:
        took, answer = timed(lambda: site.test_client().get("/readyz"))
        assert answer.status_code == 503
        assert took < PATIENCE
        took, answer = timed(lambda: teacher.get("/console/"))
        assert (answer.status_code, "The service is resting" in answer.text) == (503, True)
        assert took < 10
        go_on()
        assert within(SOON, lambda: ready(site), 200)
        assert teacher.get("/console/").status_code == 200


def test_many_who_ask_at_once_are_answered_by_one_look(place: Path, site: Flask) -> None:
    """Whoever asks for health, however often, opens no more than a connection at a time."""
    found: list[int] = []
    with hanging(place) as go_on:
        asking = [Thread(target=lambda: found.append(ready(site))) for _ in range(12)]
        begun = time.monotonic()
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert time.monotonic() - begun < PATIENCE
        go_on()
    assert found == [503] * 12
    assert within(SOON, lambda: ready(site), 200)


def test_a_statement_over_which_the_server_falls_silent_is_given_up(place: Path, alone: Runtime) -> None:
    """Within a request there is no other sign of life than the answer."""
    app = build(alone)

    @app.get("/falls-silent")
    def falls_silent() -> str:
        with alone.database.engine(DatabaseRole.APP).begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, PatientConnection)
            assert driver.patience > SLOWEST
            driver.patience = 0.5
            with hanging(place):
                connection.execute(text("select 1"))
        return ""

    took, answer = timed(lambda: app.test_client().get("/falls-silent"))
    assert (answer.status_code, took < SLOWEST) == (503, True)
    assert within(SOON, lambda: ready(app), 200)


# -- slow


def test_a_statement_of_the_web_has_an_end(alone: Runtime) -> None:
    with alone.database.engine(DatabaseRole.APP).connect() as connection:
        assert connection.scalar(text("show statement_timeout")) == "15s"


def test_a_slow_page_ends_with_a_page_that_says_so(site: Flask, written: io.StringIO) -> None:
    answer = site.test_client().get("/slow")
    assert answer.status_code == 504
    assert SLOW_PAGE in answer.text
    reference = answer.headers["X-Request-Id"]
    assert reference in answer.text
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["event"], line["reference"]) for line in lines] == [
        ("database", reference),
        ("request", reference),
    ]
    assert lines[0]["kind"] == "QueryCanceled"
    for said in (answer.text, written.getvalue()):
        assert "pg_sleep" not in said
        assert "Wilhelmina" not in said


def test_a_slow_page_tells_a_machine_so(site: Flask) -> None:
    answer = site.test_client().get("/slow", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (504, "application/problem+json")
    assert answer.get_json()["title"] == SLOW_PAGE
    assert answer.get_json()["instance"] == answer.headers["X-Request-Id"]


def test_a_child_is_told_in_a_childs_words(site: Flask) -> None:
    answer = site.test_client().get("/student/slow")
    assert (answer.status_code, "Wait a little" in answer.text) == (504, True)


# -- the name of a request


UUID = "6f1c1e0a-5b8e-4c4e-9f5e-0c6a4f8b2d11"


@pytest.mark.parametrize(
    ("hops", "told", "noted"),
    [
        (1, UUID, True),
        (1, "4bf92f3577b34da6a3ce929d0e0e4736", True),
        (0, UUID, False),
        (1, "Wilhelmina Quartermaine", False),
        (1, '"}\n{"event":"forged', False),
        (1, "3ZGNH4RV", False),
        (1, "a" * 65, False),
    ],
)
def test_a_proxys_name_for_a_request_stands_beside_ours(
    alone: Runtime, written: io.StringIO, hops: int, told: str, noted: bool
) -> None:
    settings = alone.settings.model_copy(update={"proxy_hops": hops})
    app = build(replace(alone, settings=settings))
    answer = app.test_client().get("/report", environ_overrides={"HTTP_X_REQUEST_ID": told})
    (line,) = [json.loads(each) for each in written.getvalue().splitlines()]
    assert line["reference"] == answer.headers["X-Request-Id"] != told
    assert line.get("proxy_reference") == (told if noted else None)
