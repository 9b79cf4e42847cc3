"""Whom a sealed text is about: keyed digests by which it is found when they are erased.

What is sealed cannot be searched, and its row belongs to somebody else: an entry of the trail to the school,
a mail to its recipient. A digest names nobody, and those of one subject are the same in every table.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import PATTERN

# Words of just as many letters are taken for identifiers, and find nothing.
NAMED = re.compile(rf"(?<![0-9A-Za-z]){PATTERN}(?![0-9A-Za-z])")
STUDENT, CLASSROOM, ACCOUNT = "student", "classroom", "account"


def marks(kind: str, numbers: Iterable[int]) -> list[UUID]:
    """The marks of subjects of one kind, by their internal numbers. 16 bytes of HMAC-SHA256 each."""
    return _as_uuids(marks_in_bytes(kind, numbers))


def marks_in_bytes(kind: str, numbers: Iterable[int]) -> list[bytes]:
    """The same as the bytes that they are: of very many, which are only asked with."""
    return _marks(kind, map(str, numbers))


def outside(public_id: str) -> UUID:
    """The mark of whatever has this public identifier."""
    (mark,) = all_outside([public_id])
    return mark


def all_outside(public_ids: Iterable[str]) -> list[UUID]:
    """The same of many."""
    return _as_uuids(all_outside_in_bytes(public_ids))


def all_outside_in_bytes(public_ids: Iterable[str]) -> list[bytes]:
    """The same as the bytes that they are: of very many, which are only asked with."""
    return _marks("outside", public_ids)


def named_in(document: Any) -> list[UUID]:
    """The marks of whatever a document of JSON names by its public identifier, in addresses too."""
    return sorted(set(all_outside(NAMED.findall(json.dumps(document)))))


def address(email: str) -> UUID:
    """The mark of whoever has this address, with an account or without."""
    (mark,) = _marks("address", [email.strip().casefold()])
    return UUID(bytes=mark)


def erased(kind: str, identifier: str | bytes) -> UUID:
    """The digest by which something erased is known again: of a kind ("student"), with this identifier.

    It stands in the ledger. 16 bytes of HMAC-SHA256 under a key of the keyring that is never rotated.
    """
    (mark,) = all_erased(kind, [identifier])
    return mark


def all_erased(kind: str, identifiers: Iterable[str | bytes]) -> list[UUID]:
    """The same of many of one kind."""
    values = (each.encode() if isinstance(each, str) else each for each in identifiers)
    return _as_uuids(_digests(b"erased\0" + kind.encode() + b"\0", values))


def _marks(kind: str, values: Iterable[str]) -> list[bytes]:
    return _digests(f"about\0{kind}\0".encode(), map(str.encode, values))


def _digests(beginning: bytes, values: Iterable[bytes]) -> list[bytes]:
    digest = keyring.current().digesting(KeyPurpose.INDEX, beginning)
    return [digest(value)[:16] for value in values]


def _as_uuids(digests: Iterable[bytes]) -> list[UUID]:
    return [UUID(bytes=each) for each in digests]
