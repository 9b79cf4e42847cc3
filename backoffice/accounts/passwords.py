"""Passwords: argon2id, and the same work whether or not there is an account to check against."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from backoffice.settings import Passwords

# A password longer than this is refused before any work is spent on it.
LONGEST = 128


@cache
def _hasher(cost: Passwords) -> PasswordHasher:
    return PasswordHasher(
        time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes, type=Type.ID
    )


@cache
def _decoy(cost: Passwords) -> str:
    return _hasher(cost).hash("an account that does not exist")


def hash_password(password: str, cost: Passwords) -> str:
    """The salted argon2id hash, in its standard text form."""
    return _hasher(cost).hash(password)


def verify(password: str, stored: str | None, cost: Passwords) -> bool:
    """Whether the password is the stored one. Without a stored one, False after the same work."""
    if len(password) > LONGEST:
        return False
    try:
        # Half a character, which no keyboard sends, is a wrong password and no error.
        _hasher(cost).verify(stored or _decoy(cost), password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def outdated(stored: str, cost: Passwords) -> bool:
    """Whether the stored hash is of another cost than today's."""
    return _hasher(cost).check_needs_rehash(stored)
