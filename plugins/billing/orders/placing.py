"""Placing orders at Stripe: a subscription by invoice, and its first invoice with the school's number.

Each step is asked of Stripe before it is done there, and each call has a key of the order's: a worker may be
killed anywhere, and whoever goes on makes nothing twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from stripe import StripeClient

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.outbox.services import post
from backoffice.schools.models import School
from plugins.billing import plans, standing, sync
from plugins.billing.asking import Refused, Unreachable, asked, plain
from plugins.billing.dunning.queries import managers
from plugins.billing.models import OVER, Customer, InvoiceStatus
from plugins.billing.orders.mails import ORDER_FAILED, OrderFailed
from plugins.billing.orders.models import UNDER_WAY, OrderState, PurchaseOrder, Quote
from plugins.billing.payers import note, payer_of, way_to
from plugins.billing.reading import Object, id_of
from plugins.billing.services import customer_at, name_at_stripe

logger = structlog.get_logger("backoffice.billing")

# What Stripe prints beside the number; 40 letters at most.
FIELD = "PO number"
# After so long without Stripe a person looks at an order, and may have it tried again.
WAITS = timedelta(days=2)


@dataclass
class Placed:
    """How many invoices were sent, how many orders could not be placed, and how many have to wait."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0


def place_orders(
    who: Purpose, stripe: StripeClient, *, progress: Callable[[int], None] = lambda _done: None
) -> Placed:
    """Place whatever orders are under way, each as far as it goes."""
    placed = Placed()
    with transaction(who) as tx:
        numbers = tx.scalars(
            select(PurchaseOrder.id).where(PurchaseOrder.state.in_(UNDER_WAY)).order_by(PurchaseOrder.id)
        ).all()
    for number in numbers:
        try:
            while _step(who, stripe, number):
                pass
        except Unreachable:
            if _waits_too_long(who, number):
                placed.failed += _give_up(who, number)
            else:
                placed.waiting += 1
            continue
        except Exception as error:  # noqa: BLE001 - one order must not keep all others waiting
            logger.warning("order not placed", why=type(error).__name__)
            placed.failed += _give_up(who, number)
            continue
        placed.sent += 1
        progress(placed.sent)
    return placed


def _step(who: Purpose, stripe: StripeClient, number: int) -> bool:
    """Do the next step of an order and write that it is done; whether there is another.

    Raises `Unreachable`, `Refused`.
    """
    with transaction(who) as tx:
        order, customer = _taken(tx, number)
        if order is None or customer is None:
            return False
        with asked():
            if order.state == OrderState.WAITING:
                order.subscription = _subscribed(tx, stripe, customer, order)
                order.state = OrderState.SUBSCRIBED
                # Stripe has it by now, and nobody else needs it.
                order.invoice_to = None
            else:
                _send(stripe, order)
                order.state, order.sent_at = OrderState.SENT, clock.now()
        sync.take_over(tx, customer, sync.ask(stripe, str(customer.stripe_id)))
        note(tx, "billing.place-order", payer_of(tx, customer), order=order.id, state=order.state)
        return order.state != OrderState.SENT


def _taken(tx: Transaction, number: int) -> tuple[PurchaseOrder | None, Customer | None]:
    """The order and whose it is, held until the transaction ends: first the customer, as everywhere."""
    found = tx.get(PurchaseOrder, number)
    if found is None:
        return None, None
    customer = tx.get(Customer, found.customer_id, with_for_update=True)
    order = tx.get(PurchaseOrder, number, with_for_update=True, populate_existing=True)
    return (order, customer) if order is not None and order.state in UNDER_WAY else (None, None)


