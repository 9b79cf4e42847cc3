"""Four digits: what is meant by what was typed, which are too easy to guess, and how they are kept.

Ten thousand PINs are no secret to whoever has a hash of one. So a keyed digest, under a key that is outside
the database, goes through argon2id; it is of one child, so that a hash is worth nothing in another's row.
"""

import unicodedata
from itertools import pairwise

from backoffice.accounts import passwords
from backoffice.settings import Passwords
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

LENGTH = 4
YEARS = range(1950, 2036)
LATE_MONTHS, DAYS_OF_MONTH = ("10", "11", "12"), range(1, 32)
# The commonest of published lists that no rule below names: keys in a row, dates, words and jokes. With the
# rules, these are all that more than 0.06 % choose who may not choose these (docs/decisions.md).
COMMON = frozenset(
    {
        *("0007", "0070", "0110", "0123", "0258", "0420", "0852", "0911", "1004", "1024", "1029", "1066"),
        *("1092", "1123", "1134", "1221", "1223", "1225", "1230", "1233", "1236", "1245", "1302", "1324"),
        *("1337", "1342", "1357", "1379", "1397", "1403", "1412", "1470", "1472", "1478", "1479", "1492"),
        *("1590", "1776", "2244", "2468", "2469", "2486", "2512", "2580", "2589", "3141", "3142", "3690"),
        *("4200", "4242", "4711", "5150", "5683", "5678", "6666", "6789", "6942", "7410", "7788", "7890"),
        *("7894", "8008", "8520", "8642", "8675", "9630", "9753", "9876", "4200", "1122", "1133", "2211"),
        *("0001", "0102", "0124", "0321", "0411", "0815", "0907", "1000", "1052", "1232", "1235", "1318"),
        *("1701", "1945", "2112", "2848", "5425", "7942", "9111", "0009", "0120", "0121", "0125", "0147"),
        *("0203", "0210", "0214", "0311", "0314", "0316", "0604", "0912", "0922", "1243", "1254", "1256"),
        *("1290", "1314", "1321", "1346", "1369", "1423", "1432", "1942", "1949", "3000", "4862", "5000"),
    }
)


def typed(text: str) -> str:
    """The digits that somebody meant, in whatever script their keyboard writes them; spaces are forgiven."""
    found = []
    for symbol in text[: LENGTH * 4]:
        value = unicodedata.decimal(symbol, None)
        if value is not None:
            found.append(str(value))
        elif not symbol.isspace():
            return ""
    return "".join(found)


def is_pin(digits: str) -> bool:
    """Whether these are four digits."""
    return len(digits) == LENGTH and digits.isascii() and digits.isdigit()


def is_weak(pin: str) -> bool:
    """Whether somebody who guesses tries this PIN among the first."""
    numbers = [int(digit) for digit in pin]
    steps = {(after - before) % 10 for before, after in pairwise(numbers)}
    return (
        # All the same, or a run up or down: 0000, 1234, 9876, 7890, 2468.
        steps <= {0}
        or steps in ({1}, {9}, {2}, {8})
        # Pairs: 1212, 1122.
        or pin[:2] == pin[2:]
        or (pin[0] == pin[1] and pin[2] == pin[3])
        or int(pin) in YEARS
        # Of all dates, those that read as no other number a child knows stand out.
        or (pin[:2] in LATE_MONTHS and int(pin[2:]) in DAYS_OF_MONTH)
        or pin in COMMON
    )


def hash_pin(pin: str, *, student_id: int, cost: Passwords) -> str:
    """What is stored of a student's PIN."""
    return passwords.hash_password(_keyed(pin, student_id), cost)


def verify(pin: str, stored: str, *, student_id: int) -> bool:
    """Whether this is the student's PIN. What is no PIN takes as long."""
    return passwords.verify(_keyed(pin, student_id), stored, Passwords())


def outdated(stored: str, cost: Passwords) -> bool:
    """Whether what is stored was made at another cost than today's."""
    return passwords.outdated(stored, cost)


def _keyed(pin: str, student_id: int) -> str:
    return keyring.current().digest(KeyPurpose.PIN, f"{student_id}\0{pin}".encode()).hex()
