"""Quotes and orders of a school, for whoever manages what it pays."""

from collections.abc import Sequence

from backoffice.access.lookup import find, rows_of
from backoffice.access.transaction import Transaction
from plugins.billing.models import RUNS, Customer, Invoice, Subscription
from plugins.billing.orders.models import UNDER_WAY, PurchaseOrder, Quote
from plugins.billing.permissions import BILLING_MANAGE, BILLING_READ
from plugins.billing.queries import SHOWN


def quotes_of(tx: Transaction, customer: Customer) -> Sequence[tuple[Quote, PurchaseOrder | None]]:
    """The quotes of a school with the order that each led to, if it did; the newest first."""
    mine = rows_of(tx.principal, Quote, BILLING_READ).where(Quote.customer_id == customer.id)
    quotes = tx.scalars(mine.order_by(Quote.made_at.desc(), Quote.id.desc()).limit(SHOWN)).all()
    led_to = rows_of(tx.principal, PurchaseOrder, BILLING_READ).where(
        PurchaseOrder.customer_id == customer.id,
        PurchaseOrder.quote_id.in_([each.id for each in quotes]),
    )
    orders = {each.quote_id: each for each in tx.scalars(led_to)}
    return [(each, orders.get(each.id)) for each in quotes]


def quote_of(tx: Transaction, public_id: str) -> Quote:
    """A quote of a school whose subscription the principal manages. Raises `NotFound`."""
    return find(tx, Quote, public_id, permission=BILLING_MANAGE)


def order_of(tx: Transaction, public_id: str) -> PurchaseOrder:
    """An order of a school whose subscription the principal manages. Raises `NotFound`."""
    return find(tx, PurchaseOrder, public_id, permission=BILLING_MANAGE)


def invoice_of(tx: Transaction, public_id: str) -> Invoice:
    """An invoice of a school whose subscription the principal manages. Raises `NotFound`."""
    return find(tx, Invoice, public_id, permission=BILLING_MANAGE)


def under_way(tx: Transaction, customer: Customer) -> PurchaseOrder | None:
    """The order of a school that Stripe has not sent an invoice for yet."""
    mine = rows_of(tx.principal, PurchaseOrder, BILLING_READ).where(
        PurchaseOrder.customer_id == customer.id, PurchaseOrder.state.in_(UNDER_WAY)
    )
    return tx.scalars(mine).one_or_none()


def runs(tx: Transaction, customer_id: int) -> bool:
    """Whether a customer has a subscription that is not over."""
    mine = rows_of(tx.principal, Subscription, BILLING_READ).where(
        Subscription.customer_id == customer_id, Subscription.status.in_(RUNS)
    )
    return tx.scalars(mine.limit(1)).first() is not None


def order_for(tx: Transaction, quote: Quote) -> PurchaseOrder | None:
    """The order that a quote led to."""
    mine = rows_of(tx.principal, PurchaseOrder, BILLING_READ).where(PurchaseOrder.quote_id == quote.id)
    return tx.scalars(mine).one_or_none()
