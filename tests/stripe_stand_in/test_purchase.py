"""A card purchase, from the session to its renewal, as a client and a person go through it."""

import pytest
import stripe

from tests.stripe_stand_in.conftest import Taker, visit
from tests.stripe_stand_in.running import StandIn

DAY = 86400


def checkout(client: stripe.StripeClient, price: str, **more: object) -> stripe.checkout.Session:
    wanted = {
        "mode": "subscription",
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": "https://app.example/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://app.example/plans",
        **more,
    }
    return client.v1.checkout.sessions.create(wanted)  # type: ignore[arg-type]


def test_a_card_pays_and_leads_back(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str]
) -> None:
    customer = client.v1.customers.create({"email": "teacher@example.org", "metadata": {"owner": "7"}})
    session = checkout(
        client,
        prices["teacher_monthly"],
        customer=customer.id,
        client_reference_id="7",
        metadata={"plan": "teacher"},
        subscription_data={"metadata": {"owner": "7"}},
    )
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 900)
    assert session.url
    page = visit(session.url)
    assert "Stripe stand-in: nothing is paid here" in page.text
    assert "Teacher plan" in page.text
    paid = visit(session.url, card_number="4242 4242 4242 4242")
    assert (paid.status, paid.leads_to) == (303, f"https://app.example/thanks?session={session.id}")

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice.payments"]})
    assert (done.status, done.payment_status, done.client_reference_id) == ("complete", "paid", "7")
    subscription, invoice = done.subscription, done.invoice
    assert isinstance(subscription, stripe.Subscription)
    assert isinstance(invoice, stripe.Invoice)
    assert (subscription.status, subscription.metadata["owner"]) == ("active", "7")
    assert not hasattr(subscription, "current_period_end")
    item = subscription["items"].data[0]
    assert 28 * DAY <= item.current_period_end - item.current_period_start <= 31 * DAY
    assert invoice.parent
    assert invoice.parent.subscription_details
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == (
        "paid",
        900,
        "subscription_create",
    )
    assert invoice.payments
    assert [one.status for one in invoice.payments.data] == ["paid"]

    assert stand_in.control.delivered()
    kinds = taker.kinds()
    order = [
        "customer.created",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "charge.succeeded",
        "invoice.paid",
        "customer.subscription.updated",
        "checkout.session.completed",
    ]
    assert [one for one in kinds if one in order] == order
    changed = taker.last("customer.subscription.updated")
    assert changed["data"]["previous_attributes"] == {"status": "incomplete"}
    assert changed["api_version"] == "2026-10-28.endive"


def test_a_declined_card_buys_nothing(
    client: stripe.StripeClient, prices: dict[str, str], stand_in: StandIn, taker: Taker
) -> None:
    session = checkout(client, prices["teacher_yearly"], customer_email="teacher@example.org")
    assert session.url
    refused = visit(session.url, card_number="4000000000000002")
    assert refused.status == 402
    assert "Your card was declined." in refused.text
    real = visit(session.url, card_number="4111 1111 1111 1111")
    assert real.status == 402
    assert "never a real one" in real.text
    assert "4111" not in str(stand_in.control.objects())
    assert client.v1.checkout.sessions.retrieve(session.id).subscription is None
    assert visit(session.url, card_number="4242424242424242").status == 303
    bought = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert isinstance(bought.customer, stripe.Customer)
    assert bought.customer.email == "teacher@example.org"
    assert visit(session.url, card_number="4242424242424242").status == 410


def test_codes_and_tax_numbers(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    coupon = client.v1.coupons.create({"percent_off": 25, "duration": "once", "name": "Spring"})
    client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING25"}
    )
    session = checkout(
        client,
        prices["school_seat_yearly"],
        line_items=[{"price": prices["school_seat_yearly"], "quantity": 20}],
        customer_email="office@example.org",
        allow_promotion_codes=True,
        tax_id_collection={"enabled": True},
    )
    assert session.url
    wrong = visit(session.url, card_number="4242424242424242", promotion_code="WINTER")
    assert wrong.status == 402
    assert "This code is invalid." in wrong.text
    given = {"promotion_code": "spring25", "business_name": "Hill School", "tax_id": "12-3456789"}
    assert visit(session.url, card_number="4242424242424242", **given).status == 303
    done = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["invoice.discounts", "customer.tax_ids"]}
    )
    assert (done.amount_subtotal, done.amount_total) == (120_000, 90_000)
    assert isinstance(done.invoice, stripe.Invoice)
    assert (done.invoice.subtotal, done.invoice.total) == (120_000, 90_000)
    assert done.invoice.customer_tax_ids
    assert done.invoice.customer_tax_ids[0].value == "12-3456789"
    assert isinstance(done.customer, stripe.Customer)
    assert done.customer.name == "Hill School"


def test_a_card_that_fails_later(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str]
) -> None:
    """Paid now, not at the renewal: past due, tried again, then ended."""
    session = checkout(client, prices["teacher_monthly"], customer_email="later@example.org")
    assert session.url
    assert visit(session.url, card_number="4000000000000341").status == 303
    bought = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]}).subscription
    assert isinstance(bought, stripe.Subscription)
    stand_in.control.advance(32 * DAY)
    late = client.v1.subscriptions.retrieve(bought.id, {"expand": ["latest_invoice"]})
    assert isinstance(late.latest_invoice, stripe.Invoice)
    assert (late.status, late.latest_invoice.status) == ("past_due", "open")
    assert late.latest_invoice.next_payment_attempt
    stand_in.control.advance(20 * DAY)
    ended = client.v1.subscriptions.retrieve(bought.id)
    assert ended.status == "canceled"
    assert ended.cancellation_details
    assert ended.cancellation_details.reason == "payment_failed"
    assert stand_in.control.delivered()
    kinds = [one["type"] for one in taker.taken if one["data"]["object"].get("customer") == bought.customer]
    assert kinds.count("invoice.payment_failed") == 4
    assert kinds[-1] == "customer.subscription.deleted"


def test_a_session_that_nobody_pays_expires(
    client: stripe.StripeClient, stand_in: StandIn, prices: dict[str, str]
) -> None:
    session = checkout(client, prices["teacher_monthly"])
    assert session.url
    stand_in.control.advance(DAY)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert visit(session.url, card_number="4242424242424242").status == 410
    other = checkout(client, prices["teacher_monthly"])
    assert client.v1.checkout.sessions.expire(other.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(other.id)
