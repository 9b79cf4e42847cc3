"""Asking for a quote, ordering what it says, and saying that a cheque or transfer paid an invoice.

An order is noted here and placed at Stripe by a job. What was paid is Stripe's record, and nowhere else.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from babel.numbers import get_currency_precision

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import LONGEST as LONGEST_ADDRESS
from backoffice.accounts.services import proof
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.storage.public_id import new_public_id
from plugins.billing import papers, plans, prices
from plugins.billing.asking import plain
from plugins.billing.cards import card_numbers
from plugins.billing.models import Customer, InvoiceStatus
from plugins.billing.orders import queries
from plugins.billing.orders.models import OrderState, PurchaseOrder, Quote
from plugins.billing.payers import note, payer_behind, without_card
from plugins.billing.services import (
    HAS_ONE,
    NO_SUCH_PRICE,
    REFRESH,
    begun,
    client,
    may_buy,
    seats_of,
    unless_covered,
    while_waiting,
)

PLACE = "billing.place-orders"
# Stripe prints more of a field; what offices of schools write is shorter.
LONGEST_NUMBER = 30
# A cheque is written before it is entered, and not long before.
OLDEST = timedelta(days=180)
WRITE_NUMBER = lazy("Write the number of the purchase order, with 30 letters and digits at most.")
WRITE_ADDRESS = lazy("Write the e-mail address to which the invoice is to go.")
NO_CARD = lazy("This is the number of a payment card. Those are typed at Stripe, and nowhere here.")
QUOTE_OVER = lazy("This quote is no longer valid. Make a new one, then order that.")
ORDERED = lazy("This quote has been ordered already.")
UNDER_WAY = lazy("Another order is on its way. Wait until its invoice is sent.")
NOT_FAILED = lazy("This order is on its way already.")
NOT_OPEN = lazy("This invoice is not to be paid: it is paid already, or void. Load the page anew.")
OTHER_AMOUNT = lazy("This is not what the invoice asks for. Write the amount that stands beside it.")
NO_SUCH_DAY = lazy("Write the day of the cheque or transfer, not in the future and at most half a year back.")
CHOOSE = lazy("Choose whether it was a cheque or a transfer.")
WRITE_REFERENCE = lazy("Write the number of the cheque or transfer, with 30 letters and digits at most.")


class Way(StrEnum):
    """How something was paid without Stripe: the words that Stripe's record says."""

    CHEQUE = "check"
    TRANSFER = "transfer"


@dataclass(frozen=True)
class Ordered:
    """What a school hands in to order: its number, where the invoice goes, and the paper."""

    number: str
    invoice_to: str
    file: bytes = field(repr=False)


@dataclass(frozen=True)
class Paid:
    """What a school says that it paid: how, under which number, when, and how much, as typed."""

    way: str
    reference: str
    on: date | None
    amount: str


def quote(*, principal: Principal, payer: str, price: str, seats: int) -> str:
    """A quote for so many seats at one of the plans' prices, as Stripe has it now; its public identifier.

    Raises `Rejected`, `NotFound`.
    """
    plan = plans.current().of_price(price)
    with transaction(principal) as tx:
        place = without_card(tx, payer)
        stripe = client()
        if plan is None or not (plan.per_seat and may_buy(place, plan.name)):
            raise Rejected(price=NO_SUCH_PRICE)
        wanted = seats_of(seats, plan)
        unless_covered(tx, place)
    with while_waiting():
        found = prices.one(stripe, price)
    now, public = clock.now(), new_public_id()
    with transaction(principal) as tx:
        place = without_card(tx, payer)
        customer = begun(tx, place)
        row = Quote(
            public_id=public,
            customer_id=customer.id,
            plan=plan.name,
            price=price,
            price_named=found.named,
            seats=wanted,
            amount=found.amount,
            currency=found.currency,
            months=found.months,
            made_at=now,
            until_at=now + plans.current().quote,
        )
        tx.add(row)
        tx.flush()
        note(tx, "billing.quote", place, quote=row.id, price=price, seats=wanted)
    return public


