"""What plans cost, as Stripe has it: amounts stand there and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from stripe import StripeClient

from backoffice import clock
from plugins.billing import plans
from plugins.billing.asking import Refused, Unreachable, asked, plain

# What a page shows may be so old; what is charged is always Stripe's own.
FRESH = timedelta(minutes=5)
# For so long it is not asked again after it could not be reached.
NOT_AGAIN = timedelta(minutes=1)
_MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True)
class Price:
    """A price: what Stripe calls it, what it is called in our plans, and how much for how many months."""

    named: str
    key: str
    amount: int
    currency: str
    months: int


_lock = Lock()
_failed: tuple[datetime, StripeClient] | None = None
_known: tuple[datetime, StripeClient, Mapping[str, Price]] | None = None


def all_of(stripe: StripeClient) -> Mapping[str, Price]:
    """The prices of all plans by their lookup keys. Raises `Unreachable`, `Refused`."""
    global _known, _failed  # noqa: PLW0603 - a process looks at one Stripe
    now = clock.now()
    with _lock:
        known, failed = _known, _failed
    if known is not None and known[1] is stripe and now - known[0] < FRESH:
        return known[2]
    if failed is not None and failed[1] is stripe and now - failed[0] < NOT_AGAIN:
        # Whoever waits in front of a page waits for it once, and not each of them.
        raise Unreachable
    try:
        found = _asked(stripe)
    except Unreachable:
        with _lock:
            _failed = (now, stripe)
        raise
    with _lock:
        _known = (now, stripe, found)
    return found


def one(stripe: StripeClient, key: str) -> Price:
    """One price, asked anew. Raises `Unreachable`, `Refused`."""
    found = _found(stripe, [key])
    if key not in found:
        raise Refused("no such price")
    return found[key]


def _asked(stripe: StripeClient) -> Mapping[str, Price]:
    keys = [key for plan in plans.current().by_name.values() for key in plan.lookup_keys]
    return _found(stripe, keys)


def _found(stripe: StripeClient, keys: Sequence[str]) -> Mapping[str, Price]:
    with asked():
        listed = stripe.v1.prices.list({"lookup_keys": list(keys), "active": True, "limit": 100})
        rows = [plain(each) for each in listed.auto_paging_iter()]
    return {str(each["lookup_key"]): _price(each) for each in rows}


def _price(said: Mapping[str, Any]) -> Price:
    repeats = said.get("recurring") or {}
    months = _MONTHS.get(str(repeats.get("interval")), 1) * int(repeats.get("interval_count") or 1)
    return Price(
        str(said["id"]), str(said["lookup_key"]), int(said["unit_amount"] or 0), str(said["currency"]), months
    )
