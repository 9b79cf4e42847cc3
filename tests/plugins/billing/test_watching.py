"""What founders see of payments: the numbers, the months, what was not paid, and what differed."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, insert, update

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.billing import asking, watching
from plugins.billing.models import Customer, Drift, DriftKind, Invoice, StripeEvent
from plugins.billing.orders.placing import place_orders
from plugins.billing.orders.services import Ordered, order, quote
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.billing.conftest import FAILS_LATER, WORKER, Told, bought, held_by
from tests.stripe_stand_in.running import StandIn

PDF = b"%PDF-1.7\nsigned by Ottilie Orderly\n%%EOF\n"


@pytest.fixture
def nobody_pays(stand_in: StandIn, told: Told) -> Told:
    """Nothing is kept of what the world pays anyway."""
    del stand_in
    with transaction(SYSTEM) as tx:
        for each in (Customer, StripeEvent, Drift):
            tx.execute(delete(each))
    return told


def figures(world: World) -> watching.Figures:
    with transaction(world.sign_in("founder")) as tx:
        return watching.figures(tx)


def test_numbers_and_months(app: Flask, world: World, nobody_pays: Told) -> None:
    told, client = nobody_pays, asking.current().client
    assert figures(world) == watching.Figures(0, 0, 0, 0, {}, 0, 0, 0)
    bought(world, world.elsewhere, seats=7)
    told.all_and_taken_in()
    # What is tried out is worth nothing yet.
    assert figures(world) == watching.Figures(1, 1, 0, 7, {}, 0, 0, 0)
    held = held_by(world.elsewhere)
    assert held is not None
    client.v1.subscriptions.update(held.stripe_id, {"trial_end": "now"})
    bought(world, world.home, seats=5, card=FAILS_LATER)
    told.all_and_taken_in()
    other = held_by(world.home)
    assert other is not None
    client.v1.subscriptions.update(other.stripe_id, {"trial_end": "now"})
    told.tell(told.new())
    with transaction(SYSTEM) as tx:
        assert figures(world).waiting > 0
        tx.execute(insert(Drift).values(customer="cus_1", stripe_id="sub_1", **_differs()))
    told.all_and_taken_in()
    assert figures(world) == watching.Figures(2, 0, 1, 12, {"usd": 72_000}, 0, 0, 1)
    with transaction(world.sign_in("founder")) as tx:
        currency, months = watching.revenue(tx)
        (failed,) = watching.failures(tx)
        (drift,) = watching.drifts(tx)
    assert (currency, [each.paid for each in months]) == ("usd", [0] * 11 + [42_000])
    assert (failed.customer_id, failed.due, drift.stripe_id) == (other.customer_id, 30_000, "sub_1")
    page = signed_in(app, world, "founder").get("/console/payments/").text
    for said in ("$720", "$420", "$300", world.home.name, "sub_1", "Not mended"):
        assert said in page


def _differs() -> dict[str, object]:
    return {"kind": DriftKind.MISSING_THERE, "found_at": clock.now()}


def test_orders_say_whether_their_invoice_is_paid(app: Flask, world: World, nobody_pays: Told) -> None:
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    quoted = quote(principal=leader, payer=school, price="school_seat_yearly", seats=12)
    order(principal=leader, quote=quoted, ordered=Ordered("PO-9", "office@school.example", PDF))
    founder = signed_in(app, world, "founder")

    def listed() -> str:
        return founder.get("/console/purchase-orders/").text

    assert "To be paid" not in listed()
    client = asking.current().client
    assert place_orders(WORKER, client).sent == 1
    nobody_pays.all_and_taken_in()
    assert "To be paid" in listed()
    with transaction(SYSTEM) as tx:
        tx.execute(update(Invoice).values(due_at=clock.now() - timedelta(days=1)))
    assert "Not paid in time" in listed()
    assert "$720" in founder.get("/console/payments/").text.partition("Not paid in time")[2]
    held = held_by(world.elsewhere)
    assert held is not None
    (invoice,) = client.v1.invoices.list({"subscription": held.stripe_id, "status": "open"}).data
    client.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    nobody_pays.all_and_taken_in()
    assert [each for each in ("Not paid in time", "To be paid") if each in listed()] == []
    assert "Paid" in listed()
