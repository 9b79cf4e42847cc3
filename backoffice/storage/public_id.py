"""Opaque random identifiers: the only ones that leave the database."""

import os
import re
import secrets
from collections.abc import Iterator
from typing import NewType

PublicId = NewType("PublicId", str)

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 16
PATTERN = f"[{ALPHABET}]{{{LENGTH}}}"


def new_public_id() -> PublicId:
    """A fresh identifier of 79 random bits, without look-alike characters."""
    return PublicId("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


_AT_ONCE = 64 * 1024


def many_public_ids() -> Iterator[PublicId]:
    """Fresh identifiers without end."""
    return map(PublicId, many_words(ALPHABET, LENGTH))


def many_words(alphabet: str, length: int) -> Iterator[str]:
    """Random words without end, a hundred times as quick as letter by letter."""
    # Every letter for the same number of bytes; the bytes that would be left over stand for none.
    fair = 256 - 256 % len(alphabet)
    letters, left_over = (
        bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256)),
        bytes(range(fair, 256)),
    )
    while True:
        drawn = os.urandom(_AT_ONCE).translate(letters, left_over).decode("ascii")
        for at in range(0, len(drawn) - length + 1, length):
            yield drawn[at : at + length]


def is_public_id(text: str) -> bool:
    """Whether the text has the form of a public identifier."""
    return re.fullmatch(PATTERN, text) is not None
