"""Signing a call as Standard Webhooks says (standardwebhooks.com), so that libraries can verify it."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret as it is shown once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(secret: str, *, call: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers that name and sign a call; `call` is the same each time that it is tried."""
    named, second = f"msg_{call}", str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, b".".join((named.encode(), second.encode(), body)), sha256).digest()
    return {
        "webhook-id": named,
        "webhook-timestamp": second,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
