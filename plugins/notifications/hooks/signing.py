"""Signing a call as Standard Webhooks says (standardwebhooks.com), so that libraries can verify it."""

import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret as it is shown once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(by: Sequence[str], *, call: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers that name and sign a call, with each of these secrets.

    `call` is the same each time that it is tried.
    """
    named, second = f"msg_{call}", str(int(at.timestamp()))
    signed = b".".join((named.encode(), second.encode(), body))
    return {
        "webhook-id": named,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in by),
    }


def _signature(secret: str, signed: bytes) -> str:
    made = hmac.new(base64.b64decode(secret.removeprefix(PREFIX)), signed, sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"
