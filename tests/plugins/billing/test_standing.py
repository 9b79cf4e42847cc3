"""Which plan is in force: computed from what Stripe said, at a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from backoffice.entitlements import Entitlement
from plugins.billing import plans
from plugins.billing.models import PlanName, Status
from plugins.billing.standing import Force, Held, force_of, limits

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
PLANS = plans.read(plans.FILE)
FREE = dict(PLANS.free.limits(1))


def held(
    status: Status, *, owed: timedelta | None = None, seats: int = 12, of_district: bool = False
) -> Held:
    plan = PlanName.DISTRICT if of_district else PlanName.SCHOOL
    return Held(plan, status, seats, None if owed is None else NOW - owed, of_district)


@pytest.mark.parametrize(
    ("status", "owed", "force"),
    [
        (Status.TRIALING, None, Force.PAID),
        (Status.ACTIVE, None, Force.PAID),
        (Status.PAST_DUE, timedelta(0), Force.GRACE),
        (Status.PAST_DUE, timedelta(days=14) - timedelta(seconds=1), Force.GRACE),
        (Status.PAST_DUE, timedelta(days=14), Force.OVER),
        (Status.UNPAID, timedelta(days=3), Force.GRACE),
        (Status.UNPAID, timedelta(days=90), Force.OVER),
        (Status.PAST_DUE, None, Force.OVER),
        *((status, None, Force.OVER) for status in (Status.INCOMPLETE, Status.PAUSED, Status.CANCELED)),
        (Status.INCOMPLETE_EXPIRED, None, Force.OVER),
    ],
)
def test_how_long_it_counts(status: Status, owed: timedelta | None, force: Force) -> None:
    assert force_of(held(status, owed=owed), PLANS, NOW) is force


def test_nothing_is_free() -> None:
    assert limits([], PLANS, NOW) == FREE
    assert limits([held(Status.CANCELED)], PLANS, NOW) == FREE


def test_a_school_has_as_many_seats_as_it_pays_for() -> None:
    assert limits([held(Status.ACTIVE)], PLANS, NOW) == {
        Entitlement.SEATS: 12,
        Entitlement.CLASSES: None,
        Entitlement.STUDENTS: None,
    }


def test_of_several_the_most_counts() -> None:
    """A district that pays, too, takes nothing from a school; one that pays no more, either."""
    both = [held(Status.ACTIVE, seats=5), held(Status.ACTIVE, seats=80, of_district=True)]
    assert limits(both, PLANS, NOW)[Entitlement.SEATS] == 80
    late = [held(Status.ACTIVE, seats=5), held(Status.UNPAID, owed=timedelta(days=40), seats=80)]
    assert limits(late, PLANS, NOW)[Entitlement.SEATS] == 5


def test_what_is_free_is_left_though_other_schools_have_all_seats_of_the_district() -> None:
    shared = Held(PlanName.DISTRICT, Status.ACTIVE, 50, None, of_district=True, taken_elsewhere=55)
    assert limits([shared], PLANS, NOW) == {**dict.fromkeys(Entitlement), Entitlement.SEATS: 2}


def test_a_plan_of_ones_own_limits_nothing_by_itself() -> None:
    """Stripe has a price for it that is in no plan of ours: it counts for nothing."""
    assert limits([Held(None, Status.ACTIVE, 3, None)], PLANS, NOW) == FREE
