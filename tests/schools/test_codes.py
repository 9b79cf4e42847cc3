"""Classroom codes: easy to read aloud, hard to guess."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.schools import codes
from backoffice.schools.codes import (
    ALPHABET,
    LENGTH,
    LESSON_LENGTH,
    many_codes,
    new_code,
    new_lesson_code,
    normalise,
    spaced,
)
from backoffice.schools.offensive import is_offensive
from backoffice.storage import keyring
from backoffice.storage.keyring import Keyring


def test_the_alphabet_has_24_symbols() -> None:
    assert (len(ALPHABET), len(set(ALPHABET))) == (24, 24)


@pytest.mark.parametrize("twins", ["0OQ", "1IL", "2Z", "5S", "8B", "UV"])
def test_of_symbols_that_look_alike_there_is_one_at_most(twins: str) -> None:
    assert len(set(twins) & set(ALPHABET)) <= 1


def test_no_code_spells_a_word() -> None:
    assert set("AEIOU") & set(ALPHABET) == set()


def test_a_code_is_eight_symbols_of_the_alphabet() -> None:
    code = new_code()
    assert (len(code), set(code) - set(ALPHABET)) == (LENGTH, set())


def test_a_lessons_code_is_seven() -> None:
    code = new_lesson_code()
    assert (len(code), set(code) - set(ALPHABET)) == (LESSON_LENGTH, set())


@pytest.mark.parametrize(
    "code",
    [
        *("FVCKBCDM", "BFCKWXYZ", "MFVKGHJW", "CVNTCVNT", "BCNTGHJW", "N3GR6HJK", "HJN669RX", "BF49HJKW"),
        *("4NYWW4NK", "BCDR4P3", "HT7R3RBC", "KKKBCDF", "B69BCDF", "666BCDF", "P3DQWXW", "BD34DXW"),
    ],
)
def test_what_somebody_could_read_is_refused(code: str) -> None:
    assert is_offensive(code)


@pytest.mark.parametrize("code", ["BCDFGHJK", "BCDFGHJ", "MWX4QJZN", "HJ7RV3BW"])
def test_what_nobody_can_read_is_not(code: str) -> None:
    assert not is_offensive(code)


def test_no_code_is_given_out_that_offends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(map(is_offensive, islice(many_codes(), 5_000)))
    drawn = iter("FVCKBCDMBCDFGHJK")
    monkeypatch.setattr("backoffice.schools.codes.secrets.choice", lambda _alphabet: next(drawn))
    assert new_code() == "BCDFGHJK"


@pytest.mark.parametrize("many", [[new_code() for _ in range(500)], list(islice(many_codes(), 500))])
def test_codes_use_the_whole_alphabet_and_do_not_repeat(many: list[str]) -> None:
    assert ({len(code) for code in many}, len(set(many))) == ({LENGTH}, 500)
    assert set("".join(many)) == set(ALPHABET)


def test_of_many_codes_no_symbol_is_drawn_more_often_than_others() -> None:
    counts = Counter("".join(islice(many_codes(), 100_000))).values()
    # What is drawn is even; the words that are refused take up to 7 in a hundred of some symbols.
    assert max(counts) < 1.09 * min(counts)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("BCDFGHJK", "BCDFGHJK"),
        ("bcdf-ghjk", "BCDFGHJK"),
        (" BCDF GHJK\n", "BCDFGHJK"),
        ("B.C.D.F.G.H.J.K.", "BCDFGHJK"),
        ("bcdf–ghjk", "BCDFGHJK"),
        ("bcdf\u200bghjk", "BCDFGHJK"),
        ("", ""),
        ("\0", ""),
        ("\ud800", ""),
        ("ＢＣＤＦ３４６７", "BCDF3467"),
    ],
)
def test_what_a_child_types_is_forgiven(typed: str, meant: str) -> None:
    assert normalise(typed) == meant


@given(st.text(max_size=100))
def test_no_text_is_an_error(typed: str) -> None:
    assert len(normalise(typed)) <= 64


@given(st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH))
def test_a_code_as_it_is_shown_is_the_code(code: str) -> None:
    assert normalise(spaced(code)) == code


@pytest.mark.parametrize(("code", "shown"), [("BCDFGHJK", "BCDF-GHJK"), ("BCDFGHJ", "BCD-FGHJ")])
def test_a_code_is_shown_in_two_parts(code: str, shown: str) -> None:
    assert (spaced(code), normalise(shown)) == (shown, code)


def test_a_code_is_found_by_a_keyed_digest(keyring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_installed", Keyring.read(keyring_file))
    before = codes.index("BCDFGHJK")
    monkeypatch.setattr(keyring, "_installed", Keyring.generate())
    assert (len(before), codes.index("BCDFGHJK") == before) == (16, False)
