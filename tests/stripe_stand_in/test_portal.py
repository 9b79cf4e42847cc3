"""The portal's page, previews of a change, and who may do what there."""

import pytest
import stripe

from tests.stripe_stand_in.conftest import Taker, visit
from tests.stripe_stand_in.running import StandIn


def subscribed(
    client: stripe.StripeClient, price: str, quantity: int, card: str = "pm_card_visa"
) -> stripe.Subscription:
    customer = client.v1.customers.create({"invoice_settings": {"default_payment_method": card}})
    return client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price, "quantity": quantity}]}
    )


def portal(client: stripe.StripeClient, subscription: stripe.Subscription) -> str:
    assert isinstance(subscription.customer, str)
    return client.v1.billing_portal.sessions.create(
        {"customer": subscription.customer, "return_url": "https://app.example/plan"}
    ).url


def test_seats_cost_their_part_of_the_year(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str]
) -> None:
    """Half a year later, ten seats more cost half their price: the preview says it, the portal bills it."""
    one = subscribed(client, prices["school_seat_yearly"], 30)
    item = one["items"].data[0]
    half = (item.current_period_end - item.current_period_start) // 2
    stand_in.control.advance(half - 60)
    wanted: stripe.params.InvoiceCreatePreviewParamsSubscriptionDetails = {
        "items": [{"id": item.id, "quantity": 40}],
        "proration_behavior": "always_invoice",
        "proration_date": item.current_period_start + half,
    }
    seen = client.v1.invoices.create_preview({"subscription": one.id, "subscription_details": wanted})
    assert [line.amount for line in seen.lines.data] == [-90_000, 120_000]
    assert all(
        line.parent
        and line.parent.subscription_item_details
        and line.parent.subscription_item_details.proration
        and line.parent.subscription_item_details.subscription_item == item.id
        for line in seen.lines.data
    )
    assert seen.amount_due == 30_000
    assert client.v1.subscriptions.retrieve(one.id)["items"].data[0].quantity == 30

    next_too = client.v1.invoices.create_preview(
        {"subscription": one.id, "subscription_details": {"items": [{"id": item.id, "quantity": 40}]}}
    )
    assert next_too.lines.data[-1].amount == 40 * 6000

    url = portal(client, one)
    page = visit(url)
    assert "Stripe stand-in: nothing is paid here" in page.text
    assert 'value="30"' in page.text
    done = visit(f"{url}/seats", subscription=one.id, quantity="40")
    assert done.status == 303
    now = client.v1.subscriptions.retrieve(one.id, {"expand": ["latest_invoice"]})
    assert now["items"].data[0].quantity == 40
    assert isinstance(now.latest_invoice, stripe.Invoice)
    assert now.latest_invoice.billing_reason == "subscription_update"
    assert abs(now.latest_invoice.amount_paid - 30_000) < 2
    assert stand_in.control.delivered()
    changed = taker.last("customer.subscription.updated")
    assert changed["data"]["previous_attributes"]["items"]["data"][0]["quantity"] == 30


def test_less_seats_become_a_credit(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    one = subscribed(client, prices["school_seat_yearly"], 30)
    item = one["items"].data[0]
    client.v1.subscriptions.update(
        one.id, {"items": [{"id": item.id, "quantity": 20}], "proration_behavior": "always_invoice"}
    )
    assert isinstance(one.customer, str)
    balance = client.v1.customers.retrieve(one.customer).balance
    assert balance is not None
    assert -60_000 <= balance < -59_900


def test_end_and_keep(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    one = subscribed(client, prices["teacher_yearly"], 1)
    url = portal(client, one)
    assert visit(f"{url}/cancel", subscription=one.id).status == 303
    ending = client.v1.subscriptions.retrieve(one.id)
    assert (ending.status, ending.cancel_at_period_end) == ("active", True)
    assert ending.cancel_at == ending["items"].data[0].current_period_end
    assert visit(f"{url}/renew", subscription=one.id).status == 303
    assert client.v1.subscriptions.retrieve(one.id).cancel_at is None
    assert visit(f"{url}/cancel", subscription=one.id, when="now").status == 303
    assert client.v1.subscriptions.retrieve(one.id).status == "canceled"
    assert isinstance(one.customer, str)
    assert not client.v1.subscriptions.list({"customer": one.customer}).data
    assert client.v1.subscriptions.list({"customer": one.customer, "status": "all"}).data[0].id == one.id


def test_a_new_card(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    one = subscribed(client, prices["teacher_yearly"], 1, card="pm_card_visa")
    url = portal(client, one)
    assert visit(f"{url}/card", card_number="4000000000000002").status == 402
    assert visit(f"{url}/card", card_number="5555 5555 5555 4444").status == 303
    now = client.v1.subscriptions.retrieve(one.id, {"expand": ["default_payment_method"]})
    assert isinstance(now.default_payment_method, stripe.PaymentMethod)
    assert now.default_payment_method.card
    assert now.default_payment_method.card.last4 == "4444"


def test_nothing_of_somebody_else(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    mine = subscribed(client, prices["teacher_yearly"], 1)
    other = subscribed(client, prices["teacher_yearly"], 1)
    url = portal(client, mine)
    assert other.id not in visit(url).text
    assert visit(f"{url}/cancel", subscription=other.id, when="now").status == 404
    assert client.v1.subscriptions.retrieve(other.id).status == "active"
    assert visit(f"{url}x").status == 404


def test_a_configuration_that_allows_little(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    one = subscribed(client, prices["school_seat_yearly"], 5)
    little = client.v1.billing_portal.configurations.create(
        {"features": {"invoice_history": {"enabled": True}, "payment_method_update": {"enabled": True}}}
    )
    assert isinstance(one.customer, str)
    session = client.v1.billing_portal.sessions.create({"customer": one.customer, "configuration": little.id})
    page = visit(session.url)
    assert "Change the seats" not in page.text
    assert "End it" not in page.text
    assert visit(f"{session.url}/seats", subscription=one.id, quantity="9").status == 403
    assert visit(f"{session.url}/cancel", subscription=one.id).status == 403


def test_a_preview_of_what_does_not_exist_yet(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    customer = client.v1.customers.create({"email": "new@example.org"})
    seen = client.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "subscription_details": {"items": [{"price": prices["district_seat_yearly"], "quantity": 400}]},
        }
    )
    assert seen.total == 400 * 4800
    assert not client.v1.invoices.list({"customer": customer.id}).data


def test_another_interval_begins_at_once(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    one = subscribed(client, prices["teacher_monthly"], 1)
    item = one["items"].data[0]
    now = client.v1.subscriptions.update(
        one.id, {"items": [{"id": item.id, "price": prices["teacher_yearly"]}], "expand": ["latest_invoice"]}
    )
    changed = now["items"].data[0]
    assert changed.current_period_end - changed.current_period_start >= 365 * 86400
    assert isinstance(now.latest_invoice, stripe.Invoice)
    assert [line.amount for line in now.latest_invoice.lines.data] == [pytest.approx(-900, abs=1), 9000]
    assert now.latest_invoice.status == "paid"
