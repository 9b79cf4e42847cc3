"""One-time codes of an authenticator app (RFC 6238), and the codes that stand in for it when it is lost."""

import hmac
import re
import secrets
from datetime import datetime

import pyotp
from argon2.low_level import Type, hash_secret_raw

from backoffice.accounts.tokens import token_digest

STEP_SECONDS = 30
# A clock may be off by a step, and a code is typed while the next one begins.
DRIFT = (0, -1, 1)
RECOVERY_CODES = 10
ISSUER = "Classroom Back Office"
# Without what is mistaken for something else. Ten of them are 49 bits.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_RECOVERY = re.compile(f"[{_LETTERS}]{{10}}")


def new_secret() -> str:
    """A secret for an authenticator app, 160 bits in base 32."""
    return pyotp.random_base32()


def app_address(secret: str, email: str) -> str:
    """What an authenticator app reads from a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(secret: str, typed: str, at: datetime) -> int | None:
    """The step of the clock whose code was typed, among those near `at`, or None."""
    typed, totp = _bare(typed), pyotp.TOTP(secret)
    now = int(at.timestamp()) // STEP_SECONDS
    matching = [
        now + drift
        for drift in DRIFT
        if hmac.compare_digest(totp.generate_otp(now + drift).encode(), typed.encode("utf-8", "replace"))
    ]
    return matching[0] if matching else None


def new_recovery_codes() -> list[str]:
    """Codes to keep on paper: "k7mpx-3qdw9"."""
    letters = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    return [f"{each[:5]}-{each[5:]}" for each in letters]


def recovery_digest(account_id: int, typed: str) -> bytes | None:
    """What is stored of an account's recovery code; None if nothing like one was typed.

    So short a code is stretched before its digest is taken (OWASP ASVS 5.0, 6.5.2), at a cost that stays
    as it is: it is looked up by what comes out. The salt is the account's own, and known with the key alone.
    """
    bare = _bare(typed)
    if not _RECOVERY.fullmatch(bare):
        return None
    salt = token_digest(f"recovery salt {account_id}")[:16]
    stretched = hash_secret_raw(
        bare.encode(), salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID
    )
    return token_digest(f"recovery {account_id} {stretched.hex()}")


def _bare(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed).lower()
