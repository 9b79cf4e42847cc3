"""Which plan is in force: computed from what Stripe said, and never stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backoffice import clock, entitlements
from backoffice.access.transaction import Transaction
from backoffice.entitlements import Entitlement
from backoffice.schools.models import District, School
from plugins.billing import asking, queries
from plugins.billing.models import PlanName, Status
from plugins.billing.payers import Payer
from plugins.billing.plans import Plan, Plans, current


class Force(StrEnum):
    """Whether a subscription counts; in `grace` it does though a payment is owed, for some days."""

    PAID = "paid"
    GRACE = "grace"
    OVER = "over"


@dataclass(frozen=True)
class Held:
    """What was subscribed to, as far as it says what may be made."""

    plan: PlanName | None
    status: Status
    seats: int
    owed_since: datetime | None
    # Of a district, and how many of its seats people of other schools have.
    of_district: bool = False
    taken_elsewhere: int = 0


def force_of(held: Held, plans: Plans, now: datetime) -> Force:
    """Whether a subscription counts at a moment."""
    if held.status in {Status.TRIALING, Status.ACTIVE}:
        return Force.PAID
    if held.status in {Status.PAST_DUE, Status.UNPAID}:
        ends = grace_ends(held.owed_since, plans)
        return Force.GRACE if ends is not None and now < ends else Force.OVER
    return Force.OVER


def grace_ends(owed_since: datetime | None, plans: Plans) -> datetime | None:
    """Until when all stays as it is though a payment is owed."""
    return None if owed_since is None else owed_since + plans.grace


def limits(held: Iterable[Held], plans: Plans, now: datetime) -> Mapping[Entitlement, int | None]:
    """What may be had of each at most, None for as much as one likes. Of several that count, the most.

    What is free is never less for somebody who pays: other schools of a district may have all of its seats.
    """
    counting = [
        plan.limits(max(each.seats - each.taken_elsewhere, 0))
        for each in held
        if (plan := _counting(each, plans, now)) is not None
    ]
    found: dict[Entitlement, int | None] = {}
    for entitlement in Entitlement:
        of_each = [each.get(entitlement) for each in [*counting, plans.free.limits(1)]]
        known = [each for each in of_each if each is not None]
        found[entitlement] = None if len(known) < len(of_each) else max(known)
    return found


def entitled(tx: Transaction, school_id: int) -> Mapping[Entitlement, int | None]:
    """What a school may have at most by what it, or its district, has subscribed to.

    Where nothing can be bought, because no Stripe is connected, nothing is limited.
    """
    if not asking.is_connected():
        return dict.fromkeys(Entitlement)
    return limits(_held_by(tx, school_id), current(), clock.now())


def paying_district(tx: Transaction, school: School) -> str | None:
    """What the district is called that pays for a school, if one does."""
    plans, now = current(), clock.now()
    if not any(each.of_district and _counting(each, plans, now) for each in _held_by(tx, school.id)):
        return None
    return str(tx.get_one(District, school.district_id).name)


def limits_of(tx: Transaction, payer: Payer) -> Mapping[Entitlement, int | None]:
    """What whoever pays may have at most. Of a district there are none but what it pays for.

    What is free is free for each of its schools, and for none of them together.
    """
    if isinstance(payer, School):
        return entitled(tx, payer.id)
    customer = queries.customer_of(tx, payer)
    held = queries.subscription_of(tx, customer) if customer is not None else None
    if held is None or held.plan is None:
        return {}
    mine = Held(PlanName(held.plan), Status(held.status), held.seats, held.owed_since)
    plan = _counting(mine, current(), clock.now())
    return {} if plan is None else dict(plan.limits(held.seats))


def used(tx: Transaction, payer: Payer) -> Mapping[Entitlement, int]:
    """How many of each a school has, or the schools of a district together, each person once."""
    if isinstance(payer, School):
        return entitlements.used(tx, payer.id)
    return queries.used_by_district(tx, payer.id)


def teachers(tx: Transaction, payer: Payer) -> int:
    """For how many it would be bought as things are."""
    return used(tx, payer).get(Entitlement.SEATS, 1)


def _counting(held: Held, plans: Plans, now: datetime) -> Plan | None:
    """The plan by which a subscription lets anything be made; none of one at a price of no plan of ours."""
    if held.plan is None or force_of(held, plans, now) is Force.OVER:
        return None
    return plans.by_name[held.plan]


def _held_by(tx: Transaction, school_id: int) -> Sequence[Held]:
    return [
        Held(
            PlanName(row.plan) if row.plan else None,
            Status(row.status),
            row.seats,
            row.owed_since,
            of_district=row.of_district,
            taken_elsewhere=row.elsewhere,
        )
        for row in queries.standing_of(tx, school_id)
    ]
