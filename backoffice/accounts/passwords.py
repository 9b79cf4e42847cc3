"""Passwords: argon2id, and the same work whether or not there is an account to check against."""

import re
from functools import cache

import zxcvbn
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from backoffice.language.texts import gettext
from backoffice.settings import Passwords

SHORTEST = 12
# A password longer than this is refused before any work is spent on it.
LONGEST = 128
# What somebody with a list of common passwords, words and names would have tried by then (NIST SP 800-63B-4,
# 3.1.1.2, asks for a blocklist and forbids rules of composition).
FEWEST_GUESSES = 10**8
# What a guesser of ours tries first, beside the person's own name and address (OWASP ASVS 5.0, 6.1.2).
CONTEXT = ("classroom", "back office", "backoffice", "school", "teacher", "student", "points", "avatar")
# So much of it is looked at: the library takes long for more, and so much is long enough.
LOOKED_AT = 64


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


def problem_of(password: str, *own: str) -> str | None:
    """What is wrong with a new password, in a sentence; None if it is good.

    `own` are the person's name and address, of which it must not be made.
    """
    if len(password) < SHORTEST:
        return gettext(
            "Take at least %(least)s characters. A few words that only you would put together are good.",
            least=SHORTEST,
        )
    if len(password) > LONGEST:
        return gettext("Take at most %(most)s characters.", most=LONGEST)
    parts = [part for each in own for part in (each, *re.split(r"[\W_]+", each)) if len(part) > 2]  # noqa: PLR2004
    looked_at = password[:LOOKED_AT]
    if zxcvbn.zxcvbn(looked_at, user_inputs=[*parts, *CONTEXT])["guesses"] < FEWEST_GUESSES:
        return gettext("Guessers try this one early. Take a few words that only you would put together.")
    return None


def verify(password: str, stored: str | None, cost: Passwords) -> bool:
    """Whether the password is the stored one. Without a stored one, False after the same work."""
    if len(password) > LONGEST:
        return False
    # Made in any case: the first try after a start takes as long for an account as for none.
    decoy = _decoy(cost)
    try:
        # Half a character, which no keyboard sends, is a wrong password and no error.
        _hasher(cost).verify(stored or decoy, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def outdated(stored: str, cost: Passwords) -> bool:
    """Whether the stored hash is of another cost than today's."""
    return _hasher(cost).check_needs_rehash(stored)
