"""Which plan is in force: computed from what Stripe said, and never stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.entitlements import Entitlement
from plugins.billing import asking, queries
from plugins.billing.models import PlanName, Status
from plugins.billing.plans import Plans, current


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
    of_district: bool = False


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
    """What may be had of each at most, None for as much as one likes. Of several that count, the most."""
    counting = [
        plans.by_name[each.plan].limits(each.seats)
        for each in held
        if each.plan is not None and force_of(each, plans, now) is not Force.OVER
    ]
    found: dict[Entitlement, int | None] = {}
    for entitlement in Entitlement:
        of_each = [each.get(entitlement) for each in counting or [plans.free.limits(1)]]
        known = [each for each in of_each if each is not None]
        found[entitlement] = None if len(known) < len(of_each) else max(known)
    return found


def entitled(tx: Transaction, school_id: int) -> Mapping[Entitlement, int | None]:
    """What a school may have at most by what it, or its district, has subscribed to.

    Where nothing can be bought, because no Stripe is connected, nothing is limited.
    """
    if not asking.is_connected():
        return dict.fromkeys(Entitlement)
    held = [
        Held(
            PlanName(row.plan) if row.plan else None,
            Status(row.status),
            row.seats,
            row.owed_since,
            of_district=row.of_district,
        )
        for row in queries.standing_of(tx, school_id)
    ]
    return limits(held, current(), clock.now())
