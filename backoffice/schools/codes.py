"""Classroom codes: easy to read aloud and to type, hard to guess."""

import secrets

from backoffice.storage import keyring

# 24 symbols: no vowels (no words), no 0 O 1 I L, no 2 Z-like, 5 S-like or 8 B-like twins.
ALPHABET = "BCDFGHJKMNPQRTVWXYZ34679"
LENGTH = 8


def new_code() -> str:
    """A fresh standing code: 8 of 24 symbols, 36.7 bits, from the system's random source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalise(typed: str) -> str:
    """What a child meant: case, spaces, hyphens and the like forgiven."""
    return "".join(symbol for symbol in typed.upper() if symbol.isalnum())[:64]


def spaced(code: str) -> str:
    """The code as it is shown: ABCD-EFGH."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def index(code: str) -> bytes:
    """The blind index by which a code is found."""
    return keyring.current().blind_index(code, context="classroom_code.code")
