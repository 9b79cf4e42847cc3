"""Opaque random identifiers: the only ones that leave the database."""

import re
import secrets
from typing import NewType

PublicId = NewType("PublicId", str)

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 16
PATTERN = f"[{ALPHABET}]{{{LENGTH}}}"


def new_public_id() -> PublicId:
    """A fresh identifier of 79 random bits, without look-alike characters."""
    return PublicId("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def is_public_id(text: str) -> bool:
    """Whether the text has the form of a public identifier."""
    return re.fullmatch(PATTERN, text) is not None
