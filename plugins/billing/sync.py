"""Taking over what Stripe has of a customer: all of it, asked anew, in one transaction.

What a message said is never written. Whoever takes something over holds the customer's row meanwhile, so that
what is asked later is written later, in whatever order messages come and however many workers there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from stripe import StripeClient

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.events import publish
from backoffice.storage.public_id import new_public_id
from plugins.billing import plans
from plugins.billing.asking import Refused, asked, plain
from plugins.billing.events import InvoicePaid, PaymentFailed, SubscriptionBegan, SubscriptionEnded
from plugins.billing.models import OVER, RUNS, Customer, Invoice, InvoiceStatus, Status, Subscription
from plugins.billing.reading import Object, invoice_values, owed_since, subscription_values

MOST_AT_ONCE = 100


@dataclass(frozen=True)
class Found:
    """What Stripe has of a customer, asked from `as_of` on."""

    as_of: datetime
    subscriptions: Sequence[Object]
    invoices: Sequence[Object]


def ask(stripe: StripeClient, named: str) -> Found:
    """What Stripe has of the customer that it calls so; nothing of one that was deleted there.

    Raises `Unreachable`, and `Refused`, as well of one that Stripe has never had: then it is another Stripe.
    """
    as_of = clock.now()
    try:
        with asked():
            subscriptions = stripe.v1.subscriptions.list(
                {"customer": named, "status": "all", "limit": MOST_AT_ONCE}
            )
            invoices = stripe.v1.invoices.list(
                {"customer": named, "limit": MOST_AT_ONCE, "expand": ["data.payments"]}
            )
            found = Found(
                as_of,
                [plain(each) for each in subscriptions.auto_paging_iter()],
                [plain(each) for each in invoices.auto_paging_iter()],
            )
            if not found.subscriptions:
                # Of whom there is nothing, it is asked whether there is such a customer at all.
                stripe.v1.customers.retrieve(named)
            return found
    except Refused as refused:
        if refused.gone and _was_deleted(stripe, named):
            return Found(as_of, (), ())
        raise


def _was_deleted(stripe: StripeClient, named: str) -> bool:
    with asked():
        return bool(plain(stripe.v1.customers.retrieve(named)).get("deleted"))


def take_over(tx: Transaction, customer: Customer, found: Found) -> int:
    """Write what Stripe has, and publish what is new in it; how many rows were not as they are now.

    The caller holds the customer's row since before Stripe was asked.
    """
    changed = _subscriptions(tx, customer, found) + _invoices(tx, customer, found)
    customer.as_of = found.as_of
    return changed


def _subscriptions(tx: Transaction, customer: Customer, found: Found) -> int:
    held = _by_name(tx.scalars(select(Subscription).where(Subscription.customer_id == customer.id)))
    changed = 0
    for said in found.subscriptions:
        values = _values(said, found)
        row = held.pop(said["id"], None)
        if row is None:
            changed += _add(tx, customer, said["id"], values)
        elif row.status not in OVER:
            # Nothing revives one that is over: where Stripe says otherwise, the nightly comparison says so.
            changed += _change(tx, customer, row, values)
    # What Stripe no longer has at all is as good as ended.
    gone = {"status": Status.CANCELED, "ended_at": found.as_of, "owed_since": None}
    return changed + sum(_change(tx, customer, row, gone) for row in held.values() if row.status not in OVER)


def _values(said: Object, found: Found) -> dict[str, Any]:
    values = subscription_values(said, plans.current())
    is_owed = values["status"] in {Status.PAST_DUE, Status.UNPAID}
    since = owed_since(said["id"], found.invoices, found.as_of) or found.as_of
    return {**values, "owed_since": since if is_owed else None}


def _add(tx: Transaction, customer: Customer, named: str, values: Mapping[str, Any]) -> int:
    row = Subscription(public_id=new_public_id(), customer_id=customer.id, stripe_id=named, **values)
    tx.add(row)
    tx.flush()
    if row.status in RUNS:
        publish(tx, SubscriptionBegan(customer.id, row.id))
    return 1


def _change(tx: Transaction, customer: Customer, row: Subscription, values: Mapping[str, Any]) -> int:
    was = Status(row.status)
    if row.owed_since is not None and values["owed_since"] is not None:
        # What was owed first counts, whatever became of that invoice since.
        values = {**values, "owed_since": min(row.owed_since, values["owed_since"])}
    changed = _set(row, values)
    _tell(tx, customer, row, was)
    return changed


def _tell(tx: Transaction, customer: Customer, row: Subscription, was: Status) -> None:
    if was not in RUNS and row.status in RUNS:
        publish(tx, SubscriptionBegan(customer.id, row.id))
    if was in RUNS and row.status not in RUNS:
        publish(tx, SubscriptionEnded(customer.id, row.id))


def _invoices(tx: Transaction, customer: Customer, found: Found) -> int:
    held = _by_name(tx.scalars(select(Invoice).where(Invoice.customer_id == customer.id)))
    changed = 0
    for said in found.invoices:
        values = invoice_values(said)
        row = held.get(said["id"])
        was, attempts = (row.status, row.attempts) if row else (None, 0)
        if row is None:
            row = Invoice(public_id=new_public_id(), customer_id=customer.id, stripe_id=said["id"], **values)
            tx.add(row)
            tx.flush()
            changed += 1
        else:
            changed += _set(row, values)
        if row.status == InvoiceStatus.PAID and was != InvoiceStatus.PAID and row.paid:
            publish(tx, InvoicePaid(customer.id, row.id))
        if row.status == InvoiceStatus.OPEN and row.attempts > attempts:
            publish(tx, PaymentFailed(customer.id, row.id))
    return changed


def _by_name(rows: Iterable[Any]) -> dict[str, Any]:
    return {each.stripe_id: each for each in rows}


def _set(row: Any, values: Mapping[str, Any]) -> int:
    """Set what differs; 1 if anything did."""
    differs = [name for name, value in values.items() if getattr(row, name) != value]
    for name in differs:
        setattr(row, name, values[name])
    return int(bool(differs))
