"""Asking Stripe, and nobody else: the one place from which this plugin speaks to the outside.

Whatever goes wrong there is one of two things here: `Unreachable`, which is better later, or `Refused`, which
is not. What Stripe says of it is not passed on, since it may hold what somebody typed there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import stripe
from stripe import StripeClient

from backoffice.settings import STRIPE, Settings

# Seconds in which Stripe answers; whoever waits in front of a page does not wait longer.
ANSWERS_WITHIN = 10.0
RETRIES = 2
_GONE = "resource_missing"
# What may well be better in a moment.
_PASSING = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    stripe.IdempotencyError,
    # A key that was changed, or may do too little: what waits is done when somebody has put that right.
    stripe.AuthenticationError,
    stripe.PermissionError,
)


class Unreachable(Exception):
    """Stripe cannot be reached, or asks for patience."""


class Refused(Exception):
    """Stripe does not do what it was asked. `code` is its word for why, `gone` if it knows no such thing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def gone(self) -> bool:
        """Whether there is no such thing at Stripe, or no longer."""
        return self.code == _GONE


class NotConnected(Exception):
    """This installation has no key of Stripe's."""


@dataclass(frozen=True)
class Stripe:
    """The Stripe that this process speaks to: the client, and what its messages are signed with.

    `is_live` says whether its key is of the mode in which money is paid, and not of the one for trying out.
    """

    client: StripeClient = field(repr=False)
    webhook_secret: str = field(repr=False)
    is_live: bool = False


_current: Stripe | None = None


def connect(settings: Settings) -> None:
    """Make the settings' Stripe, if they name one, that of the process."""
    use(_made(settings))


def use(stripe_of_process: Stripe | None) -> Stripe | None:
    """Make this the Stripe of the process; the one before."""
    global _current
    before, _current = _current, stripe_of_process
    return before


def is_connected() -> bool:
    """Whether this installation can sell anything."""
    return _current is not None


def current() -> Stripe:
    """The Stripe of the process. Raises `NotConnected`."""
    if _current is None:
        raise NotConnected
    return _current


def _made(settings: Settings) -> Stripe | None:
    key, secret = settings.stripe_api_key, settings.stripe_webhook_secret
    if key is None or secret is None:
        return None
    base = settings.stripe_api_base
    # Every base: what is not named leads to Stripe, where a stand-in's key does not belong.
    bases: Any = dict.fromkeys(("api", "connect", "files", "meter_events"), base) if base != STRIPE else None
    client = StripeClient(
        key.get_secret_value(),
        base_addresses=bases,
        http_client=stripe.RequestsClient(timeout=ANSWERS_WITHIN),
        max_network_retries=RETRIES,
    )
    return Stripe(client, secret.get_secret_value(), is_live_key(key.get_secret_value()))


def is_live_key(key: str) -> bool:
    """Whether a key of Stripe's (a whole or a restricted one) is of the mode in which money is paid."""
    return key.startswith(("sk_live_", "rk_live_"))


@contextmanager
def asked() -> Iterator[None]:
    """While Stripe is asked: whatever it raises is one of ours. Raises `Unreachable`, `Refused`."""
    try:
        yield
    except _PASSING:
        raise Unreachable from None
    except stripe.StripeError as error:
        # Of Stripe's own faults there is a status and no word.
        if (error.http_status or 0) >= 500:  # noqa: PLR2004
            raise Unreachable from None
        raise Refused(error.code or type(error).__name__) from None


def plain(thing: Any) -> Mapping[str, Any]:
    """What Stripe answered, as a mapping of texts, numbers, lists and mappings."""
    return cast(Mapping[str, Any], thing.to_dict())
