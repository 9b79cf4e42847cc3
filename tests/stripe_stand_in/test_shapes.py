"""Our objects have the parts that Stripe's have; and we take no parameter that Stripe would not."""

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import stripe

from tests.stripe_stand_in import api, routing
from tests.stripe_stand_in.conftest import visit
from tests.stripe_stand_in.errors import Obj
from tests.stripe_stand_in.running import StandIn

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "stripe" / "objects.json"
# Filled by other features than ours: of the sample these parts are not ours to have.
NOT_OURS = {
    # Of a charge nobody reads more than this of its card.
    "charge.payment_method_details.card",
    "subscription.items.data.plan",
    # Ours says which payment it is.
    "invoice_payment.payment",
    "billing_portal.configuration.features.subscription_update.schedule_at_period_end.conditions",
    # What somebody named themselves.
    "customer.metadata",
    "subscription.metadata",
    "payment_method.metadata",
    "charge.fraud_details",
    # Which price it is, that the sample leaves out.
    "invoice.lines.data.pricing",
    "invoiceitem.pricing",
    "invoiceitem.parent.subscription_details",
    # Of an event, the object is compared by itself.
    "event.data",
}


@pytest.fixture(scope="module")
def samples() -> dict[str, Obj]:
    if not SAMPLES.exists():
        pytest.skip("There are no samples of Stripe's objects beside the repository.")
    found: dict[str, Obj] = json.loads(SAMPLES.read_text())["resources"]
    return found


def differences(ours: Any, theirs: Any, at: str) -> Iterator[str]:
    """Parts that one has and the other has not, wherever both are filled in."""
    if at in NOT_OURS:
        return
    if isinstance(ours, list) and isinstance(theirs, list):
        if ours and theirs and isinstance(theirs[0], dict):
            yield from differences(ours[0], theirs[0], at)
        return
    if not isinstance(ours, dict) or not isinstance(theirs, dict) or not ours or not theirs:
        return
    yield from (f"missing: {at}.{name}" for name in sorted(set(theirs) - set(ours)))
    yield from (f"not theirs: {at}.{name}" for name in sorted(set(ours) - set(theirs)))
    for name in set(ours) & set(theirs):
        yield from differences(ours[name], theirs[name], f"{at}.{name}")


def everything(client: stripe.StripeClient, stand_in: StandIn, prices: dict[str, str]) -> None:
    """One of each kind."""
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": 1_790_000_000})
    client.v1.customers.create({"test_clock": clock.id})
    coupon = client.v1.coupons.create({"percent_off": 10})
    promotion = client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": prices["teacher_yearly"], "quantity": 1}],
            "discounts": [{"promotion_code": promotion.id}],
            "success_url": "https://app.example/",
            "customer_email": "shape@example.org",
            "tax_id_collection": {"enabled": True},
        }
    )
    assert session.url
    assert visit(session.url, card_number="4242424242424242", tax_id="12-3456789").status == 303
    done = client.v1.checkout.sessions.retrieve(session.id)
    assert isinstance(done.customer, str)
    client.v1.invoice_items.create({"customer": done.customer, "amount": 100, "currency": "usd"})
    client.v1.billing_portal.sessions.create({"customer": done.customer})


def test_our_objects_have_the_parts_of_theirs(
    client: stripe.StripeClient, stand_in: StandIn, prices: dict[str, str], samples: dict[str, Obj]
) -> None:
    everything(client, stand_in, prices)
    found = []
    kinds = set()
    for kind, objects in stand_in.control.objects().items():
        for one in objects:
            if not one.get("deleted"):
                kinds.add(kind)
                found += list(differences(one, samples[kind], kind))
    assert sorted(set(found)) == []
    assert {
        "subscription",
        "invoice",
        "checkout.session",
        "customer",
        "price",
        "event",
        "invoiceitem",
    } <= kinds


