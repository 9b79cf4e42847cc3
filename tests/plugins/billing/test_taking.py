"""Taking in what Stripe tells: in any order, as often as it comes, and whatever breaks in between."""

import random
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from plugins.billing import asking, services, sync, taking, watching
from plugins.billing.models import Customer, EventState, Invoice, InvoiceStatus, Status, StripeEvent
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.billing.conftest import WORKER, Told, bought, held_by
from tests.stripe_stand_in.running import StandIn


def states() -> dict[str, int]:
    """How many messages are how far, of those that the world does not have anyway."""
    with transaction(SYSTEM) as tx:
        counted = select(StripeEvent.state, func.count()).group_by(StripeEvent.state)
        newest = tx.scalar(select(func.max(StripeEvent.id))) or 0
        del newest
        return {row[0]: row[1] for row in tx.execute(counted)}


def test_a_school_subscribes(app: Flask, world: World, told: Told) -> None:
    bought(world, world.elsewhere, seats=12)
    assert held_by(world.elsewhere) is None
    assert told.all_and_taken_in().done > 3
    held = held_by(world.elsewhere)
    assert held is not None
    assert (held.plan, held.status, held.seats, held.amount) == ("school", Status.TRIALING, 12, 6000)
    page = signed_in(app, world, "leader").get(f"/console/billing/{world.elsewhere.public_id}").text
    assert "Being tried out" in page
    assert "$720 a year" in page


def test_the_order_makes_no_difference(world: World, told: Told) -> None:
    """Each several times, the last first: what Stripe has is what there is."""
    bought(world, world.elsewhere)
    client = asking.current().client
    told.tell(told.new())
    taking.take_in(WORKER, client)
    held = held_by(world.elsewhere)
    assert held is not None
    client.v1.subscriptions.update(held.stripe_id, {"metadata": {"n": "1"}})
    client.v1.subscriptions.cancel(held.stripe_id)
    late = told.new() * 3
    random.Random(7).shuffle(late)
    told.tell(late)
    taking.take_in(WORKER, client)
    ended = held_by(world.elsewhere)
    assert ended is not None
    assert (ended.status, ended.ended_at is not None) == (Status.CANCELED, True)


def test_nothing_revives_what_is_over(world: World, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even Stripe, were it to say so: a late answer that is still "active" leaves it ended."""
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    client = asking.current().client
    with transaction(SYSTEM) as tx:
        named = tx.get_one(Customer, held.customer_id).stripe_id
    alive = sync.ask(client, str(named))
    client.v1.subscriptions.cancel(held.stripe_id)
    told.all_and_taken_in()
    with transaction(SYSTEM) as tx:
        customer = tx.get_one(Customer, held.customer_id, with_for_update=True)
        sync.take_over(tx, customer, alive)
    after = held_by(world.elsewhere)
    assert after is not None
    assert after.status == Status.CANCELED


def test_what_breaks_in_the_middle_leaves_nothing_half(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(world, world.elsewhere)
    told.tell(told.new())
    waiting = states()[EventState.WAITING]

    def killed(*_arguments: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(sync, "_invoices", killed)
        with pytest.raises(KeyboardInterrupt):
            taking.take_in(WORKER, asking.current().client)
    assert (held_by(world.elsewhere), states()[EventState.WAITING]) == (None, waiting)
    assert taking.take_in(WORKER, asking.current().client).done == waiting
    assert held_by(world.elsewhere) is not None


def test_while_stripe_is_away_they_wait_longer_and_longer(
    world: World, told: Told, stand_in: StandIn
) -> None:
    bought(world, world.elsewhere)
    told.tell(told.new())
    many = states()[EventState.WAITING]
    stand_in.control.fail("/v1/subscriptions", times=100, status=503)
    client = asking.current().client
    assert taking.take_in(WORKER, client).waiting == many
    assert taking.take_in(WORKER, client).waiting == 0  # not yet due
    with time_machine.travel(clock.now(), tick=False) as moving:
        for pause in taking.AFTER:
            moving.shift(pause + timedelta(seconds=1))
            taking.take_in(WORKER, client)
        assert states()[EventState.FAILED] == many
        stand_in.control.mend()
        founder = world.sign_in("founder")
        with transaction(SYSTEM) as tx:
            failed = select(StripeEvent.public_id).where(StripeEvent.state == EventState.FAILED)
            events = list(tx.scalars(failed))
        assert watching.replay(principal=founder, events=events) == many
        assert taking.take_in(WORKER, client).done == many
    assert held_by(world.elsewhere) is not None


def test_what_nobody_here_understands_is_looked_at_by_a_person(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(world, world.elsewhere)
    told.tell(told.new())

    def strange(*_arguments: object) -> None:
        raise KeyError("items")

    with monkeypatch.context() as broken:
        broken.setattr(sync, "subscription_values", strange)
        taking.take_in(WORKER, asking.current().client)
    assert states()[EventState.FAILED] > 0
    assert held_by(world.elsewhere) is None


def test_messages_in_the_shape_of_older_versions_are_taken_in(world: World, told: Told) -> None:
    """Of 2020-08-27: the period on the subscription, a plan, a charge. What counts is asked anew."""
    bought(world, world.elsewhere, seats=7)
    new = {each["type"]: each for each in told.new()}
    for kind in ("customer.subscription.created", "invoice.paid"):
        each = new[kind]
        thing = each["data"]["object"]
        for name in ("parent", "pricing", "payments", "confirmation_secret"):
            thing.pop(name, None)
        item = (thing.get("items") or {"data": [{}]})["data"][0]
        for name in ("current_period_start", "current_period_end"):
            thing[name] = item.pop(name, None)
        thing |= {"plan": {"id": "school_seat_yearly", "amount": 1}, "quantity": 999, "charge": "ch_1"}
        told.tell([{**each, "api_version": "2020-08-27"}])
    assert taking.take_in(WORKER, asking.current().client).done == 2
    held = held_by(world.elsewhere)
    assert held is not None
    assert (held.seats, held.status) == (7, Status.TRIALING)


def test_what_is_about_nobody_here_is_kept(told: Told, stand_in: StandIn) -> None:
    stand_in.client().v1.customers.create({"metadata": {"somebody": "else"}})
    taken = told.all_and_taken_in()
    assert (taken.done, taken.kept) == (0, 1)


def test_an_invoice_is_taken_over_with_what_was_paid(world: World, told: Told, stand_in: StandIn) -> None:
    bought(world, world.elsewhere, seats=7)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    stand_in.client().v1.subscriptions.update(held.stripe_id, {"trial_end": "now"})
    told.all_and_taken_in()
    with transaction(SYSTEM) as tx:
        mine = select(Invoice).where(Invoice.customer_id == held.customer_id, Invoice.due > 0)
        (invoice,) = tx.scalars(mine).all()
    assert (invoice.status, invoice.paid, invoice.outside) == (InvoiceStatus.PAID, 42_000, False)


def test_a_second_subscription_is_refused_while_one_runs(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    with pytest.raises(Rejected) as refused:
        bought(world, world.elsewhere)
    assert refused.value.in_words == services.HAS_ONE
