"""Classroom codes: easy to read aloud and to type, hard to guess, and nothing that offends."""

import secrets
import unicodedata
from collections.abc import Iterator

from backoffice.schools.offensive import is_offensive
from backoffice.storage import keyring
from backoffice.storage.public_id import many_words

# 24 symbols: no vowels (no words), no 0 O 1 I L, no 2 Z-like, 5 S-like or 8 B-like twins.
ALPHABET = "BCDFGHJKMNPQRTVWXYZ34679"
LENGTH = 8
# Of a code that works for one lesson.
LESSON_LENGTH = 7
LONGEST_TYPED = 64


def new_code() -> str:
    """A fresh standing code: 8 of 24 symbols, 36.7 bits, from the system's random source."""
    return _drawn(LENGTH)


def new_lesson_code() -> str:
    """A fresh code for a lesson: 7 of 24 symbols, 32.1 bits, from the same source."""
    return _drawn(LESSON_LENGTH)


def many_codes() -> Iterator[str]:
    """Fresh standing codes without end, for many classes at once."""
    return (code for code in many_words(ALPHABET, LENGTH) if not is_offensive(code))


def _drawn(length: int) -> str:
    while is_offensive(code := "".join(secrets.choice(ALPHABET) for _ in range(length))):
        pass
    return code


def normalise(typed: str) -> str:
    """What a child meant: case, spaces, hyphens and the like forgiven."""
    # NFKC: a Japanese keyboard's wide letters are letters.
    wide = unicodedata.normalize("NFKC", typed[:LONGEST_TYPED])
    return "".join(symbol for symbol in wide.upper() if symbol.isalnum())[:LONGEST_TYPED]


def spaced(code: str) -> str:
    """The code as it is shown: ABCD-EFGH, or ABC-DEFG."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def index(code: str) -> bytes:
    """The blind index by which a code is found."""
    return keyring.current().blind_index(code, context="classroom_code.code")
