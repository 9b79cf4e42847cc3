"""Test clocks: trials, renewals, failures, and invoices that are sent."""

import pytest
import stripe

from tests.stripe_stand_in.conftest import Taker, visit
from tests.stripe_stand_in.running import StandIn

DAY = 86400
START = 1_790_000_000


@pytest.fixture
def clock(client: stripe.StripeClient) -> str:
    return client.v1.test_helpers.test_clocks.create({"frozen_time": START}).id


def advance(client: stripe.StripeClient, clock: str, seconds: int) -> None:
    now = client.v1.test_helpers.test_clocks.retrieve(clock).frozen_time
    answer = client.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": now + seconds})
    assert answer.status == "advancing"
    assert client.v1.test_helpers.test_clocks.retrieve(clock).status == "ready"


def test_a_trial_then_a_failure_then_paid(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str], clock: str
) -> None:
    customer = client.v1.customers.create({"email": "trial@example.org", "test_clock": clock})
    client.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    )
    begun = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": prices["teacher_monthly"]}],
            "trial_period_days": 14,
            "expand": ["latest_invoice"],
        }
    )
    assert (begun.status, begun.trial_end) == ("trialing", START + 14 * DAY)
    assert isinstance(begun.latest_invoice, stripe.Invoice)
    assert (begun.latest_invoice.status, begun.latest_invoice.total) == ("paid", 0)

    advance(client, clock, 12 * DAY)
    assert stand_in.control.delivered()
    assert "customer.subscription.trial_will_end" in taker.kinds()
    assert taker.last("customer.subscription.trial_will_end")["created"] == START + 11 * DAY

    taker.taken.clear()
    advance(client, clock, 3 * DAY)
    late = client.v1.subscriptions.retrieve(begun.id, {"expand": ["latest_invoice"]})
    assert late.status == "past_due"
    assert isinstance(late.latest_invoice, stripe.Invoice)
    assert late.latest_invoice.attempt_count == 1
    assert stand_in.control.delivered()
    kinds = taker.kinds()
    order = ["invoice.created", "invoice.finalized", "charge.failed", "invoice.payment_failed"]
    assert [one for one in kinds if one in order] == order
    statuses = [
        one["data"]["previous_attributes"]["status"]
        for one in taker.taken
        if one["type"] == "customer.subscription.updated" and "status" in one["data"]["previous_attributes"]
    ]
    assert statuses == ["trialing", "active"]

    taker.taken.clear()
    url = late.latest_invoice.hosted_invoice_url
    assert url
    assert visit(url, card_number="4000000000000002").status == 402
    assert visit(url, card_number="4242424242424242").status == 303
    assert client.v1.subscriptions.retrieve(begun.id).status == "active"
    assert stand_in.control.delivered()
    assert taker.last("customer.subscription.updated")["data"]["previous_attributes"] == {
        "status": "past_due"
    }


def test_a_retry_succeeds_with_a_new_card(
    client: stripe.StripeClient, prices: dict[str, str], clock: str
) -> None:
    customer = client.v1.customers.create(
        {"test_clock": clock, "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    begun = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": prices["teacher_monthly"]}]}
    )
    assert begun.status == "active"
    client.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    )
    advance(client, clock, 32 * DAY)
    assert client.v1.subscriptions.retrieve(begun.id).status == "past_due"
    client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": "pm_card_visa"}})
    advance(client, clock, 3 * DAY)
    assert client.v1.subscriptions.retrieve(begun.id).status == "active"
    assert client.v1.customers.retrieve(customer.id).delinquent is False


