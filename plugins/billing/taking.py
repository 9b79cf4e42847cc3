"""Taking in what Stripe tells: noted once by the web, worked off by workers, a customer by one at a time.

That a message is done with is written in the transaction that writes what came of it. A worker that is killed
leaves both undone; a message that comes twice is one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, exists, func, or_, select, update
from stripe import StripeClient

from backoffice import clock
from backoffice.access.principal import Nobody, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.jobs import queue
from backoffice.storage.public_id import new_public_id
from plugins.billing import sync
from plugins.billing.asking import Unreachable
from plugins.billing.models import Customer, EventState, StripeEvent

logger = structlog.get_logger("backoffice.billing")

TAKE_IN = "billing.take-in"
# After each attempt that failed, so long; after the last one a person looks at it.
AFTER = tuple(timedelta(minutes=n) for n in (1, 2, 5, 15, 30, 60, 120, 240, 480))
MOST = len(AFTER) + 1
# A run goes on for so long; what is left is taken in by the next one.
A_RUN = timedelta(minutes=2)
# So many customers in a row for whom Stripe cannot be reached, and it is not asked for the others.
PATIENCE = 3


@dataclass(frozen=True)
class Told:
    """What is kept of a message: its name at Stripe, its kind, whom and what it is about, and since when."""

    named: str
    kind: str
    customer: str | None
    thing: str | None
    happened_at: datetime | None


@dataclass
class Taken:
    """How many messages were done with, how many were about nothing here, and how many have to wait."""

    done: int = 0
    kept: int = 0
    waiting: int = 0


def note(told: Told, *, address: str | None = None) -> bool:
    """Note that Stripe told something, and have it taken in; whether it is new."""
    now = clock.now()
    with transaction(Nobody(address)) as tx:
        called = func.plugin_billing.take_event(
            new_public_id(), told.named, told.kind, told.customer, told.thing, told.happened_at, now
        )
        became = tx.scalar(select(called))
        # Where others wait already, a worker is on its way to them, and to this one.
        if became == "first":
            queue.defer(tx, TAKE_IN)
    return bool(became != "again")


def take_in(
    who: Purpose, stripe: StripeClient, *, progress: Callable[[int], None] = lambda _done: None
) -> Taken:
    """Take over from Stripe whatever messages that are due are about."""
    taken, ends, failures = Taken(kept=_keep_others(who)), clock.now() + A_RUN, 0
    while failures < PATIENCE and clock.now() < ends:
        done = _one(who, stripe)
        if done is None:
            break
        failures = failures + 1 if done < 0 else 0
        taken.done, taken.waiting = taken.done + max(done, 0), taken.waiting + max(-done, 0)
        progress(taken.done)
    return taken


def _one(who: Purpose, stripe: StripeClient) -> int | None:
    """Take in the messages about one customer: how many, None if there are none to take in.

    Less than nothing are those that have to wait.
    """
    number = 0
    try:
        with transaction(who) as tx:
            customer = _next(tx)
            if customer is None:
                return None
            number, events = customer.id, _due(tx, customer)
            # The customer's row is ours by now: nobody else asks Stripe about it until this is written.
            sync.take_over(tx, customer, sync.ask(stripe, str(customer.stripe_id)))
            now = clock.now()
            for event in events:
                event.state, event.done_at, event.attempts = EventState.DONE, now, event.attempts + 1
            return len(events)
    except Unreachable:
        return -_put_off(who, number, give_up=False)
    except Exception as error:  # noqa: BLE001 - one customer must not keep all others waiting
        # Stripe says what nobody here understands: a person looks at it, and it may be tried again.
        logger.warning("not taken in", why=type(error).__name__)
        return -_put_off(who, number, give_up=True)


def _is_due() -> list[ColumnElement[bool]]:
    return [StripeEvent.state == EventState.WAITING, StripeEvent.next_try_at <= clock.now()]


def _next(tx: Transaction) -> Customer | None:
    due = exists().where(StripeEvent.customer == Customer.stripe_id, *_is_due())
    free = select(Customer).where(due).order_by(Customer.id).limit(1)
    return tx.scalars(free.with_for_update(skip_locked=True)).one_or_none()


def _due(tx: Transaction, customer: Customer) -> list[StripeEvent]:
    about = select(StripeEvent).where(StripeEvent.customer == customer.stripe_id, *_is_due())
    return list(tx.scalars(about.order_by(StripeEvent.id).with_for_update()))


def _put_off(who: Purpose, customer: int, *, give_up: bool) -> int:
    """Try the messages about a customer again later, or have a person look at them; how many."""
    now = clock.now()
    with transaction(who) as tx:
        events = _due(tx, tx.get_one(Customer, customer))
        for event in events:
            event.attempts += 1
            if give_up or event.attempts >= MOST:
                event.state = EventState.FAILED
            else:
                event.next_try_at = now + AFTER[event.attempts - 1]
        return len(events)


def _keep_others(who: Purpose) -> int:
    """Put aside what is about no customer of ours; how many."""
    ours = exists().where(Customer.stripe_id == StripeEvent.customer)
    with transaction(who) as tx:
        put = (
            update(StripeEvent)
            .where(*_is_due(), or_(StripeEvent.customer.is_(None), ~ours))
            .values(state=EventState.KEPT, done_at=clock.now())
            .returning(StripeEvent.id)
            .execution_options(synchronize_session=False)
        )
        return len(tx.execute(put).all())
