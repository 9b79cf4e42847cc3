"""Promises about tokens and browsers: each holds, and each falls short when it is really broken."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Blueprint, Flask
from joserfc import jwt
from joserfc.errors import JoseError

from backoffice import clock
from backoffice.app import build
from backoffice.controls.check import State
from backoffice.runtime import Runtime
from backoffice.settings import Sessions
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose, Keyring
from backoffice.students import tokens
from backoffice.students.tokens import Verified
from backoffice.web import headers
from backoffice.web.checks import foreign_scripts
from tests.controls.conftest import Look
from tests.factories.world import World


@pytest.mark.parametrize("control", ["student-jwt", "no-local-storage"])
def test_holds_on_a_healthy_system(look: Look, control: str) -> None:
    finding = look(control)
    assert finding.state is State.HOLDS, finding.evidence


# -- tokens


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        (Sessions(student_idle_own=21), "may live 21 minutes"),
        (Sessions(student_idle_shared=45), "may live 45 minutes"),
        (Sessions(student_absolute=9 * 60), "a session 9 hours"),
    ],
)
def test_a_setting_beyond_the_limit_falls_short(
    look: Look, runtime: Runtime, sessions: Sessions, said: str
) -> None:
    finding = look("student-jwt", settings=runtime.settings.model_copy(update={"sessions": sessions}))
    assert (finding.state, said in finding.evidence) == (State.FALLS_SHORT, True)


@pytest.mark.parametrize("change", ["expires_at = started_at + interval '9 hours'", "idle_minutes = 90"])
def test_a_live_session_beyond_the_limit_falls_short(
    look: Look, world: World, owner: Callable[[str], None], change: str
) -> None:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    assert look("student-jwt").state is State.HOLDS
    owner(f"update app.student_session set {change} where token_id = '{begun.token_id}'")
    finding = look("student-jwt")
    owner(f"update app.student_session set ended_at = now() where token_id = '{begun.token_id}'")
    assert (finding.state, "1 live session" in finding.evidence) == (State.FALLS_SHORT, True)
    assert look("student-jwt").state is State.HOLDS, "an ended session harms nobody"


def test_a_verification_that_takes_forgeries_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def lax(token: str) -> Verified:
        claims = jwt.decode(token, tokens._keys(keyring.current()), algorithms=["HS256", "HS512"]).claims
        return Verified(UUID(str(claims["jti"])), clock.now())

    def lax_or_none(token: str) -> Verified | None:
        try:
            return lax(token)
        except (JoseError, ValueError, KeyError):
            return None

    monkeypatch.setattr(tokens, "verify", lax_or_none)
    finding = look("student-jwt")
    assert finding.state is State.FALLS_SHORT
    for said in ("expired", "without an end", "another algorithm"):
        assert said in finding.evidence


def test_a_token_that_says_more_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def chatty(token_id: UUID, *, idle: timedelta, ends_at: datetime) -> str:
        claims: dict[str, Any] = {
            "iss": "backoffice",
            "aud": "student",
            "jti": str(token_id),
            "iat": 0,
            "exp": 60,
            "name": "Ada",
        }
        return jwt.encode({"alg": "HS256", "kid": "1"}, claims, tokens._keys(keyring.current()))

    monkeypatch.setattr(tokens, "issue", chatty)
    assert look("student-jwt").evidence == "A token says more than it must: name."


def test_a_token_of_an_old_key_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = keyring.current()
    two = {**ring.keys[KeyPurpose.STUDENT_JWT], 2: b"2" * 32}
    monkeypatch.setattr(keyring, "_installed", Keyring({**ring.keys, KeyPurpose.STUDENT_JWT: two}))
    assert "with key 2 of 2" in look("student-jwt").evidence
    monkeypatch.setattr(Keyring, "newest", lambda ring, purpose: (1, ring.keys[purpose][1]))
    issued = tokens.issue

    def old(token_id: UUID, *, idle: timedelta, ends_at: datetime) -> str:
        token = issued(token_id, idle=idle, ends_at=ends_at)
        monkeypatch.undo()
        monkeypatch.setattr(keyring, "_installed", Keyring({**ring.keys, KeyPurpose.STUDENT_JWT: two}))
        return token

    monkeypatch.setattr(tokens, "issue", old)
    assert look("student-jwt").evidence == "Tokens are not signed with the newest key."


# -- browsers


def shipping(runtime: Runtime, folder: Path, name: str, content: str) -> Flask:
    """The application with one more file among what it serves."""
    for each in ("static", "templates"):
        (folder / each).mkdir()
    (folder / name).write_text(content)
    app = build(runtime)
    app.register_blueprint(
        Blueprint(
            "shipped",
            __name__,
            static_folder=str(folder / "static"),
            static_url_path="/shipped",
            template_folder=str(folder / "templates"),
        )
    )
    return app


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("static/keep.js", "localStorage.setItem('name', name)"),
        ("static/keep.mjs", "window.sessionStorage['name'] = name"),
        ("static/keep.html", "<script>document.cookie = 'a=b'</script>"),
        ("static/keep.svg", "<svg><script>indexedDB.open('x')</script></svg>"),
        ("templates/keep.html", "<script>caches.open('x')</script>"),
        ("templates/keep.html", "<script>navigator.serviceWorker.register('/x')</script>"),
    ],
)
def test_a_script_that_uses_storage_falls_short(
    look: Look, runtime: Runtime, tmp_path: Path, name: str, content: str
) -> None:
    finding = look("no-local-storage", app=shipping(runtime, tmp_path, name, content))
    assert finding.state is State.FALLS_SHORT
    assert name.rpartition("/")[2] in finding.evidence


def test_words_about_storage_are_no_storage(look: Look, runtime: Runtime, tmp_path: Path) -> None:
    page = "<p>We do not store student data in browser LocalStorage. A browser caches pictures.</p>"
    app = shipping(runtime, tmp_path, "templates/policy.html", page)
    assert look("no-local-storage", app=app).state is State.HOLDS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("script-src 'self'", "script-src 'self' https://cdn.example"),
        ("script-src 'self'", "script-src 'self' 'unsafe-inline'"),
        ("script-src 'self'", "script-src-elem https:; script-src 'self'"),
        (headers.POLICY, ""),
    ],
)
def test_a_foreign_script_falls_short(
    look: Look, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.setattr(headers, "POLICY", headers.POLICY.replace(old, new))
    finding = look("no-local-storage")
    assert (finding.state, "foreign scripts" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_page_that_may_be_cached_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_may_be_kept", lambda _response: True)
    assert look("no-local-storage").evidence == "/join may be kept in a cache."


def test_a_cookie_that_scripts_read_falls_short(look: Look, runtime: Runtime) -> None:
    app = build(runtime)
    app.config["SESSION_COOKIE_HTTPONLY"] = False
    assert look("no-local-storage", app=app).evidence == "/join sets a cookie that scripts can read."


def test_a_page_that_fails_proves_nothing(look: Look, runtime: Runtime) -> None:
    app = build(runtime)
    app.view_functions["students.join"] = lambda: ("", 500)
    assert look("no-local-storage", app=app).evidence == "/join answers 500."


@pytest.mark.parametrize(
    ("policy", "foreign"),
    [
        ("", ["*"]),
        ("default-src 'none'", []),
        ("default-src 'self'; script-src 'nonce-abc_-1='", []),
        ("default-src *; script-src 'self'", ["*"]),
        ("script-src 'self' 'unsafe-eval'; default-src 'none'", ["'unsafe-eval'"]),
        ("script-src 'none'; script-src https://a.example; default-src 'none'", []),
    ],
)
def test_policies_are_read_as_browsers_read_them(policy: str, foreign: list[str]) -> None:
    assert foreign_scripts(policy) == foreign