def _subscribed(tx: Transaction, stripe: StripeClient, customer: Customer, order: PurchaseOrder) -> str:
    """What Stripe calls the subscription of an order, made if it has none yet."""
    quote = tx.get_one(Quote, order.quote_id)
    if customer.stripe_id is None:
        name = name_at_stripe(payer_of(tx, customer))
        customer.stripe_id = customer_at(stripe, customer.public_id, name)
    named = customer.stripe_id
    # Keys are forgotten after a day, and the order's mark stays.
    listed = stripe.v1.subscriptions.list({"customer": named, "status": "all", "limit": 100})
    there = [plain(each) for each in listed.auto_paging_iter()]
    for each in there:
        if (each.get("metadata") or {}).get("order") == order.public_id:
            if each["status"] in OVER:
                raise Refused("ended since")
            return str(each["id"])
    # Somebody paid by card meanwhile, or the district does: nobody is to pay twice.
    if any(each["status"] not in OVER for each in there):
        raise Refused("subscribed otherwise")
    payer = payer_of(tx, customer)
    if isinstance(payer, School) and standing.paying_district(tx, payer) is not None:
        raise Refused("paid for by the district")
    if order.invoice_to:
        stripe.v1.customers.update(named, {"email": order.invoice_to})
    made = stripe.v1.subscriptions.create(
        {
            "customer": named,
            "items": [{"price": quote.price_named, "quantity": quote.seats}],
            "collection_method": "send_invoice",
            "days_until_due": plans.current().invoice.days,
            "metadata": {"payer": customer.public_id, "order": order.public_id, "price": quote.price},
        },
        {"idempotency_key": f"order-{order.public_id}"},
    )
    return str(made.id)


def _send(stripe: StripeClient, order: PurchaseOrder) -> None:
    """Have Stripe print the school's number on the first invoice, and mail it."""
    named, key = str(order.subscription), f"order-{order.public_id}"
    invoice = id_of(plain(stripe.v1.subscriptions.retrieve(named)).get("latest_invoice"))
    if invoice is None:
        raise Refused("no invoice")
    found: Object = plain(stripe.v1.invoices.retrieve(invoice))
    if found["status"] == InvoiceStatus.DRAFT:
        stripe.v1.invoices.update(
            invoice,
            {
                "custom_fields": [{"name": FIELD, "value": order.number}],
                "metadata": {"order": order.public_id},
            },
        )
        found = plain(stripe.v1.invoices.finalize_invoice(invoice, {}, {"idempotency_key": f"{key}-final"}))
    if found["status"] == InvoiceStatus.OPEN:
        stripe.v1.invoices.send_invoice(invoice, {}, {"idempotency_key": f"{key}-sent"})


def _waits_too_long(who: Purpose, number: int) -> bool:
    with transaction(who) as tx:
        since = tx.scalar(select(PurchaseOrder.placed_at).where(PurchaseOrder.id == number))
        return since is not None and clock.now() - since > WAITS


def _give_up(who: Purpose, number: int) -> int:
    """Have whoever pays look at an order that did not get through; 1 if it is still under way."""
    with transaction(who) as tx:
        # By a statement, which reads nothing of it that may not open.
        failed = update(PurchaseOrder).where(PurchaseOrder.id == number, PurchaseOrder.state.in_(UNDER_WAY))
        whose = tx.execute(
            failed.values(state=OrderState.FAILED)
            .returning(PurchaseOrder.customer_id, PurchaseOrder.quote_id)
            .execution_options(synchronize_session=False)
        ).first()
        if whose is None:
            return 0
        customer = tx.get_one(Customer, whose.customer_id)
        note(tx, "billing.order-failed", payer_of(tx, customer), order=number)
        _say(tx, customer, tx.get_one(Quote, whose.quote_id))
        return 1


def _say(tx: Transaction, customer: Customer, quote: Quote) -> None:
    payer = payer_of(tx, customer)
    about = OrderFailed(payer.name, way_to(payer), quote.number)
    for to in managers(tx, customer):
        post(tx, ORDER_FAILED, to=to, parameters=about, school_id=customer.school_id, subject=payer.public_id)
