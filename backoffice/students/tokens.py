"""The student's signed token (JWT): short-lived, naming a session row and nothing about the child."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from backoffice import clock
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose, Keyring

ALGORITHM = "HS256"
ISSUER = "backoffice"
AUDIENCE = "student"
_ESSENTIAL: ClaimsOption = {"essential": True}


@dataclass(frozen=True)
class Verified:
    """A token that is ours and has not expired."""

    token_id: UUID
    expires_at: datetime


def issue(token_id: UUID, *, idle: timedelta, ends_at: datetime) -> str:
    """A token that lives for the idle time, and never past the end of its session."""
    ring = keyring.current()
    number, _key = ring.newest(KeyPurpose.STUDENT_JWT)
    now = clock.now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": str(token_id),
        "iat": int(now.timestamp()),
        "exp": int(min(now + idle, ends_at).timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": str(number)}, claims, _keys(ring), algorithms=[ALGORITHM])


def verify(token: str) -> Verified | None:
    """What the token says, or None: wrong signature, wrong algorithm, expired, incomplete."""
    ring = keyring.current()
    found = _verified(token, ring)
    if found is None:
        # Another process may have signed it with a key that has come since. Another thread of this one may
        # have read the file meanwhile, so that it has not changed since.
        keyring.look_again()
        newest = keyring.current()
        found = None if newest is ring else _verified(token, newest)
    return found


def _verified(token: str, ring: Keyring) -> Verified | None:
    try:
        claims = jwt.decode(token, _keys(ring), algorithms=[ALGORITHM]).claims
        JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            jti=_ESSENTIAL,
            iat=_ESSENTIAL,
            exp=_ESSENTIAL,
        ).validate(claims)
        return Verified(UUID(str(claims["jti"])), datetime.fromtimestamp(claims["exp"], clock.now().tzinfo))
    except (JoseError, ValueError, TypeError, OverflowError, OSError):  # the last: a time past the calendar
        return None


def _keys(ring: Keyring) -> KeySet:
    return KeySet(
        [
            OctKey.import_key(key, {"kid": str(number)})
            for number, key in ring.keys[KeyPurpose.STUDENT_JWT].items()
        ]
    )
