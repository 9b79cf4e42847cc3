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
    return [_mark(f"{kind}\0{number}") for number in numbers]


def outside(public_id: str) -> UUID:
    """The mark of whatever has this public identifier."""
    return _mark(f"outside\0{public_id}")


def named_in(document: Any) -> list[UUID]:
    """The marks of whatever a document of JSON names by its public identifier, in addresses too."""
    return sorted({outside(found) for found in NAMED.findall(json.dumps(document))})


def address(email: str) -> UUID:
    """The mark of whoever has this address, with an account or without."""
    return _mark(f"address\0{email.strip().casefold()}")


def erased(kind: str, identifier: str | bytes) -> UUID:
    """The digest by which something erased is known again: of a kind ("student"), with this identifier.

    It stands in the ledger. 16 bytes of HMAC-SHA256 under a key of the keyring that is never rotated.
    """
    value = identifier.encode() if isinstance(identifier, str) else identifier
    digest = keyring.current().digest(KeyPurpose.INDEX, b"erased\0" + kind.encode() + b"\0" + value)
    return UUID(bytes=digest[:16])


def _mark(what: str) -> UUID:
    return UUID(bytes=keyring.current().digest(KeyPurpose.INDEX, f"about\0{what}".encode())[:16])
