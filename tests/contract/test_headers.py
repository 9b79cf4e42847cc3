"""The headers and cookies of every route's every kind of answer, over https as in production.

Whether the headers are the right ones is said in tests/web/test_headers.py; here nothing is without them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any, NoReturn

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from backoffice.app import build
from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from backoffice.storage.public_id import new_public_id
from backoffice.web.headers import POLICY
from tests.contract.actors import KINDS, NAMED, Actor
from tests.contract.matrix import NOBODYS, Matrix, Tally
from tests.contract.routes import FORMS, Route, form_keys, is_static

ROLES = ("founder", "leader", "teacher", "parent", "student", "nobody")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}
# Whoever reads of these knows more of the machine than of the page.
NEVER = ("Server", "X-Powered-By", "Access-Control-Allow-Origin")
JSON = {"Accept": "application/json"}
# A mail's own body has its own style sheet and runs nothing.
MAIL = re.compile(r"default-src 'none'; style-src 'sha256-[\w+/=-]+'; sandbox; frame-ancestors 'none'")
PAGE = re.compile(re.escape(POLICY).replace(re.escape("{nonce}"), "(?P<nonce>[A-Za-z0-9_-]{22})"))


class _Page(HTMLParser):
    """What of a page the policy would stop: a page that needs that is broken, or was tampered with."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()
        self.stopped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "nonce" in given:
            self.nonces.add(given["nonce"])
        if tag == "style" or (tag == "script" and not {"nonce", "src"} & given.keys()):
            self.stopped.append(f"<{tag}>")
        self.stopped += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        for name in {"src", "href", "action"} & given.keys():
            if tag in {"script", "link", "img", "form", "iframe"} and "//" in given[name][:8]:
                self.stopped.append(f"{tag} {name}={given[name]}")


@dataclass
class Watch:
    """The site over https, its answers as they were looked at."""

    matrix: Matrix
    tally: Tally = field(default_factory=Tally)
    seen: Counter[str] = field(default_factory=Counter)

    def answered(self, said: str, response: Response, *, may_be_kept: bool = False) -> int:
        """Look at an answer; its status."""
        kind = response.mimetype if response.data else "nothing"
        self.seen[f"{response.status_code} {kind}"] += 1
        self.tally.problems += [
            f"{said}: {response.status_code}: {wrong}" for wrong in wrongs(response, may_be_kept=may_be_kept)
        ]
        return response.status_code

    def asked(self, actor: Actor, route: Route, **more: Any) -> TestResponse:
        """Ask for a route that may name something: for what is the actor's own if there is any."""
        kind = next(iter(route.kinds.values()), None)
        things = self.matrix.stage.own(actor, kind) if kind in {*KINDS, *NAMED} else []
        address = route.address(
            self.matrix.app,
            **dict.fromkeys(
                route.kinds, things[0].public_id if things else NOBODYS.get(str(kind)) or new_public_id()
            ),
        )
        browser = self.matrix.stage.browser(self.matrix.app, actor)
        return browser.open(address, **{"method": route.method, **more})


def wrongs(response: Response, *, may_be_kept: bool) -> Iterator[str]:
    """What is wrong with an answer's headers, its cookies and its page."""
    headers = response.headers
    for name, value in ALWAYS.items():
        if headers.getlist(name) != [value]:
            yield f"{name} is {headers.getlist(name)}"
    yield from (f"has {name}" for name in NEVER if name in headers)
    if "camera=()" not in headers.get("Permissions-Policy", ""):
        yield "grants features"
    if not re.fullmatch(r"[0-9a-f]{12}", headers.get("X-Request-Id", "")):
        yield "has no reference"
    if response.data and not response.content_type:
        yield "has no content type"
    kept = response.cache_control.public is True
    if kept is not may_be_kept or (not kept and headers.get("Cache-Control") != "no-store"):
        yield f"may be kept: {headers.get('Cache-Control')}"
    yield from _wrongs_of_the_policy(response)
    for cookie in headers.getlist("Set-Cookie"):
        yield from _wrongs_of_a_cookie(cookie)
        if may_be_kept:
            yield "sets a cookie that a cache may give to others"


