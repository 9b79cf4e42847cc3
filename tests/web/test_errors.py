"""What is answered when something cannot be done: a page or a JSON problem, never what went wrong inside."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from flask import Flask
from sqlalchemy import text

from backoffice.access.principal import SessionEnded
from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole
from backoffice.web.headers import csp_nonce
from tests.factories.visitor import form_token

SECRET = "Wilhelmina Quartermaine"


@pytest.fixture(scope="module")
def broken(runtime: Runtime) -> Flask:
    """The application with a page that fails while it holds a name."""
    app = build(runtime)

    @app.get("/broken")
    def fail() -> str:
        raise ValueError(SECRET)

    @app.get("/refused")
    def refuse() -> str:
        with runtime.database.engine(DatabaseRole.APP).connect() as connection:
            connection.execute(text("select 1 / :nothing"), {"nothing": SECRET})
        return ""

    @app.get("/ended")
    def end() -> str:
        raise SessionEnded

    return app


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


@pytest.mark.parametrize("path", ["/broken", "/refused"])
def test_a_failure_shows_and_logs_nothing_of_what_it_held(
    broken: Flask, written: io.StringIO, path: str
) -> None:
    answer = broken.test_client().get(path)
    assert answer.status_code == 500
    for said in (answer.text, written.getvalue()):
        assert SECRET not in said
        assert "select" not in said.lower().replace("<select", "")
        assert "Traceback" not in said


def test_the_page_and_the_log_share_a_reference(broken: Flask, written: io.StringIO) -> None:
    answer = broken.test_client().get("/broken")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    reference = answer.headers["X-Request-Id"]
    assert reference in answer.text
    assert {line["reference"] for line in lines} == {reference}
    assert {line["event"] for line in lines} == {"failure", "request"}


def test_a_log_line_holds_neither_query_nor_code_nor_address(app: Flask, written: io.StringIO) -> None:
    browser = app.test_client()
    browser.get("/join/ABCDEFGH?q=secret", environ_base={"REMOTE_ADDR": "203.0.113.77"})
    (line,) = [json.loads(each) for each in written.getvalue().splitlines()]
    assert line["route"] == "/join/<code:code>"
    for private in ("ABCDEFGH", "secret", "203.0.113.77"):
        assert private not in written.getvalue()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/sign-in", 405), ("POST", "/sign-in", 400)],
)
def test_a_machine_gets_a_problem(app: Flask, method: str, path: str, status: int) -> None:
    answer = app.test_client().open(path, method=method, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.get_json()["instance"] == answer.headers["X-Request-Id"]


def test_a_form_that_is_too_large_is_refused(app: Flask) -> None:
    assert app.test_client().post("/join", data={"code": "x" * 600_000}).status_code == 413


def test_a_zero_byte_is_refused(app: Flask) -> None:
    assert app.test_client().get("/?q=a%00b").status_code == 400


def test_without_a_database_the_page_says_so_and_health_goes_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Database("postgresql://nobody:x@/nowhere?host=/nonexistent")
    app = build(replace(runtime, database=gone))
    monkeypatch.setattr("backoffice.storage.database._current", gone)
    browser = app.test_client()
    assert browser.get("/healthz").status_code == 200
    ready = browser.get("/readyz")
    assert (ready.status_code, ready.get_json()["database"]) == (503, "does not answer")
    browser.set_cookie("account", "x" * 43)
    page = browser.get("/console/")
    assert (page.status_code, "resting" in page.text) == (503, True)


def test_without_a_database_a_page_that_nobody_is_signed_in_to_says_so_too(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, written: io.StringIO
) -> None:
    """Here the first to ask the database is a service, as nobody."""
    app = build(runtime)
    browser = app.test_client()
    token = form_token(browser.get("/join").text)
    gone = Database("postgresql://nobody:x@/nowhere?host=/nonexistent")
    monkeypatch.setattr("backoffice.storage.database._current", gone)
    browser.set_cookie("account", "x" * 43)
    fields = {"csrf_token": token, "code": "ABCDEFGH"}
    page = browser.post("/join", data=fields, follow_redirects=True)
    assert (page.status_code, "Wait a little" in page.text) == (503, True)
    assert {line["event"] for line in map(json.loads, written.getvalue().splitlines())} <= {
        "request",
        "database",
    }


def test_when_even_the_error_page_fails_there_is_an_answer(
    broken: Flask, written: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = broken.jinja_env
    environment.globals["csp_nonce"] = None
    try:
        answer = broken.test_client().get("/broken")
    finally:
        environment.globals["csp_nonce"] = csp_nonce
    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert answer.headers["Content-Security-Policy"]
    for said in (answer.text, written.getvalue(), *capfd.readouterr()):
        assert SECRET not in said
        assert "Traceback" not in said


def test_what_flask_itself_logs_quotes_no_request(
    broken: Flask, written: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    with broken.test_request_context("/join/ABCDEFGH"):
        broken.log_exception((ValueError, ValueError(SECRET), None))  # type: ignore[arg-type]
        broken.logger.warning("A visitor asked for %s", SECRET)
    assert [line["event"] for line in map(json.loads, written.getvalue().splitlines())] == [
        "failure",
        "framework",
    ]
    for said in (written.getvalue(), *capfd.readouterr()):
        assert SECRET not in said
        assert "ABCDEFGH" not in said


@pytest.mark.parametrize(("accept", "status"), [("text/html", 303), ("application/json", 401)])
def test_a_session_that_ends_within_a_request_leads_to_the_way_in(
    broken: Flask, accept: str, status: int
) -> None:
    answer = broken.test_client().get("/ended", headers={"Accept": accept})
    assert (answer.status_code, answer.location) == (status, "/sign-in" if status == 303 else None)
