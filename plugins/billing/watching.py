"""What founders see of payments: numbers, months, failures and differences. They change nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select, update

from backoffice import clock
from backoffice.access.permissions import SCHOOLS_READ
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.schools.models import District, School
from backoffice.storage.numbers import one_of
from plugins.billing.models import (
    RUNS,
    Customer,
    Drift,
    EventState,
    Invoice,
    InvoiceStatus,
    Status,
    StripeEvent,
    Subscription,
)
from plugins.billing.orders.models import PurchaseOrder, Quote
from plugins.billing.permissions import BILLING_WATCH
from plugins.billing.taking import TAKE_IN

MONTHS, SHOWN = 12, 20
LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Figures:
    """How many subscriptions run, how many of these are tried out and owed, and their seats.

    `yearly` is what they are worth in a year by currency, in its smallest unit. Of messages from Stripe how
    many failed and wait, and how many differences were not mended.
    """

    running: int
    tried_out: int
    owed: int
    seats: int
    yearly: Mapping[str, int]
    failed: int
    waiting: int
    differs: int


@dataclass(frozen=True)
class Month:
    """What was paid in a calendar month of the reader's zone, in the smallest unit of one currency."""

    begins: datetime
    paid: int


def figures(tx: Transaction) -> Figures:
    """The numbers of the whole service, as far as the principal may see them."""
    running = visible(tx.principal, select(Subscription), BILLING_WATCH).where(Subscription.status.in_(RUNS))
    some = running.subquery()
    yearly = some.c.amount * some.c.seats * 12 / some.c.months
    paid_for = some.c.status != Status.TRIALING
    rows = tx.rows(
        select(
            some.c.currency,
            func.count().label("running"),
            func.count().filter(~paid_for).label("tried_out"),
            func.count().filter(some.c.status.in_((Status.PAST_DUE, Status.UNPAID))).label("owed"),
            func.sum(some.c.seats).label("seats"),
            func.sum(case((paid_for, yearly), else_=0)).label("yearly"),
        ).group_by(some.c.currency)
    )
    told = visible(tx.principal, select(StripeEvent), BILLING_WATCH).subquery()
    differs = visible(tx.principal, select(Drift), BILLING_WATCH).where(Drift.mended_at.is_(None)).subquery()
    count = func.count()
    return Figures(
        running=sum(each.running for each in rows),
        tried_out=sum(each.tried_out for each in rows),
        owed=sum(each.owed for each in rows),
        seats=int(sum(each.seats for each in rows)),
        yearly={each.currency: int(each.yearly) for each in rows if each.yearly},
        failed=tx.scalar(select(count).select_from(told).where(told.c.state == EventState.FAILED)) or 0,
        waiting=tx.scalar(select(count).select_from(told).where(told.c.state == EventState.WAITING)) or 0,
        differs=tx.scalar(select(count).select_from(differs)) or 0,
    )


def revenue(tx: Transaction) -> tuple[str, Sequence[Month]]:
    """What was paid in each of the last twelve months, this one included, and in which currency.

    Of several currencies that in which most was paid.
    """
    zone = ZoneInfo(tx.principal.time_zone)
    months = _months(clock.now().astimezone(zone))
    mine = visible(tx.principal, select(Invoice), BILLING_WATCH)
    some = mine.where(Invoice.status == InvoiceStatus.PAID, Invoice.paid_at >= months[0]).subquery()
    begins = func.date_trunc("month", some.c.paid_at, str(zone))
    rows = tx.rows(
        select(some.c.currency, begins.label("begins"), func.sum(some.c.paid).label("paid")).group_by(
            some.c.currency, begins
        )
    )
    total: dict[str, int] = {}
    for row in rows:
        total[row.currency] = total.get(row.currency, 0) + int(row.paid)
    currency = max(total, key=total.__getitem__, default="usd")
    paid = {row.begins.astimezone(zone): int(row.paid) for row in rows if row.currency == currency}
    return currency, [Month(each, paid.get(each, 0)) for each in months]


