"""What no message has told is found at night, written down, and taken over."""

from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from plugins.billing import asking
from plugins.billing.models import Customer, Drift, DriftKind, Status, Subscription
from plugins.billing.reconciling import reconcile
from tests.factories.world import SYSTEM, World
from tests.plugins.billing.conftest import Told, bought, held_by
from tests.stripe_stand_in.running import StandIn

NIGHT = Purpose("billing.reconcile")


def drifts(thing: str) -> list[tuple[str, bool]]:
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(Drift).where(Drift.stripe_id == thing).order_by(Drift.id))
        return [(each.kind, each.mended_at is not None) for each in found]


def _all(named: list[str]) -> list[Subscription]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(Subscription).where(Subscription.stripe_id.in_(named))))


def test_where_all_is_told_nothing_differs(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    with transaction(SYSTEM) as tx:
        made_up = select(Subscription).join(Customer, Customer.id == Subscription.customer_id)
        unknown = len(tx.scalars(made_up.where(Customer.school_id != world.elsewhere.id)).all())
    found = reconcile(NIGHT, asking.current().client)
    assert (found.looked_at > 0, found.differed, found.mended) == (True, unknown, 0)


def test_of_whoever_was_deleted_at_stripe_nothing_runs(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    with transaction(SYSTEM) as tx:
        named = tx.get_one(Customer, held.customer_id).stripe_id
    asking.current().client.v1.customers.delete(str(named))
    told.new()
    reconcile(NIGHT, asking.current().client)
    after = held_by(world.elsewhere)
    assert after is not None
    assert after.status == Status.CANCELED


def test_a_message_that_was_lost_is_made_good(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    asking.current().client.v1.subscriptions.cancel(held.stripe_id)
    told.new()  # and told to nobody
    reconcile(NIGHT, asking.current().client)
    after = held_by(world.elsewhere)
    assert after is not None
    assert after.status == Status.CANCELED
    assert drifts(held.stripe_id) == [(DriftKind.DIFFERS, True)]


def test_one_that_never_came_is_found(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.new()
    reconcile(NIGHT, asking.current().client)
    held = held_by(world.elsewhere)
    assert held is not None
    assert drifts(held.stripe_id) == [(DriftKind.MISSING_HERE, True)]


def test_of_another_stripe_nothing_is_believed(world: World, told: Told) -> None:
    """The world's own, of which the stand-in has never heard: somebody has set another key."""
    with transaction(SYSTEM) as tx:
        made_up = list(tx.scalars(select(Subscription.stripe_id)))
    reconcile(NIGHT, asking.current().client)
    assert {each.status for each in _all(made_up)} == {Status.ACTIVE}
    assert [drifts(each)[-1] for each in made_up] == [(DriftKind.MISSING_THERE, False)] * len(made_up)


def test_what_differs_no_longer_waits_for_nobody(world: World, told: Told, stand_in: StandIn) -> None:
    client = stand_in.client()
    stranger = client.v1.customers.create({"email": "somebody@else.example"})
    prices = stand_in.control.seed()
    made = client.v1.subscriptions.create(
        {
            "customer": stranger.id,
            "items": [{"price": prices["school_seat_yearly"], "quantity": 6}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )
    for _night in range(2):
        reconcile(NIGHT, asking.current().client)
        assert drifts(made.id) == [(DriftKind.MISSING_HERE, False)]
    client.v1.subscriptions.cancel(made.id)
    reconcile(NIGHT, asking.current().client)
    assert drifts(made.id) == [(DriftKind.MISSING_HERE, True)]


def test_somebody_elses_is_written_down_and_left(told: Told, stand_in: StandIn) -> None:
    client = stand_in.client()
    prices = stand_in.control.seed()
    stranger = client.v1.customers.create({"email": "somebody@else.example"})
    made = client.v1.subscriptions.create(
        {
            "customer": stranger.id,
            "items": [{"price": prices["school_seat_yearly"], "quantity": 6}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )
    reconcile(NIGHT, asking.current().client)
    assert drifts(made.id) == [(DriftKind.MISSING_HERE, False)]
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Customer).where(Customer.stripe_id == stranger.id)).all() == []


def test_one_that_is_over_here_and_not_there_waits_for_a_person(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    with transaction(SYSTEM) as tx:
        row = tx.get_one(Subscription, held.id)
        row.status, row.ended_at = Status.CANCELED, row.begun_at
    reconcile(NIGHT, asking.current().client)
    after = held_by(world.elsewhere)
    assert after is not None
    assert after.status == Status.CANCELED
    assert drifts(held.stripe_id) == [(DriftKind.DIFFERS, False)]
