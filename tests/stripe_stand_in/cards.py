"""Test cards, payment methods, and what happens when one is charged.

The numbers are Stripe's published test numbers. Any other is refused without being kept, so that nobody's
real card can get in here.
"""

from dataclasses import dataclass

from tests.stripe_stand_in import identifiers
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj, Refused, missing
from tests.stripe_stand_in.params import Fields
from tests.stripe_stand_in.routing import LIST, equal, page, route

NOBODY: Obj = {
    "address": {
        "city": None,
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


@dataclass(frozen=True, kw_only=True)
class Card:
    brand: str = "visa"
    last4: str
    # Why a charge is declined: at once, or only while nobody is there to type.
    declined: str | None = None
    declined_later: str | None = None


CARDS = {
    "4242424242424242": Card(last4="4242"),
    "5555555555554444": Card(brand="mastercard", last4="4444"),
    "4000000000000341": Card(last4="0341", declined_later="generic_decline"),
    "4000000000000002": Card(last4="0002", declined="generic_decline"),
    "4000000000009995": Card(last4="9995", declined="insufficient_funds"),
    "4000000000000069": Card(last4="0069", declined="expired_card"),
}
# What the library takes in place of a number.
TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
}
SAYS = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
}


def read(number: str) -> str:
    """The number without spaces; `Refused` when it is no test card. The sentence is for a page."""
    plain = "".join(number.split())
    if plain not in CARDS:
        raise Refused(
            "This is a stand-in: use a test card such as 4242 4242 4242 4242, never a real one.",
            status=402,
            kind="card_error",
            code="incorrect_number",
            param="number",
        )
    return plain


def declined(reason: str, *, payment_intent: Obj | None = None) -> Refused:
    return Refused(
        SAYS[reason],
        status=402,
        kind="card_error",
        code="expired_card" if reason == "expired_card" else "card_declined",
        decline_code=None if reason == "expired_card" else reason,
        more={"payment_intent": payment_intent} if payment_intent else None,
    )


def make(account: Account, number: str) -> Obj:
    card = CARDS[number]
    method = account.add(
        {
            "id": identifiers.new("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": NOBODY,
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "pass",
                },
                "country": "US",
                "display_brand": card.brand,
                "exp_month": 12,
                "exp_year": 2040,
                "fingerprint": f"standin{card.last4}",
                "funding": "credit",
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": None,
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": account.now(),
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
        }
    )
    account.aside[method["id"]]["number"] = number
    return method


def resolve(account: Account, identifier: str, *, param: str) -> Obj:
    """A payment method by its identifier, or a new one for one of the library's test tokens."""
    if identifier in TOKENS:
        return make(account, TOKENS[identifier])
    return account.get("payment_method", identifier, param=param)


def attach(account: Account, method: Obj, customer: Obj) -> None:
    if method["customer"] not in (None, customer["id"]):
        raise Refused("The payment method you provided has already been attached to a customer.")
    if method["customer"] is None:
        number = account.aside[method["id"]]["number"]
        if reason := CARDS[number].declined:
            raise declined(reason)
        method["customer"] = customer["id"]
        account.emit("payment_method.attached", method)


def make_default(account: Account, customer: Obj, method: Obj) -> None:
    with account.changing(customer):
        customer["invoice_settings"]["default_payment_method"] = method["id"]


def method_for(account: Account, customer: Obj, *preferred: str | None) -> Obj | None:
    """What would be charged: the first preferred one, else the customer's own."""
    for identifier in (*preferred, customer["invoice_settings"]["default_payment_method"]):
        if identifier and (found := account.find("payment_method", identifier)):
            return found
    return None


def charge(account: Account, intent: Obj, method: Obj, *, present: bool) -> str | None:
    """Charge the intent's amount; says why not. `present` where somebody types the card just now."""
    card = CARDS[account.aside[method["id"]]["number"]]
    reason = card.declined or (None if present else card.declined_later)
    customer = account.customer_of(intent)
    now = account.now(customer)
    made = account.add(_charge(intent, method, now, reason))
    intent["payment_method"] = method["id"]
    intent["latest_charge"] = made["id"]
    if reason:
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "charge": made["id"],
            "code": "card_declined",
            "decline_code": reason,
            "message": SAYS[reason],
            "type": "card_error",
        }
        account.emit("charge.failed", made)
        account.emit("payment_intent.payment_failed", intent)
        return reason
    intent["status"] = "succeeded"
    intent["amount_received"] = intent["amount"]
    intent["last_payment_error"] = None
    account.emit("charge.succeeded", made)
    account.emit("payment_intent.succeeded", intent)
    return None