def _wrongs_of_the_policy(response: Response) -> Iterator[str]:
    policy = response.headers.get("Content-Security-Policy", "")
    page = PAGE.fullmatch(policy)
    if not page and not MAIL.fullmatch(policy):
        yield f"has the policy {policy}"
    if response.mimetype == "text/html" and page:
        reader = _Page()
        reader.feed(response.get_data(as_text=True))
        if reader.nonces - {page["nonce"]}:
            yield "has another nonce than its policy"
        if reader.stopped:
            yield f"holds {reader.stopped}"


def _wrongs_of_a_cookie(cookie: str) -> Iterator[str]:
    name, *flags = (part.strip() for part in cookie.split(";"))
    told = {flag.partition("=")[0].lower(): flag.partition("=")[2] for flag in flags}
    right = {"httponly", "secure"} <= told.keys() and told.get("samesite") in {"Lax", "Strict"}
    if not (right and name.startswith("__Host-") and told.get("path") == "/" and "domain" not in told):
        yield f"sets {name.partition('=')[0]} with {sorted(told)}"


@pytest.fixture(scope="module")
def secure(runtime: Runtime) -> Runtime:
    return replace(runtime, settings=runtime.settings.model_copy(update={"base_url": "https://localhost"}))


@pytest.fixture(scope="module")
def site(matrix: Matrix, secure: Runtime) -> Matrix:
    """The same stage over https, where cookies have other names."""
    actors = [
        replace(
            actor,
            cookies={f"__Host-{name}": value for name, value in actor.cookies.items()},
            jar={f"__Host-{name}": value for name, value in actor.jar.items()},
        )
        for actor in matrix.stage.actors
    ]
    return replace(matrix, app=build(secure), stage=replace(matrix.stage, actors=actors))


@pytest.fixture
def watch(site: Matrix, record_property: Callable[[str, object], None]) -> Iterator[Watch]:
    made = Watch(site)
    yield made
    record_property("answers", dict(made.seen))


def failing(app: Flask, error: Exception) -> Flask:
    """The application with every page failing."""

    def fail(**_arguments: Any) -> NoReturn:
        raise error

    for endpoint in list(app.view_functions):
        if not endpoint.endswith("static"):
            app.view_functions[endpoint] = fail
    return app


def statuses(watch: Watch) -> set[int]:
    return {int(kind.split()[0]) for kind in watch.seen}


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ROLES)
def test_what_is_asked_for_as_it_should_be(watch: Watch, role: str) -> None:
    """Pages, redirects, exports, forms that are good, and closed doors."""
    matrix, actor = watch.matrix, watch.matrix.actor(role)
    for route in matrix.routes:
        kind = next(iter(route.kinds.values()), None)
        things = matrix.stage.own(actor, kind) if kind in {*KINDS, *NAMED} else []
        thing = things[0] if things else None
        keys: list[str | None] = []
        if route.method == "POST":
            keys += [key for key, _permission in form_keys(matrix.app, route)]
        for key in keys or [None]:
            if route.kinds and thing is None:
                watch.answered(f"{role} {route}", watch.asked(actor, route))
                continue
            filled = FORMS[key](matrix.stage, actor, thing) if key else None
            watch.answered(f"{role} {route}", matrix.knock(actor, route, thing, filled))
            matrix.settle()
    watch.tally.verdict()
    # Whom nobody knows is sent to sign in, and finds no door closed.
    assert statuses(watch) >= {200, 303} | (set() if role in {"student", "nobody"} else {404})
    if role == "leader":
        assert watch.seen["200 text/csv"]


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ["leader", "nobody"])
@pytest.mark.parametrize("accept", [{}, JSON], ids=["page", "problem"])
def test_what_cannot_be_done(watch: Watch, role: str, accept: Mapping[str, str]) -> None:
    """Wrong methods, stale and empty forms, bodies that are too large, foreign identifiers, foreign hosts."""
    matrix, actor = watch.matrix, watch.matrix.actor(role)
    for route in matrix.routes:
        ways: list[dict[str, Any]] = [
            {"method": "PUT"},
            {"method": "OPTIONS"},
            {"method": "HEAD"},
            {"headers": {"Host": "evil.example", **accept}},
            {"query_string": {"q": "\0", "classroom": new_public_id()}},
        ]
        if route.method == "POST":
            ways += [
                {"data": {"zq9-never-shown": "1"}},
                {"data": {"csrf_token": actor.token}},
                {"data": {"csrf_token": actor.token, "names": "x" * 600_000}},
            ]
        for way in ways:
            response = watch.asked(actor, route, **{"headers": dict(accept), **way})
            watch.answered(f"{role} {route} {str(way)[:60]}", response)
            matrix.settle()
    for path in ("/nothing", "/console/nothing", "/join/nothing/at/all", "/student/nothing"):
        response = matrix.stage.browser(matrix.app, actor).get(path, headers=dict(accept))
        assert watch.answered(path, response) == 404
    watch.tally.verdict()
    expected = {400, 404, 405, 413} | ({422} if role == "leader" else set())
    assert statuses(watch) >= expected
    if accept:
        assert watch.seen["404 application/problem+json"]


