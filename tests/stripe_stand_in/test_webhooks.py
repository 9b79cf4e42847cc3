"""Webhooks: signed, in order, tried again, and delivered wrongly where a test asks for it."""

import json
import time
from pathlib import Path

import pytest
import stripe

from tests.stripe_stand_in.conftest import Taker
from tests.stripe_stand_in.running import StandIn

OLD = Path(__file__).parents[3] / "shared" / "data" / "stripe" / "events-2020-08-27"


def test_the_library_knows_the_signature(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker
) -> None:
    client.v1.customers.create({}, {"idempotency_key": "of-the-event"})
    assert stand_in.control.delivered()
    assert taker.kinds() == ["customer.created"]
    event = taker.taken[0]
    assert event["request"]["idempotency_key"] == "of-the-event"
    assert event["request"]["id"].startswith("req_")
    kept = client.v1.events.retrieve(event["id"])
    assert (kept.type, kept.pending_webhooks) == ("customer.created", 0)
    assert [one.id for one in client.v1.events.list({"type": "customer.created", "limit": 1}).data] == [
        event["id"]
    ]


def test_what_is_not_taken_comes_again(client: stripe.StripeClient, stand_in: StandIn, taker: Taker) -> None:
    taker.statuses[:] = [500, 302]
    made = client.v1.customers.create({})
    assert stand_in.control.delivered()
    assert [one["data"]["object"]["id"] for one in taker.taken] == [made.id]
    tries = stand_in.control.deliveries()
    assert [(one["attempt"], one["status"]) for one in tries] == [(1, 500), (2, 302), (3, 200)]


def test_pause_and_loss(client: stripe.StripeClient, stand_in: StandIn, taker: Taker) -> None:
    stand_in.control.pause()
    client.v1.customers.create({})
    assert not stand_in.control.delivered(0.2)
    assert taker.taken == []
    assert stand_in.control.drop() == 1
    stand_in.control.resume()
    client.v1.customers.create({})
    assert stand_in.control.delivered()
    assert len(taker.taken) == 1


def test_wrong_deliveries(client: stripe.StripeClient, stand_in: StandIn, taker: Taker) -> None:
    client.v1.customers.create({})
    assert stand_in.control.delivered()
    event = taker.taken[0]["id"]
    stand_in.control.deliver(event, bad_signature=True)
    stand_in.control.deliver(event, shift=-3600)
    stand_in.control.deliver(event, unsigned=True)
    assert stand_in.control.delivered()
    assert (len(taker.taken), len(taker.refused)) == (1, 3)
    began = time.monotonic()
    stand_in.control.deliver(event, late=0.3, changes={"livemode": True})
    assert stand_in.control.delivered()
    assert time.monotonic() - began >= 0.3
    assert [one["id"] for one in taker.taken] == [event, event]
    assert taker.taken[-1]["livemode"] is True


def test_events_are_in_order(client: stripe.StripeClient, stand_in: StandIn, taker: Taker) -> None:
    made = [client.v1.customers.create({}).id for _ in range(20)]
    assert stand_in.control.delivered()
    assert [one["data"]["object"]["id"] for one in taker.taken] == made


def test_an_endpoint_of_its_own(client: stripe.StripeClient, stand_in: StandIn, taker: Taker) -> None:
    made = client.v1.webhook_endpoints.create(
        {"url": f"{taker.address}/second", "enabled_events": ["product.created"]}
    )
    assert made.secret
    client.v1.products.create({"name": "Thing"})
    time.sleep(0.1)
    # Signed with a secret of its own, which the taker does not know.
    assert taker.kinds() == ["product.created"]
    assert taker.refused
    client.v1.webhook_endpoints.delete(made.id)
    assert stand_in.control.delivered()


@pytest.mark.skipif(not OLD.exists(), reason="There are no events in the old shape beside the repository.")
def test_the_old_shape(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str]
) -> None:
    """What the published event of a kind has is there, and nothing that came later."""
    customer = client.v1.customers.create({"invoice_settings": {"default_payment_method": "pm_card_visa"}})
    one = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": prices["teacher_monthly"]}]}
    )
    assert stand_in.control.delivered()
    item = one["items"].data[0]
    for kind in ("customer.subscription.created", "customer.subscription.updated", "invoice.paid"):
        stand_in.control.deliver(taker.last(kind)["id"], old=True)
        assert stand_in.control.delivered()
        got = taker.last(kind)
        published = json.loads((OLD / f"{kind}.json").read_text())
        assert got["api_version"] == published["api_version"]
        assert set(got["data"]["object"]) == set(published["data"]["object"])
    old = taker.last("customer.subscription.updated")["data"]["object"]
    assert old["current_period_end"] == item.current_period_end
    invoice = taker.last("invoice.paid")["data"]["object"]
    assert (invoice["subscription"], invoice["paid"]) == (one.id, True)
