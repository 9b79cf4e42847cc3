"""Whom a sealed text is about: keyed digests by which it is found when they are erased.

What is sealed cannot be searched, and its row belongs to somebody else: an entry of the trail to the school,
a mail to its recipient. A digest names nobody, and those of one subject are the same in every table.
"""

from collections.abc import Iterable
from uuid import UUID

from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

STUDENT, CLASSROOM, ACCOUNT = "student", "classroom", "account"


def marks(kind: str, numbers: Iterable[int]) -> list[UUID]:
    """The marks of subjects of one kind, by their internal numbers. 16 bytes of HMAC-SHA256 each."""
    return [_mark(f"{kind}\0{number}") for number in numbers]


def outside(public_id: str) -> UUID:
    """The mark of whatever has this public identifier."""
    return _mark(f"outside\0{public_id}")


def address(email: str) -> UUID:
    """The mark of whoever has this address, with an account or without."""
    return _mark(f"address\0{email.strip().casefold()}")


def _mark(what: str) -> UUID:
    return UUID(bytes=keyring.current().digest(KeyPurpose.INDEX, f"about\0{what}".encode())[:16])
