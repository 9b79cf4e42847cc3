"""The codes of printed letters: typed once by a parent, from paper."""

import secrets

from backoffice.accounts.tokens import token_digest
from backoffice.schools.codes import ALPHABET, normalise

GROUPS, SIZE = 4, 4


def new_code() -> str:
    """A fresh code: 16 of 24 symbols, 73 bits, so that guessing is hopeless even without a throttle."""
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * SIZE))


def spaced(code: str) -> str:
    """The code as it is printed: ABCD-EFGH-JKMN-PQRT."""
    return "-".join(code[at : at + SIZE] for at in range(0, len(code), SIZE))


def digest(typed: str) -> bytes:
    """What is stored to recognise a code, however it is typed."""
    return token_digest(f"letter to a family {normalise(typed)}")
