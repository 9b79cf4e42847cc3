"""Identifiers that look like Stripe's, and the object that each prefix means."""

import secrets
import string

LETTERS = string.ascii_letters + string.digits
OF_PREFIX = {
    "cus": "customer",
    "prod": "product",
    "price": "price",
    "txi": "tax_id",
    "promo": "promotion_code",
    "di": "discount",
    "cs": "checkout.session",
    "bps": "billing_portal.session",
    "bpc": "billing_portal.configuration",
    "sub": "subscription",
    "si": "subscription_item",
    "in": "invoice",
    "inpay": "invoice_payment",
    "ii": "invoiceitem",
    "evt": "event",
    "we": "webhook_endpoint",
    "clock": "test_helpers.test_clock",
    "ch": "charge",
    "pi": "payment_intent",
    "pm": "payment_method",
    "acct": "account",
}


def new(prefix: str, length: int = 24) -> str:
    return f"{prefix}_{''.join(secrets.choice(LETTERS) for _ in range(length))}"


def kind(identifier: str) -> str | None:
    return OF_PREFIX.get(identifier.partition("_")[0])
