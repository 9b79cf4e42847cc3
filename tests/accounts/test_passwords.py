"""Passwords: argon2id at the configured cost, and never an error for a strange one."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from backoffice.accounts import passwords
from backoffice.accounts.passwords import LONGEST, hash_password, outdated, verify
from backoffice.settings import Passwords

COST = Passwords()
STORED = hash_password("correct horse", COST)


def test_the_right_password_is_known() -> None:
    assert verify("correct horse", STORED, COST) is True


@pytest.mark.parametrize("wrong", ["", "Correct horse", "correct horse ", "correct hors", "correct\0horse"])
def test_a_wrong_password_is_not(wrong: str) -> None:
    assert verify(wrong, STORED, COST) is False


@pytest.mark.parametrize("password", ["", "a\0b", "🔑" * 32, "пароль", "x" * LONGEST])
def test_any_password_up_to_the_longest_is_known_again(password: str) -> None:
    assert verify(password, hash_password(password, COST), COST) is True


def test_a_longer_one_is_refused_unread() -> None:
    long = "x" * (LONGEST + 1)
    assert verify(long, hash_password(long, COST), COST) is False


def test_without_a_stored_one_every_password_is_wrong() -> None:
    assert verify("an account that does not exist", None, COST) is False


def test_without_a_stored_one_the_work_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verifying = PasswordHasher.verify

    def noting(self: PasswordHasher, stored: str, password: str) -> bool:
        checked.append(stored)
        return bool(verifying(self, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", noting)
    verify("anything", None, COST)
    assert [extract_parameters(stored) for stored in checked] == [extract_parameters(STORED)]


@pytest.mark.parametrize("stored", ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$broken"])
def test_what_is_no_hash_is_never_right(stored: str) -> None:
    assert verify("plain", stored, COST) is False


def test_half_a_character_is_a_wrong_password() -> None:
    assert verify("\ud800", STORED, COST) is False


def test_a_hash_is_argon2id_of_the_configured_cost() -> None:
    found = extract_parameters(hash_password("x", Passwords(memory_kib=20 * 1024, passes=3, lanes=2)))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism, found.salt_len) == (
        Type.ID,
        20 * 1024,
        3,
        2,
        16,
    )


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("x", COST) != hash_password("x", COST)


@pytest.mark.parametrize(
    ("today", "answer"),
    [(COST, False), (Passwords(passes=3), True), (Passwords(memory_kib=20 * 1024), True)],
)
def test_a_hash_of_another_cost_is_outdated(today: Passwords, answer: bool) -> None:
    assert outdated(STORED, today) is answer


@run(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=LONGEST + 20))
def test_a_strange_password_is_wrong_and_no_error(password: str) -> None:
    assert passwords.verify(password, STORED, COST) is (password == "correct horse")
