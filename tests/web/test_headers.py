"""The headers of every response."""

import re
from dataclasses import replace

import pytest
from flask import Flask

from backoffice.app import build
from backoffice.runtime import Runtime
from tests.factories.visitor import send, signed_in
from tests.factories.world import World


def test_a_page_runs_only_our_own_scripts(app: Flask) -> None:
    answer = app.test_client().get("/sign-in")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    (nonce,) = re.findall(r'<script type="module" nonce="([^"]+)"', answer.text)
    assert policy["script-src"] == f"'self' 'nonce-{nonce}'"
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_each_page_has_a_nonce_of_its_own(app: Flask) -> None:
    browser = app.test_client()
    policies = {browser.get("/").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_pages_are_never_kept_and_style_sheets_are(app: Flask) -> None:
    browser = app.test_client()
    assert browser.get("/join").headers["Cache-Control"] == "no-store"
    assert browser.get("/trust.json").headers["Cache-Control"] == "no-store"
    with browser.get("/static/css/app.css") as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", ["/static/none.css", "/bootstrap/static/none.css", "/static/"])
def test_a_file_that_is_not_there_is_kept_by_nobody(app: Flask, world: World, path: str) -> None:
    """The page that says so shows what is waiting for somebody, and sets that somebody's cookie."""
    browser = signed_in(app, world, "teacher")
    send(browser, "/sign-out", {}, page="/console/")
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"Range": "bytes=0-9"}, 206), ({"If-Modified-Since": "Mon, 01 Jan 2085 00:00:00 GMT"}, 304)],
)
def test_parts_of_files_may_be_kept(app: Flask, asked: dict[str, str], status: int) -> None:
    with app.test_client().get("/static/css/app.css", headers=asked) as answer:
        assert (answer.status_code, answer.cache_control.public) == (status, True)
        assert "Set-Cookie" not in answer.headers


def test_only_https_promises_https(runtime: Runtime, app: Flask) -> None:
    secure = runtime.settings.model_copy(update={"base_url": "https://school.example"})
    strict = build(replace(runtime, settings=secure)).test_client().get("/")
    assert strict.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert "Strict-Transport-Security" not in app.test_client().get("/").headers
