"""Under which names the site answers, and what it does when asked under another."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from flask import Flask

from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.web.hosts import is_own, own_hosts

SITE = "https://school.example"
CODE = "3ZGN-H4RV"


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


@pytest.fixture(scope="module")
def behind_proxy(runtime: Runtime) -> Flask:
    """The application as it runs behind https and one proxy."""
    settings = runtime.settings.model_copy(update={"base_url": SITE, "proxy_hops": 1})
    return build(replace(runtime, settings=settings))


@pytest.mark.parametrize(
    ("base_url", "host", "own"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("http://localhost:8000", "LOCALHOST", True),
        ("http://localhost:8000", "127.0.0.1:9", True),
        ("http://127.0.0.1:8000", "[::1]:8000", True),
        ("http://[::1]:8000", "localhost", True),
        ("http://localhost:8000", "evil.example", False),
        ("http://localhost:8000", "evil.example@localhost", False),
        ("http://localhost:8000", "localhost.evil.example", False),
        ("http://localhost:8000", "localhost:80:80", False),
        ("http://localhost:8000", "127.0.0.2", False),
        ("http://localhost:8000", "", False),
        (SITE, "school.example", True),
        (SITE, "School.Example:443", True),
        (SITE, "www.school.example", False),
        (SITE, "school.example.", False),
        (SITE, "localhost", False),
        ("https://[2001:db8::1]", "[2001:db8::1]:443", True),
    ],
)
def test_a_host_is_ours_or_not(base_url: str, host: str, own: bool) -> None:
    assert is_own(host, own_hosts(base_url)) is own


HOSTS = (
    "..",
    "a..b",
    "x" * 64,
    "evil.example",
    "localhost:99999999",
    "ü",
    "<script>",
    "a b",
    "localhost@evil",
)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "path", [f"/join/{CODE}", "/console", '/%0a{"event":"forged"}', "/static/css/app.css"]
)
def test_under_another_name_nothing_is_told(
    app: Flask, written: io.StringIO, capfd: pytest.CaptureFixture[str], host: str, path: str
) -> None:
    answer = app.test_client().get(path, headers={"Host": host.encode().decode("latin-1")})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Cache-Control"] == "no-store"
    said, errors = capfd.readouterr()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["request"]
    for text in (str(answer.headers), answer.text, written.getvalue(), said, errors):
        assert CODE not in text
        assert "evil" not in text
        assert "forged" not in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "..", "evil.example"])
def test_a_load_balancer_asks_for_health_by_address(behind_proxy: Flask, path: str, host: str) -> None:
    assert behind_proxy.test_client().get(path, headers={"Host": host}).status_code == 200


def test_a_redirect_names_no_host_but_ours(app: Flask) -> None:
    answer = app.test_client().get("/console", headers={"Host": "localhost:8123"})
    assert answer.status_code == 308
    assert answer.location in {"/console/", "http://localhost:8123/console/"}
    assert app.test_client().get("/console", headers={"Host": "evil.example"}).location is None


# -- http where the site is https


def test_who_comes_by_http_is_sent_to_https(behind_proxy: Flask) -> None:
    browser = behind_proxy.test_client()
    told = {"Host": "school.example", "X-Forwarded-Proto": "http"}
    answer = browser.get("/join?a=b", headers=told)
    assert (answer.status_code, answer.location) == (308, f"{SITE}/join?a=b")
    assert browser.get("/join", headers=told | {"X-Forwarded-Proto": "https"}).status_code == 200
    assert browser.get("/healthz", headers=told).status_code == 200


def test_a_form_sent_by_http_is_refused(behind_proxy: Flask) -> None:
    told = {"Host": "school.example", "X-Forwarded-Proto": "http"}
    answer = behind_proxy.test_client().post("/join", data={"code": CODE}, headers=told)
    assert answer.status_code == 400


def test_where_nobody_says_how_it_came_nobody_is_sent_in_a_circle(behind_proxy: Flask) -> None:
    answer = behind_proxy.test_client().get("/join", headers={"Host": "school.example"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "scheme"),
    [("school.example", "javascript"), ("school.example", "file"), ("evil.example", "http")],
)
@pytest.mark.parametrize("path", ["/console", "/join"])
def test_nobody_is_sent_to_what_is_not_ours(behind_proxy: Flask, path: str, host: str, scheme: str) -> None:
    told = {"Host": host, "X-Forwarded-Proto": scheme}
    answer = behind_proxy.test_client().get(path, headers=told)
    assert answer.status_code == 400
    assert answer.location is None
