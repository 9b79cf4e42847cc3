"""Where Stripe tells what happened. It is noted and nothing more: a worker asks what came of it.

An answer of 2xx says that it is noted for good. 4xx is for what is not Stripe's; 5xx, where the database
cannot be reached, has Stripe tell it again.
"""

import re
from typing import Annotated, Any, Literal

import structlog
from flask import Blueprint, request
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from stripe import SignatureVerificationError, WebhookSignature

from backoffice import clock
from backoffice.web.identity import address
from plugins.billing import asking, taking
from plugins.billing.reading import id_of, moment

logger = structlog.get_logger("backoffice.billing")

# Bytes that are read of a message: Stripe's are some 10 kB, and a subscription with 20 items is 40.
LARGEST = 256 * 1024
# Seconds by which a message may be old or, by a clock that is fast, from the future. Stripe's library lets
# any future pass.
TOLERANCE = 300
_WORD = re.compile(r"[!-~]{1,255}")
Word = Annotated[str, StringConstraints(strict=True, pattern=rf"^{_WORD.pattern}$")]

bp = Blueprint("billing_webhooks", __name__)


class _Data(BaseModel):
    object: dict[str, Any]


class _Event(BaseModel):
    """What is read of a message."""

    object: Literal["event"]
    id: Word
    type: Word
    livemode: Annotated[bool, Field(strict=True)]
    created: Annotated[int, Field(strict=True, ge=0, lt=1 << 33)]
    data: _Data


class NotStripe(Exception):
    """It is not signed by Stripe, or not now, or is no message. Says which, and nothing of what it held."""


@bp.post("/webhooks/stripe")
def stripe() -> tuple[str, int]:
    """Take in a message of Stripe's, once."""
    if not asking.is_connected():
        return "", 404
    connected = asking.current()
    try:
        told = _read(request.get_data(), request.headers.get("Stripe-Signature", ""), connected)
    except NotStripe as error:
        logger.warning("webhook refused", why=str(error))
        return "", 400
    taking.note(told, address=address())
    return "", 200


def _read(body: bytes, header: str, connected: asking.Stripe) -> taking.Told:
    try:
        # Not `construct_event`: it makes objects of what is looked at for four texts.
        WebhookSignature.verify_header(body, header, connected.webhook_secret, TOLERANCE)
    except (SignatureVerificationError, UnicodeDecodeError):
        raise NotStripe("signature") from None
    if _signed_at(header) > clock.now().timestamp() + TOLERANCE:
        raise NotStripe("from the future")
    try:
        event = _Event.model_validate_json(body)
    except ValidationError:
        raise NotStripe("no event") from None
    if event.livemode is not connected.is_live:
        # Customers of the one mode are unknown to the other: the key and the secret are of two.
        raise NotStripe("of the other mode")
    thing = event.data.object
    customer = thing.get("id") if thing.get("object") == "customer" else thing.get("customer")
    return taking.Told(
        event.id, event.type, _word(id_of(customer)), _word(id_of(thing)), moment(event.created)
    )


def _signed_at(header: str) -> int:
    return int(next(part[2:] for part in header.split(",") if part.startswith("t=")))


def _word(value: str | None) -> str | None:
    return value if value is not None and _WORD.fullmatch(value) else None