def _months(now: datetime) -> Sequence[datetime]:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = [first]
    for _ in range(MONTHS - 1):
        before = found[-1] - timedelta(days=1)
        found.append(before.replace(day=1, hour=0))
    return found[::-1]


def failures(tx: Transaction) -> Sequence[Invoice]:
    """Invoices that a card did not pay, or nobody in time, the newest first."""
    mine = visible(tx.principal, select(Invoice), BILLING_WATCH)
    late = or_(Invoice.attempts > 0, Invoice.due_at < clock.now())
    failed = mine.where(Invoice.status == InvoiceStatus.OPEN, late)
    return tx.scalars(failed.order_by(Invoice.made_at.desc()).limit(SHOWN)).all()


def invoices_of(tx: Transaction, orders: Sequence[PurchaseOrder]) -> Mapping[str, Invoice]:
    """The invoice that each of these orders led to, by what Stripe calls the subscription."""
    mine = visible(tx.principal, select(Invoice), BILLING_WATCH)
    some = mine.where(
        one_of(Invoice.customer_id, {each.customer_id for each in orders}),
        Invoice.subscription.in_([each.subscription for each in orders if each.subscription]),
    )
    found: dict[str, Invoice] = {}
    for each in tx.scalars(some.order_by(Invoice.made_at, Invoice.id)):
        found.setdefault(str(each.subscription), each)
    return found


def drifts(tx: Transaction) -> Sequence[Drift]:
    """Where what is here and what Stripe has differed, the newest first."""
    mine = visible(tx.principal, select(Drift), BILLING_WATCH)
    return tx.scalars(mine.order_by(Drift.found_at.desc(), Drift.id.desc()).limit(SHOWN)).all()


def payers_of(tx: Transaction, customers: Sequence[int]) -> Mapping[int, School | District]:
    """Which school or district each of these customers is, as far as the principal may see them."""
    mine = visible(tx.principal, select(Customer), BILLING_WATCH).where(one_of(Customer.id, customers))
    found = tx.scalars(mine).all()
    schools = _by_number(tx, School, [each.school_id for each in found if each.school_id])
    districts = _by_number(tx, District, [each.district_id for each in found if each.district_id])
    named = {each.id: schools.get(each.school_id) or districts.get(each.district_id) for each in found}
    return {number: place for number, place in named.items() if place is not None}


def quotes_by_number(tx: Transaction, numbers: Sequence[int]) -> Mapping[int, Quote]:
    """Quotes that were ordered, by their numbers."""
    mine = visible(tx.principal, select(Quote), BILLING_WATCH).where(one_of(Quote.id, numbers))
    return {each.id: each for each in tx.scalars(mine)}


def _by_number(tx: Transaction, entity: Any, numbers: Sequence[int]) -> Mapping[int | None, Any]:
    mine = visible(tx.principal, select(entity), SCHOOLS_READ).where(one_of(entity.id, numbers))
    return {each.id: each for each in tx.scalars(mine)}


def replay(*, principal: Principal, events: Which) -> int:
    """Have these messages taken in once more, whatever became of them; how many they are.

    What comes of it is asked of Stripe anew, so that doing it twice does no harm.

    Raises `Denied`, `Rejected`.
    """
    with transaction(principal) as tx:
        require(tx.principal, BILLING_WATCH)
        chosen = selected(tx, StripeEvent, events, BILLING_WATCH)
        tx.execute(
            update(StripeEvent)
            .where(one_of(StripeEvent.id, chosen))
            .values(state=EventState.WAITING, attempts=0, next_try_at=clock.now(), done_at=None)
            .execution_options(synchronize_session=False)
        )
        if chosen:
            queue.defer(tx, TAKE_IN)
        record(tx, "billing.replay", events=sorted(chosen))
    return len(chosen)