@pytest.mark.by_turns
@pytest.mark.parametrize("accept", [{}, JSON], ids=["page", "problem"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, ValueError("zq9-never-shown")),
        (503, OperationalError("zq9-never-shown", {}, Exception("zq9-never-shown"))),
    ],
    ids=["failure", "database"],
)
def test_when_every_page_fails(
    watch: Watch, secure: Runtime, accept: Mapping[str, str], status: int, error: Exception
) -> None:
    watch.matrix = replace(watch.matrix, app=failing(build(secure), error))
    for role in ("teacher", "nobody"):
        actor = watch.matrix.actor(role)
        for route in watch.matrix.routes:
            response = watch.asked(
                actor,
                route,
                headers=dict(accept),
                data={"csrf_token": actor.token} if route.method == "POST" else None,
            )
            watch.answered(f"{role} {route}", response)
            assert "zq9-never-shown" not in response.text
    watch.matrix.settle()
    watch.tally.verdict()
    assert statuses(watch) == {status}


@pytest.mark.parametrize("accept", [{}, JSON], ids=["page", "problem"])
def test_when_nothing_may_be_tried_again(watch: Watch, secure: Runtime, accept: Mapping[str, str]) -> None:
    once = Throttles(**dict.fromkeys(Throttles.model_fields, "1/day"))
    settings = secure.settings.model_copy(update={"throttles": once})
    watch.matrix = replace(watch.matrix, app=build(replace(secure, settings=settings)))
    actor = watch.matrix.actor("nobody")
    tried = {"code": "NTHRCDFG", "email": "nobody@school.example", "password": "wrong horse"}
    for _ in range(3):
        for route in watch.matrix.routes:
            if route.method == "POST":
                sent = {"csrf_token": actor.token, **tried, "student": new_public_id()}
                response = watch.asked(actor, route, headers=dict(accept), data=sent)
                watch.answered(f"{route}", response)
    watch.matrix.settle()
    watch.tally.verdict()
    assert 429 in statuses(watch)


def test_files(watch: Watch) -> None:
    app = watch.matrix.app
    browser = app.test_client()
    rules = [rule.rule.partition("<")[0] for rule in app.url_map.iter_rules() if is_static(rule)]
    assert "/static/" in rules
    for path in ("/static/css/app.css", "/static/js/app.js"):
        for asked in ({}, {"Range": "bytes=0-9"}, {"If-Modified-Since": "Mon, 01 Jan 2085 00:00:00 GMT"}):
            with browser.get(path, headers=asked) as answer:
                answer.get_data()
                watch.answered(path, answer, may_be_kept=True)
        watch.answered(path, browser.get(path, headers={"Range": "bytes=99999999-"}))
    for rule in rules:
        for path in ("none.css", "../app.py", "%2e%2e/app.py", ""):
            assert watch.answered(rule, browser.get(rule + path)) in {308, 404}
    watch.tally.verdict()
    assert statuses(watch) >= {200, 206, 304, 404, 416}
