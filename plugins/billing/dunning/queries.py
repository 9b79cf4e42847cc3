"""Whose payments have to be looked after, who manages them, and what they were told."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.outbox.mail import Recipient
from backoffice.privacy.erasure.plan import OWN
from backoffice.schools import grown_ups
from backoffice.schools.models import District, Membership, Role, School, SchoolKind
from plugins.billing import queries
from plugins.billing.dunning.due import ENDS, INVOICE, LATE, TRIAL, Standing
from plugins.billing.models import (
    RUNS,
    Customer,
    Invoice,
    InvoiceStatus,
    PlanName,
    Reminder,
    Status,
    Subscription,
)
from plugins.billing.payers import payer_of, way_to
from plugins.billing.plans import Plans
from plugins.billing.standing import Force, Held, force_of

# A place's day may begin a day before ours.
_MARGIN = 1


def to_look_after(tx: Transaction, now: datetime) -> Iterator[tuple[int, ZoneInfo]]:
    """The customers of which something ends soon, is owed, or was over lately, each with its zone."""

    def within(days: int) -> datetime:
        return now + timedelta(days=days + _MARGIN)

    mine = Subscription.customer_id == Customer.id
    of_subscription = or_(
        Subscription.owed_since.is_not(None),
        Subscription.trial_until <= within(TRIAL),
        Subscription.ends_at <= within(ENDS),
        and_(Subscription.by_invoice, Subscription.period_until <= within(ENDS)),
    )
    asked = or_(
        exists().where(mine, Subscription.status.in_(RUNS), of_subscription),
        exists().where(mine, Subscription.status == Status.PAUSED, Subscription.trial_until > now - LATE),
        exists().where(mine, Subscription.status == Status.CANCELED, Subscription.ended_at > now - LATE),
        exists().where(
            Invoice.customer_id == Customer.id,
            Invoice.status == InvoiceStatus.OPEN,
            Invoice.due_at.between(now - LATE - timedelta(days=_MARGIN), within(INVOICE)),
        ),
    )
    found = (
        select(Customer.id, func.coalesce(School.time_zone, District.time_zone))
        .outerjoin(School, School.id == Customer.school_id)
        .outerjoin(District, District.id == Customer.district_id)
        .where(asked)
        .order_by(Customer.id)
    )
    for number, zone in tx.rows(found):
        yield number, ZoneInfo(zone)


def locked(tx: Transaction, number: int) -> Customer | None:
    """A customer, kept from everybody else; None while somebody else has it, who may be asking Stripe."""
    wanted = select(Customer).where(Customer.id == number).with_for_update(skip_locked=True)
    return tx.scalars(wanted).one_or_none()


def standing(tx: Transaction, customer: Customer, plans: Plans, now: datetime) -> Standing | None:
    """All that is here of a customer; None of a school that is being erased, to which nobody writes."""
    place = payer_of(tx, customer)
    school = place if isinstance(place, School) else None
    if school is not None and school.erasing_since is not None:
        return None
    subscriptions = _of(tx, Subscription, customer)
    held = [_held(each) for each in subscriptions]
    if school is not None:
        # What the district has subscribed to counts for its schools.
        held += [
            Held(PlanName(row.plan) if row.plan else None, Status(row.status), row.seats, row.owed_since)
            for row in queries.standing_of(tx, school.id)
        ]
    counts = any(each.plan is not None and force_of(each, plans, now) is not Force.OVER for each in held)
    return Standing(
        place=place.name,
        page=f"console/billing/{way_to(place)}",
        zone=ZoneInfo(place.time_zone),
        subscriptions=subscriptions,
        invoices=_of(tx, Invoice, customer),
        said=_of(tx, Reminder, customer),
        is_free=not counts,
    )


def managers(tx: Transaction, customer: Customer) -> Sequence[Recipient]:
    """Who manages a subscription: who leads the school or its district, or whose own school it is."""
    if customer.school_id is None:
        people = _who(tx, Membership.district_id == customer.district_id, Membership.role == Role.LEADER)
    else:
        school = tx.get_one(School, customer.school_id)
        people = (
            _who(tx, Membership.school_id == school.id, Membership.origin.in_(OWN))
            if school.kind == SchoolKind.PERSONAL
            else grown_ups.leaders(tx, school)
        )
    return [Recipient(each.id, each.email, each.name, each.language) for each in people]


def _who(tx: Transaction, *conditions: ColumnElement[bool]) -> Sequence[Account]:
    there = select(Membership.account_id).where(*conditions, Membership.suspended_at.is_(None))
    found = select(Account).where(Account.id.in_(there), Account.status.in_(WRITTEN_TO))
    return tx.scalars(found.order_by(Account.id)).all()


def _held(row: Subscription) -> Held:
    return Held(PlanName(row.plan) if row.plan else None, Status(row.status), row.seats, row.owed_since)


def _of(tx: Transaction, model: Any, customer: Customer) -> Sequence[Any]:
    return tx.scalars(select(model).where(model.customer_id == customer.id).order_by(model.id)).all()