# The library's word for the parameters of each address.
NAMES = {
    ("POST", "/v1/products"): "ProductCreateParams",
    ("POST", "/v1/products/{}"): "ProductUpdateParams",
    ("GET", "/v1/products"): "ProductListParams",
    ("POST", "/v1/prices"): "PriceCreateParams",
    ("POST", "/v1/prices/{}"): "PriceUpdateParams",
    ("GET", "/v1/prices"): "PriceListParams",
    ("POST", "/v1/customers"): "CustomerCreateParams",
    ("POST", "/v1/customers/{}"): "CustomerUpdateParams",
    ("GET", "/v1/customers"): "CustomerListParams",
    ("POST", "/v1/customers/{}/tax_ids"): "CustomerTaxIdCreateParams",
    ("POST", "/v1/coupons"): "CouponCreateParams",
    ("POST", "/v1/promotion_codes"): "PromotionCodeCreateParams",
    ("POST", "/v1/promotion_codes/{}"): "PromotionCodeUpdateParams",
    ("GET", "/v1/promotion_codes"): "PromotionCodeListParams",
    ("POST", "/v1/checkout/sessions"): "checkout.SessionCreateParams",
    ("GET", "/v1/checkout/sessions"): "checkout.SessionListParams",
    ("POST", "/v1/billing_portal/sessions"): "billing_portal.SessionCreateParams",
    ("POST", "/v1/billing_portal/configurations"): "billing_portal.ConfigurationCreateParams",
    ("POST", "/v1/subscriptions"): "SubscriptionCreateParams",
    ("POST", "/v1/subscriptions/{}"): "SubscriptionUpdateParams",
    ("DELETE", "/v1/subscriptions/{}"): "SubscriptionCancelParams",
    ("POST", "/v1/subscriptions/{}/resume"): "SubscriptionResumeParams",
    ("GET", "/v1/subscriptions"): "SubscriptionListParams",
    ("POST", "/v1/subscription_items/{}"): "SubscriptionItemUpdateParams",
    ("POST", "/v1/invoices"): "InvoiceCreateParams",
    ("POST", "/v1/invoices/{}"): "InvoiceUpdateParams",
    ("POST", "/v1/invoices/{}/finalize"): "InvoiceFinalizeInvoiceParams",
    ("POST", "/v1/invoices/{}/pay"): "InvoicePayParams",
    ("POST", "/v1/invoices/create_preview"): "InvoiceCreatePreviewParams",
    ("GET", "/v1/invoices"): "InvoiceListParams",
    ("GET", "/v1/invoice_payments"): "InvoicePaymentListParams",
    ("POST", "/v1/invoiceitems"): "InvoiceItemCreateParams",
    ("GET", "/v1/invoiceitems"): "InvoiceItemListParams",
    ("GET", "/v1/events"): "EventListParams",
    ("GET", "/v1/charges"): "ChargeListParams",
    ("POST", "/v1/webhook_endpoints"): "WebhookEndpointCreateParams",
    ("POST", "/v1/webhook_endpoints/{}"): "WebhookEndpointUpdateParams",
    ("POST", "/v1/test_helpers/test_clocks"): "test_helpers.TestClockCreateParams",
    ("POST", "/v1/test_helpers/test_clocks/{}/advance"): "test_helpers.TestClockAdvanceParams",
    ("POST", "/v1/payment_methods/{}/attach"): "PaymentMethodAttachParams",
}


def parts(hint: Any) -> Iterator[Any]:
    """Each kind that a type hint allows."""
    if hasattr(hint, "__required_keys__"):
        yield hint
        return
    for one in get_args(hint):
        yield from parts(one)
    if not get_args(hint) or get_origin(hint) is dict:
        yield hint


def allows(hint: Any, steps: list[str]) -> bool:
    if not steps:
        return True
    step, *rest = steps
    for one in parts(hint):
        if hasattr(one, "__required_keys__"):
            hints = get_type_hints(one, localns={**vars(typing), "StripeContext": stripe.StripeContext})
            if step in hints and allows(hints[step], rest):
                return True
        elif step == "*" and get_origin(one) is dict:
            return True
    return False


def test_the_library_knows_every_parameter_that_we_take() -> None:
    assert api.RESOURCES
    wrong = []
    for one in routing.everything():
        if (name := NAMES.get((one.method, one.path))) is None:
            continue
        where: Any = stripe.params
        for step in name.split("."):
            where = getattr(where, step)
        wrong += [
            f"{one.method} {one.path}: {taken}"
            for taken in one.takes
            if not allows(where, taken.replace("[]", "").split("."))
        ]
    assert sorted(wrong) == []
