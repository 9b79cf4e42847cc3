"""Events as an endpoint of the version 2020-08-27 gets them."""

import json
from collections.abc import Callable

from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj

VERSION = "2020-08-27"


def event(account: Account, one: Obj) -> Obj:
    """A copy in the old shape; objects that did not change stay as they are."""
    copy: Obj = json.loads(json.dumps(one))
    copy["api_version"] = VERSION
    if shape := SHAPES.get(copy["data"]["object"]["object"]):
        shape(account, copy["data"]["object"])
        if previous := copy["data"].get("previous_attributes"):
            _previous(previous)
    return copy


def _previous(previous: Obj) -> None:
    data = (previous.get("items") or {}).get("data")
    if data:
        for name in ("current_period_start", "current_period_end"):
            previous[name] = data[0].pop(name, None)


def _discount(account: Account, identifiers: list[str]) -> Obj | None:
    found = account.find("discount", identifiers[0]) if identifiers else None
    if found is None:
        return None
    copy: Obj = json.loads(json.dumps(found))
    copy["coupon"] = account.find("coupon", copy.pop("source")["coupon"])
    copy.pop("customer_account")
    return copy


def _subscription(account: Account, one: Obj) -> None:
    first = one["items"]["data"][0]
    one["current_period_start"] = first["current_period_start"]
    one["current_period_end"] = first["current_period_end"]
    for item in one["items"]["data"]:
        del item["current_period_start"], item["current_period_end"]
        item.pop("discounts")
    one["items"]["total_count"] = len(one["items"]["data"])
    one["plan"] = first["plan"] if len(one["items"]["data"]) == 1 else None
    one["quantity"] = first["quantity"] if len(one["items"]["data"]) == 1 else None
    one["discount"] = _discount(account, one.pop("discounts"))
    for name in (
        "application", "billing_cycle_anchor_config", "billing_mode", "billing_schedules",
        "cancellation_details",
        "currency", "customer_account", "description", "invoice_settings", "managed_payments", "on_behalf_of",
        "trial_settings",
    ):  # fmt: skip
        one.pop(name, None)
    one["automatic_tax"] = {"enabled": False}


def _invoice(account: Account, one: Obj) -> None:
    parent = one.pop("parent") or {}
    one["subscription"] = (parent.get("subscription_details") or {}).get("subscription")
    intent = account.find("payment_intent", account.aside[one["id"]].get("intent")) if one["number"] else None
    one["payment_intent"] = intent["id"] if intent else None
    one["charge"] = intent["latest_charge"] if intent else None
    one["paid"] = one["status"] == "paid"
    payment = account.find("invoice_payment", account.aside[one["id"]].get("payment"))
    one["paid_out_of_band"] = bool(one["paid"] and payment and payment["status"] == "canceled")
    one["application_fee_amount"] = None
    one["discount"] = _discount(account, one["discounts"])
    one["quote"] = None
    one["tax"] = None
    one["total_tax_amounts"] = one.pop("total_taxes")
    one["transfer_data"] = None
    one["automatic_tax"] = {"enabled": False, "status": None}
    for name in (
        "amount_overpaid", "amount_shipping", "application", "automatically_finalizes_at", "customer_account",
        "effective_at", "from_invoice", "issuer", "latest_revision", "rendering", "shipping_cost",
        "shipping_details", "subtotal_excluding_tax", "total_excluding_tax", "total_pretax_credit_amounts",
    ):  # fmt: skip
        one.pop(name, None)
    for line in one["lines"]["data"]:
        _line(account, line)
    one["lines"]["total_count"] = len(one["lines"]["data"])


def _line(account: Account, line: Obj) -> None:
    parent = line.pop("parent")
    pricing = line.pop("pricing")
    details = parent["subscription_item_details"] or parent["invoice_item_details"]
    price = account.find("price", (pricing.get("price_details") or {}).get("price"))
    line["price"] = price
    line["invoice_item"] = details["invoice_item"]
    line["proration"] = details["proration"]
    line["proration_details"] = details["proration_details"]
    line["subscription"] = details["subscription"]
    if "subscription_item" in details:
        line["subscription_item"] = details["subscription_item"]
    line["type"] = (
        "subscription" if parent["subscription_item_details"] and not line["invoice_item"] else "invoiceitem"
    )
    line["tax_amounts"] = line.pop("taxes")
    line["tax_rates"] = []
    for name in ("pretax_credit_amounts", "quantity_decimal", "subtotal", "invoice"):
        line.pop(name)


def _session(account: Account, one: Obj) -> None:
    for name in (
        "adaptive_pricing", "client_secret", "collected_information", "currency_conversion", "custom_fields",
        "custom_text", "customer_account", "discounts", "integration_identifier", "invoice",
        "invoice_creation",
        "managed_payments", "origin_context", "payment_method_collection",
        "payment_method_configuration_details",
        "permissions", "saved_payment_method_options", "shipping_cost", "ui_mode", "wallet_options",
    ):  # fmt: skip
        one.pop(name, None)
    one["shipping"] = None
    one["shipping_rate"] = None


SHAPES: dict[str, Callable[[Account, Obj], None]] = {
    "subscription": _subscription,
    "invoice": _invoice,
    "checkout.session": _session,
}