def order(*, principal: Principal, quote: str, ordered: Ordered) -> str:
    """Order what a quote says, to be paid by invoice; the order's public identifier. A job places it.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    number = _reference(number=ordered.number, problem=WRITE_NUMBER)
    invoice_to = ordered.invoice_to.strip()
    if not 3 <= len(invoice_to) <= LONGEST_ADDRESS or "@" not in invoice_to:  # noqa: PLR2004
        raise Rejected(invoice_to=WRITE_ADDRESS)
    kind, public, now = papers.kind_of(ordered.file), new_public_id(), clock.now()
    with transaction(principal) as tx:
        proof.demand(tx)
        asked = queries.quote_of(tx, quote)
        # What cannot be placed is not taken: nobody would know that it waits.
        client()
        place = payer_behind(tx, asked.customer_id)
        # Two forms sent at once: the second waits here, and finds what the first ordered.
        customer = tx.get_one(Customer, asked.customer_id, with_for_update=True)
        if queries.order_for(tx, asked) is not None:
            raise Rejected.whole(ORDERED)
        if asked.until_at <= now:
            raise Rejected.whole(QUOTE_OVER)
        if queries.runs(tx, customer.id):
            raise Rejected.whole(HAS_ONE)
        unless_covered(tx, place)
        if queries.under_way(tx, customer) is not None:
            raise Rejected.whole(UNDER_WAY)
        row = PurchaseOrder(
            public_id=public,
            customer_id=customer.id,
            quote_id=asked.id,
            number=number,
            invoice_to=invoice_to,
            file=ordered.file,
            file_kind=kind,
            placed_at=now,
            state=OrderState.WAITING,
        )
        tx.add(row)
        tx.flush()
        note(tx, "billing.order", place, order=row.id, quote=asked.id, seats=asked.seats)
        queue.defer(tx, PLACE)
    return public


def order_again(*, principal: Principal, order: str) -> None:
    """Have an order placed once more that could not be placed.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        row = queries.order_of(tx, order)
        client()
        place = payer_behind(tx, row.customer_id)
        customer = tx.get_one(Customer, row.customer_id, with_for_update=True)
        if row.state != OrderState.FAILED:
            raise Rejected.whole(NOT_FAILED)
        now = clock.now()
        # What Stripe has begun has to come to its end: there is no other way to its invoice.
        if row.subscription is None and not queries.runs(tx, customer.id):
            if tx.get_one(Quote, row.quote_id).until_at <= now:
                raise Rejected.whole(QUOTE_OVER)
            unless_covered(tx, place)
        if queries.under_way(tx, customer) is not None:
            raise Rejected.whole(UNDER_WAY)
        row.state, row.placed_at = OrderState.WAITING, now
        note(tx, "billing.order-again", place, order=row.id)
        queue.defer(tx, PLACE)


def order_file(*, principal: Principal, order: str) -> tuple[bytes, papers.FileKind]:
    """The paper of an order, and what kind of file it is. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = queries.order_of(tx, order)
        place = payer_behind(tx, row.customer_id)
        note(tx, "billing.order-file", place, order=row.id)
        return row.file, papers.FileKind(row.file_kind)


def pay_outside(*, principal: Principal, invoice: str, paid: Paid) -> None:
    """Have Stripe count an invoice as paid by a cheque or transfer, of all that it asks for.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    today = clock.now().date()
    if paid.way not in set(Way):
        raise Rejected(way=CHOOSE)
    reference = _reference(reference=paid.reference, problem=WRITE_REFERENCE)
    # A day ahead of London's is today's somewhere.
    if paid.on is None or not today - OLDEST <= paid.on <= today + timedelta(days=1):
        raise Rejected(on=NO_SUCH_DAY)
    with transaction(principal) as tx:
        proof.demand(tx)
        row = queries.invoice_of(tx, invoice)
        stripe = client()
        place = payer_behind(tx, row.customer_id)
        if row.status != InvoiceStatus.OPEN:
            raise Rejected.whole(NOT_OPEN)
        if _smallest(paid.amount, row.currency) != row.due - row.paid:
            raise Rejected(amount=OTHER_AMOUNT)
        named, customer, due = row.stripe_id, row.customer_id, row.due
        note(tx, "billing.pay-outside", place, invoice=row.id, way=paid.way)
    with while_waiting():
        found = plain(stripe.v1.invoices.retrieve(named))
        is_still_so = found["status"] == InvoiceStatus.OPEN and int(found["amount_due"]) == due
        if is_still_so:
            said = {"paid_by": paid.way, "reference": reference, "paid_on": paid.on.isoformat()}
            stripe.v1.invoices.update(named, {"metadata": said})
            stripe.v1.invoices.pay(
                named, {"paid_out_of_band": True}, {"idempotency_key": f"outside-{invoice}"}
            )
    with transaction(principal) as tx:
        queue.defer(tx, REFRESH, customer=customer)
    if not is_still_so:
        raise Rejected.whole(
            gettext("Stripe has changed this invoice since. Load the page anew and look at it.")
        )


def _reference(*, problem: str, **typed: str) -> str:
    """What was typed as the number of something, trimmed. Raises `Rejected` for the input."""
    ((name, text),) = typed.items()
    text = text.strip()
    if not (0 < len(text) <= LONGEST_NUMBER and text.isprintable()):
        raise Rejected(**{name: problem})
    if any(card_numbers(text)):
        raise Rejected(**{name: NO_CARD})
    return text


def _smallest(typed: str, currency: str) -> int | None:
    """A typed amount in the currency's smallest unit; None for what is none."""
    bare = typed.strip().lstrip("$€£").replace(",", "").strip()
    try:
        amount = Decimal(bare) * 10 ** get_currency_precision(currency.upper())
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and amount == amount.to_integral_value() else None
