"""What Stripe says of subscriptions and invoices, in the columns that it is kept in.

Objects come in today's shape (API 2026-10-28), and from older webhooks and versions in that of 2020-08-27:
there the period stood on the subscription and not on its items, and an invoice named its subscription itself.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from plugins.billing.models import OVER, InvoiceStatus, Status
from plugins.billing.plans import Plans

Object = Mapping[str, Any]
_MONTHS = {"month": 1, "year": 12}


def moment(seconds: int | None) -> datetime | None:
    """A moment of Stripe's: seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def id_of(thing: Any) -> str | None:
    """The identifier of a thing that is named or comes whole."""
    if isinstance(thing, Mapping):
        thing = thing.get("id")
    return thing if isinstance(thing, str) and thing else None


def subscription_values(said: Object, plans: Plans) -> dict[str, Any]:
    """The columns of a subscription, but for whose it is and since when something is owed."""
    items: Sequence[Object] = said["items"]["data"]
    # One price a subscription: others were added by hand, and count for nothing.
    item: Object = next((each for each in items if plans.of_price(_key(each))), items[0])
    price: Object = item.get("price") or {}
    repeats: Object = price.get("recurring") or {}
    status = Status(said["status"])
    ended = moment(said.get("ended_at")) or moment(said.get("canceled_at"))
    # What was quoted holds though its name has gone to a newer price: an order says which it was for.
    key = _key(item) or (said.get("metadata") or {}).get("price")
    plan = plans.of_price(key)
    return {
        "plan": plan.name if plan else None,
        "price": key or str(price.get("id", "")),
        "status": status,
        "by_invoice": said.get("collection_method") == "send_invoice",
        "seats": max(int(item.get("quantity") or 1), 1),
        "amount": int(price.get("unit_amount") or 0),
        "currency": str(price.get("currency") or said.get("currency") or "usd"),
        "months": _MONTHS.get(str(repeats.get("interval")), 1) * int(repeats.get("interval_count") or 1),
        "begun_at": moment(said.get("start_date") or said["created"]),
        "trial_until": moment(said.get("trial_end")),
        "period_until": moment(item.get("current_period_end") or said.get("current_period_end")),
        "ends_at": moment(said.get("cancel_at")) or _at_the_end(said, item),
        # Stripe says of one that never came about when it was given up, and not that it ended.
        "ended_at": (ended or moment(said["created"])) if status in OVER else None,
    }


def _at_the_end(said: Object, item: Object) -> datetime | None:
    if not said.get("cancel_at_period_end"):
        return None
    return moment(item.get("current_period_end") or said.get("current_period_end"))


def _key(item: Object) -> str | None:
    price = item.get("price")
    return price.get("lookup_key") if isinstance(price, Mapping) else None


def invoice_values(said: Object) -> dict[str, Any]:
    """The columns of an invoice, but for whose it is."""
    times: Object = said.get("status_transitions") or {}
    status = InvoiceStatus(said.get("status") or InvoiceStatus.DRAFT)
    return {
        "subscription": subscription_of(said),
        "number": said.get("number"),
        "status": status,
        "currency": said["currency"],
        "due": int(said["amount_due"]),
        "paid": int(said["amount_paid"]),
        "attempts": int(said.get("attempt_count") or 0),
        "made_at": moment(times.get("finalized_at") or said["created"]),
        "due_at": moment(said.get("due_date")),
        "paid_at": moment(times.get("paid_at")) if status is InvoiceStatus.PAID else None,
        "outside": bool(said.get("paid_out_of_band")) or _is_paid_outside(said),
    }


def _is_paid_outside(said: Object) -> bool:
    """Whether it counts as paid and no payment at Stripe paid it: in today's shape nothing else tells.

    One that was begun and given up, as when a sent invoice is paid by cheque, paid nothing.
    """
    if said.get("status") != InvoiceStatus.PAID or not int(said["amount_paid"] or said["amount_due"]):
        return False
    payments = said.get("payments")
    return isinstance(payments, Mapping) and all(
        each.get("status") == "canceled" for each in payments.get("data") or ()
    )


def subscription_of(said: Object) -> str | None:
    """Which subscription an invoice is for."""
    parent: Object = said.get("parent") or {}
    details: Object = parent.get("subscription_details") or {}
    return id_of(details.get("subscription")) or id_of(said.get("subscription"))


def owed_since(subscription: str, invoices: Sequence[Object], now: datetime) -> datetime | None:
    """Since when a payment for a subscription is owed, if one is.

    By the oldest invoice that a card did not pay, or whose day has passed.
    """
    open_ones = [
        (each, values)
        for each in invoices
        if subscription_of(each) == subscription
        # What was written off is owed no more.
        and (values := invoice_values(each))["status"] is InvoiceStatus.OPEN
    ]
    since = [
        values["due_at"] if values["due_at"] is not None else values["made_at"]
        for _each, values in open_ones
        if (values["due_at"] < now if values["due_at"] is not None else values["attempts"] > 0)
    ]
    return min(since, default=None)
