"""One-time codes and recovery codes."""

from datetime import UTC, datetime, timedelta

import argon2
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.accounts import codes
from backoffice.accounts.tokens import token_digest
from backoffice.runtime import Runtime

NOW = datetime(2026, 11, 25, 9, 30, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30
# RFC 6238, appendix B: SHA-1, the last six of its eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert codes.step_of(RFC_SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(("drift", "found"), [(-2, None), (-1, -1), (0, 0), (1, 1), (2, None)])
def test_a_clock_may_be_off_by_a_step_either_way(drift: int, found: int | None) -> None:
    shown = pyotp.TOTP(RFC_SECRET).at(NOW + timedelta(seconds=30 * drift))
    assert codes.step_of(RFC_SECRET, shown, NOW) == (None if found is None else STEP + found)


def test_a_code_may_be_typed_as_apps_show_it() -> None:
    shown = pyotp.TOTP(RFC_SECRET).at(NOW)
    assert codes.step_of(RFC_SECRET, f" {shown[:3]} {shown[3:]}", NOW) == STEP


@given(st.text())
def test_whatever_is_typed_it_is_not_mistaken(typed: str) -> None:
    assert codes.step_of(RFC_SECRET, typed, NOW) in {None, STEP - 1, STEP, STEP + 1}


def test_the_address_for_the_app_names_us_and_the_account() -> None:
    found = pyotp.parse_uri(codes.app_address(RFC_SECRET, "tilda+1@people.example"))
    assert (found.secret, found.issuer, found.name) == (RFC_SECRET, codes.ISSUER, "tilda+1@people.example")


def test_recovery_codes_are_ten_and_differ() -> None:
    made = codes.new_recovery_codes()
    assert len(set(made)) == 10
    assert set(made).isdisjoint(codes.new_recovery_codes())


def test_a_recovery_code_is_known_however_it_is_typed_and_for_its_account_only(runtime: Runtime) -> None:
    del runtime  # its keyring
    made = codes.new_recovery_codes()[0]
    stored = codes.recovery_digest(1, made)
    assert stored is not None
    assert stored == codes.recovery_digest(1, made.upper().replace("-", " "))
    assert stored != codes.recovery_digest(2, made)


def test_a_recovery_code_is_stretched(runtime: Runtime) -> None:
    del runtime  # its keyring
    bare = "k7mpx3qdw9"
    salt = token_digest("recovery salt 1")[:16]
    slow = argon2.low_level.hash_secret_raw(bare.encode(), salt, 2, 19456, 1, 32, argon2.Type.ID)
    assert codes.recovery_digest(1, bare) == token_digest(f"recovery 1 {slow.hex()}")
    assert token_digest("recovery salt 2")[:16] != salt