def make_intent(account: Account, customer: Obj, amount: int, currency: str, description: str) -> Obj:
    identifier = identifiers.new("pi")
    intent = account.add(
        {
            "id": identifier,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": identifiers.new(f"{identifier}_secret"),
            "confirmation_method": "automatic",
            "created": account.now(customer),
            "currency": currency,
            "customer": customer["id"],
            "customer_account": None,
            "description": description,
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": "off_session",
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        }
    )
    account.emit("payment_intent.created", intent)
    return intent


def _charge(intent: Obj, method: Obj, now: int, reason: str | None) -> Obj:
    identifier = identifiers.new("ch")
    card = method["card"]
    return {
        "id": identifier,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if reason else intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None if reason else identifiers.new("txn"),
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": None,
        "captured": not reason,
        "created": now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": "card_declined" if reason else None,
        "failure_message": SAYS[reason] if reason else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "declined_by_network" if reason else "approved_by_network",
            "reason": reason,
            "seller_message": "The bank declined it." if reason else "Payment complete.",
            "type": "issuer_declined" if reason else "authorized",
        },
        "paid": not reason,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {
            "card": {
                name: card[name] for name in ("brand", "country", "exp_month", "exp_year", "funding", "last4")
            },
            "type": "card",
        },
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "refunds": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/charges/{identifier}/refunds",
        },
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "failed" if reason else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


@route("POST", "/v1/payment_methods/{}/attach", "customer")
def attach_method(account: Account, fields: Fields, identifier: str) -> Obj:
    customer = account.get("customer", fields.need("customer"), param="customer")
    method = resolve(account, identifier, param="id")
    attach(account, method, customer)
    return method


@route("POST", "/v1/payment_methods/{}/detach")
def detach_method(account: Account, fields: Fields, identifier: str) -> Obj:
    method = account.get("payment_method", identifier)
    if method["customer"] is None:
        raise Refused(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    customer = account.customer_of(method)
    method["customer"] = None
    account.emit("payment_method.detached", method)
    if customer.get("deleted"):
        return method
    with account.changing(customer):
        if customer["invoice_settings"]["default_payment_method"] == identifier:
            customer["invoice_settings"]["default_payment_method"] = None
    return method


@route("GET", "/v1/payment_methods/{}")
def retrieve_method(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("payment_method", identifier)


@route("GET", "/v1/customers/{}/payment_methods", LIST, "type")
def list_methods_of(account: Account, fields: Fields, customer: str) -> Obj:
    account.get("customer", customer)
    return page(
        account,
        "payment_method",
        f"/v1/customers/{customer}/payment_methods",
        fields,
        {"type": equal("type")},
        keep=lambda one: one["customer"] == customer,
    )


@route("GET", "/v1/payment_intents/{}")
def retrieve_intent(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("payment_intent", identifier)


@route("GET", "/v1/charges/{}")
def retrieve_charge(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("charge", identifier)


@route("GET", "/v1/charges", LIST, "customer payment_intent")
def list_charges(account: Account, fields: Fields) -> Obj:
    customer = fields.text("customer")
    if customer and not account.find("customer", customer):
        raise missing("customer", customer, param="customer")
    return page(
        account,
        "charge",
        "/v1/charges",
        fields,
        {"customer": equal("customer"), "payment_intent": equal("payment_intent")},
    )


@route("GET", "/v1/balance")
def balance(account: Account, fields: Fields) -> Obj:
    taken = sum(one["amount_captured"] for one in account.tables["charge"].values())
    none = {"amount": 0, "currency": "usd", "source_types": {"card": 0}}
    return {
        "object": "balance",
        "available": [none],
        "connect_reserved": [{"amount": 0, "currency": "usd"}],
        "livemode": False,
        "pending": [{"amount": taken, "currency": "usd", "source_types": {"card": taken}}],
    }