def test_an_invoice_with_a_purchase_order_paid_by_cheque(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str], clock: str
) -> None:
    customer = client.v1.customers.create(
        {"name": "Hill District", "email": "office@example.org", "tax_exempt": "exempt", "test_clock": clock}
    )
    begun = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": prices["district_seat_yearly"], "quantity": 400}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "expand": ["latest_invoice"],
        }
    )
    invoice = begun.latest_invoice
    assert isinstance(invoice, stripe.Invoice)
    assert (begun.status, invoice.status, invoice.total) == ("active", "draft", 400 * 4800)
    client.v1.invoices.update(
        invoice.id, {"custom_fields": [{"name": "PO number", "value": "PO-2026-114"}], "footer": "Thank you."}
    )
    sent = client.v1.invoices.send_invoice(invoice.id)
    assert (sent.status, sent.due_date, sent.customer_tax_exempt) == ("open", START + 30 * DAY, "exempt")
    assert sent.hosted_invoice_url
    assert sent.invoice_pdf
    assert "PO-2026-114" in visit(sent.hosted_invoice_url).text
    assert visit(sent.invoice_pdf).text.startswith("%PDF-1.4")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.update(invoice.id, {"footer": "Too late."})

    advance(client, clock, 31 * DAY)
    assert client.v1.subscriptions.retrieve(begun.id).status == "past_due"
    paid = client.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert client.v1.subscriptions.retrieve(begun.id).status == "active"
    assert stand_in.control.delivered()
    kinds = taker.kinds()
    order = ["invoice.created", "invoice.finalized", "invoice.sent", "invoice.overdue", "invoice.paid"]
    assert [one for one in kinds if one in order] == order
    assert "invoice.payment_succeeded" not in kinds
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert refused.value.code == "invoice_already_paid"


def test_a_sent_invoice_is_finalized_after_an_hour(
    client: stripe.StripeClient, prices: dict[str, str], clock: str
) -> None:
    customer = client.v1.customers.create({"email": "office@example.org", "test_clock": clock})
    begun = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": prices["school_seat_yearly"], "quantity": 10}],
            "collection_method": "send_invoice",
            "days_until_due": 14,
        }
    )
    assert isinstance(begun.latest_invoice, str)
    advance(client, clock, 3599)
    assert client.v1.invoices.retrieve(begun.latest_invoice).status == "draft"
    advance(client, clock, 1)
    assert client.v1.invoices.retrieve(begun.latest_invoice).status == "open"


def test_years_of_renewals_and_an_end(
    client: stripe.StripeClient, prices: dict[str, str], clock: str
) -> None:
    customer = client.v1.customers.create(
        {"test_clock": clock, "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    begun = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": prices["teacher_monthly"]}]}
    )
    advance(client, clock, 730 * DAY)
    invoices = client.v1.invoices.list({"subscription": begun.id, "limit": 100})
    assert [one.status for one in invoices.data] == ["paid"] * len(invoices.data)
    assert len(invoices.data) == 24
    first = [one for one in invoices.auto_paging_iter() if one.billing_reason == "subscription_create"]
    assert len(first) == 1
    client.v1.subscriptions.update(begun.id, {"cancel_at_period_end": True})
    advance(client, clock, 32 * DAY)
    ended = client.v1.subscriptions.retrieve(begun.id)
    assert ended.status == "canceled"
    assert ended.ended_at == ended["items"].data[0].current_period_end


def test_a_first_payment_that_fails_expires(
    client: stripe.StripeClient, prices: dict[str, str], clock: str
) -> None:
    customer = client.v1.customers.create(
        {"test_clock": clock, "invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    )
    items: list[stripe.params.SubscriptionCreateParamsItem] = [{"price": prices["teacher_monthly"]}]
    begun = client.v1.subscriptions.create({"customer": customer.id, "items": items})
    assert begun.status == "incomplete"
    with pytest.raises(stripe.CardError) as refused:
        client.v1.subscriptions.create(
            {"customer": customer.id, "items": items, "payment_behavior": "error_if_incomplete"}
        )
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    advance(client, clock, DAY)
    assert client.v1.subscriptions.retrieve(begun.id).status == "incomplete_expired"


def test_a_trial_without_a_card_ends_as_it_was_asked(
    client: stripe.StripeClient, prices: dict[str, str], clock: str
) -> None:
    found = []
    for what in ("cancel", "pause", "create_invoice"):
        customer = client.v1.customers.create({"test_clock": clock})
        one = client.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": prices["teacher_monthly"]}],
                "trial_period_days": 7,
                "trial_settings": {"end_behavior": {"missing_payment_method": what}},
            }
        )
        found.append(one.id)
    advance(client, clock, 8 * DAY)
    assert [client.v1.subscriptions.retrieve(one).status for one in found] == [
        "canceled",
        "paused",
        "past_due",
    ]
    paused = client.v1.subscriptions.retrieve(found[1])
    assert isinstance(paused.customer, str)
    client.v1.customers.update(
        paused.customer, {"invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    assert client.v1.subscriptions.resume(paused.id).status == "active"
