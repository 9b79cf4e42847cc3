"""What Stripe says, in today's shape and in that of 2020-08-27, comes to the same."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plugins.billing import plans
from plugins.billing.models import InvoiceStatus, PlanName, Status
from plugins.billing.reading import id_of, invoice_values, owed_since, subscription_of, subscription_values

PLANS = plans.read(plans.FILE)
OLD = Path(__file__).resolve().parents[4] / "shared" / "data" / "stripe" / "events-2020-08-27"
BEGUN, UNTIL = 1_790_000_000, 1_821_536_000


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def subscription(**said: Any) -> dict[str, Any]:
    price = {
        "id": "price_1",
        "lookup_key": "school_seat_yearly",
        "unit_amount": 6000,
        "currency": "usd",
        "recurring": {"interval": "year", "interval_count": 1},
    }
    item = {"id": "si_1", "quantity": 12, "price": price, "current_period_end": UNTIL}
    return {
        "id": "sub_1",
        "status": "active",
        "created": BEGUN,
        "start_date": BEGUN,
        "collection_method": "charge_automatically",
        "items": {"data": [item]},
        **said,
    }


def test_a_subscription_of_today() -> None:
    assert subscription_values(subscription(), PLANS) == {
        "plan": PlanName.SCHOOL,
        "price": "school_seat_yearly",
        "status": Status.ACTIVE,
        "by_invoice": False,
        "seats": 12,
        "amount": 6000,
        "currency": "usd",
        "months": 12,
        "begun_at": moment(BEGUN),
        "trial_until": None,
        "period_until": moment(UNTIL),
        "ends_at": None,
        "ended_at": None,
    }


def test_the_old_shape_comes_to_the_same() -> None:
    """The period stood on the subscription."""
    old = subscription(current_period_end=UNTIL)
    del old["items"]["data"][0]["current_period_end"]
    assert subscription_values(old, PLANS) == subscription_values(subscription(), PLANS)


def test_one_that_is_to_end_says_when() -> None:
    assert subscription_values(subscription(cancel_at_period_end=True), PLANS)["ends_at"] == moment(UNTIL)
    assert subscription_values(subscription(cancel_at=BEGUN + 5), PLANS)["ends_at"] == moment(BEGUN + 5)


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
def test_one_that_is_over_has_an_end_even_if_stripe_names_none(status: str) -> None:
    assert subscription_values(subscription(status=status), PLANS)["ended_at"] == moment(BEGUN)


def test_a_price_of_no_plan_is_kept_as_it_is() -> None:
    said = subscription()
    said["items"]["data"][0]["price"]["lookup_key"] = None
    found = subscription_values(said, PLANS)
    assert (found["plan"], found["price"]) == (None, "price_1")


def test_of_several_items_that_of_a_plan_counts() -> None:
    said = subscription()
    said["items"]["data"].insert(0, {"id": "si_0", "quantity": 1, "price": {"id": "price_0"}})
    assert subscription_values(said, PLANS)["seats"] == 12


def invoice(**said: Any) -> dict[str, Any]:
    return {
        "id": "in_1",
        "status": "open",
        "currency": "usd",
        "amount_due": 72_000,
        "amount_paid": 0,
        "attempt_count": 0,
        "created": BEGUN,
        "number": "ABCD-0001",
        "due_date": None,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "status_transitions": {"finalized_at": BEGUN + 3600, "paid_at": None},
        **said,
    }


def test_an_invoice_names_its_subscription_in_both_shapes() -> None:
    assert subscription_of(invoice()) == "sub_1"
    assert subscription_of(invoice(parent=None, subscription="sub_1")) == "sub_1"
    assert subscription_of(invoice(parent=None, subscription={"id": "sub_1"})) == "sub_1"
    assert subscription_of(invoice(parent=None)) is None


def test_an_invoice_of_today() -> None:
    assert invoice_values(invoice()) == {
        "subscription": "sub_1",
        "number": "ABCD-0001",
        "status": InvoiceStatus.OPEN,
        "currency": "usd",
        "due": 72_000,
        "paid": 0,
        "attempts": 0,
        "made_at": moment(BEGUN + 3600),
        "due_at": None,
        "paid_at": None,
        "outside": False,
    }


def test_what_was_paid_outside_is_known_in_both_shapes() -> None:
    times = {"finalized_at": BEGUN, "paid_at": BEGUN + 9}
    paid = {"status": "paid", "amount_paid": 72_000, "status_transitions": times}
    assert invoice_values(invoice(**paid, paid_out_of_band=True))["outside"]
    assert invoice_values(invoice(**paid, payments={"data": []}))["outside"]
    assert not invoice_values(invoice(**paid, payments={"data": [{"id": "inpay_1"}]}))["outside"]
    given_up = {"id": "inpay_1", "status": "canceled"}
    assert invoice_values(invoice(**paid, payments={"data": [given_up]}))["outside"]
    with_card = {"id": "inpay_2", "status": "paid"}
    assert not invoice_values(invoice(**paid, payments={"data": [given_up, with_card]}))["outside"]
    assert not invoice_values(invoice(**paid))["outside"]


def test_since_when_something_is_owed() -> None:
    now = moment(BEGUN + 100_000)
    assert owed_since("sub_1", [invoice()], now) is None  # no card was asked yet
    failed = invoice(attempt_count=1)
    assert owed_since("sub_1", [failed], now) == moment(BEGUN + 3600)
    assert owed_since("sub_2", [failed], now) is None
    assert owed_since("sub_1", [invoice(attempt_count=3, status="paid")], now) is None
    late, not_yet = invoice(due_date=BEGUN + 50_000), invoice(due_date=BEGUN + 200_000)
    assert owed_since("sub_1", [not_yet], now) is None
    assert owed_since("sub_1", [not_yet, late, invoice(attempt_count=1)], now) == moment(BEGUN + 3600)


def test_a_thing_is_named_or_comes_whole() -> None:
    assert (id_of("cus_1"), id_of({"id": "cus_1"}), id_of(None), id_of(""), id_of({})) == (
        *("cus_1", "cus_1"),
        *(None, None, None),
    )


@pytest.mark.skipif(not OLD.is_dir(), reason=f"There are no events of old in {OLD}.")
def test_events_of_old_are_understood() -> None:
    """Of Stripe's own samples in the shape of 2020-08-27."""
    read = {path.stem: json.loads(path.read_text()) for path in sorted(OLD.glob("*.json"))}
    assert len(read) == 5
    for kind, event in read.items():
        thing = event["data"]["object"]
        assert id_of(thing)
        if kind.startswith("customer.subscription"):
            found = subscription_values(thing, PLANS)
            assert found["period_until"] == moment(thing["current_period_end"])
        if kind.startswith("invoice"):
            assert invoice_values(thing)["subscription"] == thing["subscription"]
