"""The child's signed token: what it says, how long it lives, and what is not taken for one."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from backoffice import clock
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose, Keyring
from backoffice.students import tokens

TOKEN_ID = UUID("00000000-0000-4000-8000-000000000001")
IDLE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def ring(keyring_file: Path, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    made = Keyring.read(keyring_file)
    monkeypatch.setattr(keyring, "_installed", made)
    return made


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """A clock that stands still at a full second."""
    with time_machine.travel("2026-03-02T12:00:00+00:00", tick=False) as traveller:
        yield traveller


def issued(*, idle: timedelta = IDLE, ends_in: timedelta = timedelta(hours=8)) -> str:
    return tokens.issue(TOKEN_ID, idle=idle, ends_at=clock.now() + ends_in)


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims."""
    head, body = token.split(".")[:2]
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    return header, claims


def signed(
    claims: dict[str, Any],
    *,
    header: dict[str, Any] | None = None,
    key: bytes | None = None,
) -> str:
    """A token as a forger with some of the parts would make it."""
    good = {
        "iss": "backoffice",
        "aud": "student",
        "jti": str(TOKEN_ID),
        "iat": int(clock.now().timestamp()),
        "exp": int(clock.now().timestamp()) + 60,
    }
    merged = {name: value for name, value in {**good, **claims}.items() if value is not None}
    head = {"alg": "HS256", "kid": "1", **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    secret = key or keyring.current().keys[KeyPurpose.STUDENT_JWT][1]
    return jwt.encode(head, merged, OctKey.import_key(secret), algorithms=[head["alg"]])


def test_a_token_names_its_session() -> None:
    found = tokens.verify(issued())
    assert found is not None
    assert found.token_id == TOKEN_ID


def test_a_token_says_nothing_of_the_child(noon: time_machine.Traveller) -> None:
    now = int(clock.now().timestamp())
    assert parts(issued()) == (
        {"alg": "HS256", "kid": "1", "typ": "JWT"},
        {"iss": "backoffice", "aud": "student", "jti": str(TOKEN_ID), "iat": now, "exp": now + 300},
    )


def test_what_a_forger_needs_is_only_the_key() -> None:
    """The helper below makes good tokens, so that what it spoils is the reason for a refusal."""
    assert tokens.verify(signed({})) is not None


@pytest.mark.parametrize(("seconds", "lives"), [(0, True), (299, True), (300, False), (301, False)])
def test_a_token_lives_for_the_idle_time(noon: time_machine.Traveller, seconds: int, lives: bool) -> None:
    token = issued()
    noon.shift(timedelta(seconds=seconds))
    assert (tokens.verify(token) is not None) is lives


def test_a_token_never_outlives_its_session(noon: time_machine.Traveller) -> None:
    found = tokens.verify(issued(ends_in=timedelta(seconds=90)))
    assert found is not None
    assert found.expires_at == clock.now() + timedelta(seconds=90)


def test_the_expiry_is_an_aware_moment(noon: time_machine.Traveller) -> None:
    found = tokens.verify(issued())
    assert found is not None
    assert found.expires_at == datetime.fromisoformat("2026-03-02T12:05:00+00:00")


def test_after_a_rotation_old_tokens_are_still_good(ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    token = issued()
    fresh = Keyring.generate().keys[KeyPurpose.STUDENT_JWT][1]
    rotated = Keyring({**ring.keys, KeyPurpose.STUDENT_JWT: {**ring.keys[KeyPurpose.STUDENT_JWT], 2: fresh}})
    monkeypatch.setattr(keyring, "_installed", rotated)
    assert (tokens.verify(token) is not None, parts(issued())[0]["kid"]) == (True, "2")


def test_a_token_of_a_key_that_has_come_since_is_taken(
    ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has read the file already and signs with what is new in it."""
    path = tmp_path / "keyring.json"
    ring.write(path)
    known = Keyring.read(path)
    two = {**ring.keys[KeyPurpose.STUDENT_JWT], 2: b"2" * 32}
    rotated = Keyring({**ring.keys, KeyPurpose.STUDENT_JWT: two})
    monkeypatch.setattr(keyring, "_installed", rotated)
    token = tokens.issue(TOKEN_ID, idle=IDLE, ends_at=clock.now() + timedelta(hours=1))
    monkeypatch.setattr(keyring, "_installed", known)
    monkeypatch.setattr(keyring, "LOOK_EVERY", 3600.0)
    assert tokens.verify(token) is None
    rotated.write_over(path)
    assert tokens.verify(token)


def test_so_is_one_of_a_key_that_another_thread_has_read_meanwhile(
    ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at with the keys of before; when it looks at the file, nothing has changed since."""
    two = {**ring.keys[KeyPurpose.STUDENT_JWT], 2: b"2" * 32}
    rotated = Keyring({**ring.keys, KeyPurpose.STUDENT_JWT: two})
    monkeypatch.setattr(keyring, "_installed", rotated)
    token = issued()
    monkeypatch.setattr(keyring, "_installed", ring)

    def has_not_changed() -> bool:
        monkeypatch.setattr(keyring, "_installed", rotated)
        return False

    monkeypatch.setattr(keyring, "look_again", has_not_changed)
    assert tokens.verify(token)


def test_a_token_of_another_keyring_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    token = issued()
    monkeypatch.setattr(keyring, "_installed", Keyring.generate())
    assert tokens.verify(token) is None


@pytest.mark.parametrize("purpose", [purpose for purpose in KeyPurpose if purpose != KeyPurpose.STUDENT_JWT])
def test_no_other_key_signs_a_token(ring: Keyring, purpose: KeyPurpose) -> None:
    assert tokens.verify(signed({}, key=ring.newest(purpose)[1])) is None


@pytest.mark.parametrize("header", [{"kid": "2"}, {"kid": "../1"}, {"alg": "HS512"}, {"alg": "HS384"}])
def test_another_algorithm_or_key_number_is_refused(header: dict[str, Any]) -> None:
    assert tokens.verify(signed({}, header=header)) is None


def test_a_token_without_a_signature_is_refused() -> None:
    _head, body, _signature = issued().split(".")
    for alg in ("none", "None", "NONE"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "1"}).encode()).decode().rstrip("=")
        assert tokens.verify(f"{head}.{body}.") is None


@pytest.mark.parametrize("claim", ["iss", "aud", "jti", "iat", "exp"])
def test_every_claim_is_essential(claim: str) -> None:
    assert tokens.verify(signed({claim: None})) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"aud": "account"},
        {"jti": "1"},
        {"jti": ""},
        {"jti": 5},
        {"exp": 0},
        {"exp": -1},
        {"exp": "tomorrow"},
        {"exp": 1e300},
        {"exp": [1]},
        {"iat": "yesterday"},
        {"nbf": 99_999_999_999},
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(claims: dict[str, Any]) -> None:
    assert tokens.verify(signed(claims)) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "x" * 100_000,
        "\0",
        "é.é.é",
        "😀",
        "06175149-5024-49b5-a7b0-e370490c72af",
        "null",
    ],
)
def test_what_is_no_token_is_none(token: str) -> None:
    assert tokens.verify(token) is None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_part_is_refused(place: int) -> None:
    pieces = issued().split(".")
    # The first letter: the last one of a part may hold bits that say nothing.
    pieces[place] = ("B" if pieces[place][0] == "A" else "A") + pieces[place][1:]
    assert tokens.verify(".".join(pieces)) is None


@run(max_examples=200)
@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}"))
def test_no_text_is_an_error(token: str) -> None:
    assert tokens.verify(token) is None
