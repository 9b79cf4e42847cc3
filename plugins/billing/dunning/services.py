"""Writing what is due, each thing once: that it was written stands in the transaction that writes it."""

from collections.abc import Callable, Collection, Iterable

import structlog

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.messages.services import tell
from plugins.billing import events, plans
from plugins.billing.dunning import due, queries
from plugins.billing.dunning.due import Due
from plugins.billing.dunning.messages import BY
from plugins.billing.models import Customer, Invoice, Reminder, ReminderKind
from plugins.billing.payers import note, payer_of

logger = structlog.get_logger("backoffice.billing")


def look_after(*, principal: Purpose, progress: Callable[[int], None] = lambda _done: None) -> int:
    """Write to every school and district what is due where it is day; how many things were told.

    Each has its own transaction. One that somebody else is at has its turn the next time.
    """
    now, told = clock.now(), 0
    with transaction(principal) as tx:
        found = [number for number, zone in queries.to_look_after(tx, now) if due.is_day(zone, now)]
    for done, number in enumerate(found, 1):
        try:
            with transaction(principal) as tx:
                customer = queries.locked(tx, number)
                if customer is not None:
                    told += _write_due(tx, customer)
        except Exception as error:  # noqa: BLE001 - one customer must not keep all others waiting
            logger.warning("not reminded", why=type(error).__name__)
        progress(done)
    return told


def payment_failed(tx: Transaction, event: events.PaymentFailed) -> None:
    """Write at once that a payment failed: once until it is paid, however often a card is asked again."""
    _write_due(tx, tx.get_one(Customer, event.customer_id), only=(ReminderKind.PAYMENT_FAILED,))


def invoice_paid(tx: Transaction, event: events.InvoicePaid) -> None:
    """Write at once that an invoice is paid."""
    customer, now = tx.get_one(Customer, event.customer_id), clock.now()
    standing = queries.standing(tx, customer, plans.current(), now)
    if standing is None:
        return
    found = due.paid(standing, tx.get_one(Invoice, event.invoice_id), now)
    _write(tx, customer, [found] if found is not None else [])


def _write_due(
    tx: Transaction, customer: Customer, only: Collection[ReminderKind] = tuple(ReminderKind)
) -> int:
    now = clock.now()
    standing = queries.standing(tx, customer, plans.current(), now)
    if standing is None:
        return 0
    found = due.due(standing, plans.current(), now)
    return _write(tx, customer, [each for each in found if each.kind in only])


def _write(tx: Transaction, customer: Customer, found: Iterable[Due]) -> int:
    """Write these; how many. While nobody manages the subscription, nothing counts as told."""
    found = list(found)
    people = queries.managers(tx, customer) if found else ()
    if not people:
        return 0
    payer = payer_of(tx, customer)
    for each in found:
        tx.add(Reminder(customer_id=customer.id, kind=each.kind, of_what=each.about, written_at=clock.now()))
        for to in people:
            tell(
                tx,
                BY[each.kind],
                to=to,
                parameters=each.parameters,
                subject=payer.public_id,
                once=each.about,
                school_id=customer.school_id,
            )
        note(tx, "billing.remind", payer, customer=customer.id, kind=each.kind)
    tx.flush()
    return len(found)
