"""Quotes and orders of a school, for whoever manages what it pays."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select

from backoffice.access.lookup import NotFound, find, rows_of
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import School
from plugins.billing.models import Customer, Invoice
from plugins.billing.orders.models import UNDER_WAY, PurchaseOrder, Quote
from plugins.billing.permissions import BILLING_READ
from plugins.billing.queries import SHOWN, customer_of

T = TypeVar("T", Quote, PurchaseOrder, Invoice)


def quotes_of(tx: Transaction, customer: Customer) -> Sequence[tuple[Quote, PurchaseOrder | None]]:
    """The quotes of a school with the order that each led to, if it did; the newest first."""
    wanted = select(Quote, PurchaseOrder).join(
        PurchaseOrder, PurchaseOrder.quote_id == Quote.id, isouter=True
    )
    mine = visible(tx.principal, wanted, BILLING_READ).where(Quote.customer_id == customer.id)
    rows = tx.execute(mine.order_by(Quote.made_at.desc(), Quote.id.desc()).limit(SHOWN)).all()
    return [(quote, order) for quote, order in rows]


def quote_of(tx: Transaction, school: School, public_id: str) -> Quote:
    """A quote of a school. Raises `NotFound`."""
    return _of(tx, school, find(tx, Quote, public_id))


def order_of(tx: Transaction, school: School, public_id: str) -> PurchaseOrder:
    """An order of a school. Raises `NotFound`."""
    return _of(tx, school, find(tx, PurchaseOrder, public_id))


def invoice_of(tx: Transaction, school: School, public_id: str) -> Invoice:
    """An invoice of a school. Raises `NotFound`."""
    return _of(tx, school, find(tx, Invoice, public_id))


def under_way(tx: Transaction, customer: Customer) -> PurchaseOrder | None:
    """The order of a school that Stripe has not sent an invoice for yet."""
    mine = rows_of(tx.principal, PurchaseOrder, BILLING_READ).where(
        PurchaseOrder.customer_id == customer.id, PurchaseOrder.state.in_(UNDER_WAY)
    )
    return tx.scalars(mine).one_or_none()


def order_for(tx: Transaction, quote: Quote) -> PurchaseOrder | None:
    """The order that a quote led to."""
    mine = rows_of(tx.principal, PurchaseOrder, BILLING_READ).where(PurchaseOrder.quote_id == quote.id)
    return tx.scalars(mine).one_or_none()


def _of(tx: Transaction, school: School, found: T) -> T:
    customer = customer_of(tx, school)
    if customer is None or found.customer_id != customer.id:
        raise NotFound
    return found
