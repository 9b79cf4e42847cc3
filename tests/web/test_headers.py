"""The headers of every response."""

import re
from dataclasses import replace

from flask import Flask

from backoffice.app import build
from backoffice.runtime import Runtime


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


def test_only_https_promises_https(runtime: Runtime, app: Flask) -> None:
    secure = runtime.settings.model_copy(update={"base_url": "https://school.example"})
    strict = build(replace(runtime, settings=secure)).test_client().get("/")
    assert strict.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert "Strict-Transport-Security" not in app.test_client().get("/").headers
