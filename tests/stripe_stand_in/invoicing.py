"""How an invoice comes about, is finalized, paid or not, and what that does to its subscription."""

from dataclasses import dataclass
from typing import Any

from tests.stripe_stand_in import cards, customers, discounts, identifiers
from tests.stripe_stand_in.account import DAY, Account
from tests.stripe_stand_in.errors import Obj, Refused

HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line before it stands on an invoice; cents, and seconds for the period."""

    amount: int
    description: str
    period: tuple[int, int]
    quantity: int = 1
    price: Obj | None = None
    subscription: str | None = None
    item: str | None = None
    proration: bool = False
    # The pending invoice item that it comes from.
    pending: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()


def line_object(line: Line, invoice: str) -> Obj:
    proration_details = {"credited_items": None}
    of_item = None
    of_subscription = None
    if line.item:
        of_subscription = {
            "invoice_item": line.pending,
            "proration": line.proration,
            "proration_details": proration_details,
            "subscription": line.subscription,
            "subscription_item": line.item,
        }
    else:
        of_item = {
            "invoice_item": line.pending,
            "proration": line.proration,
            "proration_details": proration_details,
            "subscription": line.subscription,
        }
    unit = line.price["unit_amount"] if line.price else line.amount
    return {
        "id": identifiers.new("il"),
        "object": "line_item",
        "amount": line.amount,
        "currency": line.price["currency"] if line.price else "usd",
        "description": line.description,
        "discount_amounts": [],
        "discountable": not line.proration,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": dict(line.metadata),
        "parent": {
            "invoice_item_details": of_item,
            "subscription_item_details": of_subscription,
            "type": "subscription_item_details" if of_subscription else "invoice_item_details",
        },
        "period": {"end": line.period[1], "start": line.period[0]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": line.price["id"], "product": line.price["product"]}
            if line.price
            else None,
            "type": "price_details",
            "unit_amount_decimal": str(unit),
        },
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "subscription": line.subscription,
        "subtotal": line.amount,
        "taxes": [],
    }


def compose(
    account: Account,
    customer: Obj,
    lines: list[Line],
    *,
    reason: str,
    subscription: Obj | None = None,
    collection: str = "charge_automatically",
    days_until_due: int | None = None,
    period: tuple[int, int] | None = None,
    identifier: str = "",
    applied: list[str] | None = None,
) -> Obj:
    """A draft that nobody keeps yet. `applied` are discounts."""
    now = account.now(customer)
    identifier = identifier or identifiers.new("in")
    settings = customer["invoice_settings"]
    invoice: Obj = {
        "id": identifier,
        "object": "invoice",
        "account_country": "US",
        "account_name": account.options.name,
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": collection,
        "created": now,
        "currency": customer["currency"] or "usd",
        "custom_fields": settings["custom_fields"],
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": None,
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": customers.tax_ids(account, customer),
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": list(applied or []),
        "due_date": now + days_until_due * DAY if days_until_due is not None else None,
        "effective_at": None,
        "ending_balance": None,
        "footer": settings["footer"],
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {
            "object": "list",
            "data": [line_object(line, identifier) for line in lines],
            "has_more": False,
            "url": f"/v1/invoices/{identifier}/lines",
        },
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
        if subscription
        else None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": period[1] if period else now,
        "period_start": period[0] if period else now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subscription": None,
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": customer["test_clock"],
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }
    # The sample of today's shape has both; a client reads `parent`.
    count(account, invoice, customer)
    return invoice


def count(account: Account, invoice: Obj, customer: Obj) -> None:
    """Write the totals anew from the lines."""
    lines = invoice["lines"]["data"]
    subtotal = sum(line["amount"] for line in lines)
    taken = []
    for line in lines:
        line["discount_amounts"] = []
    for identifier in invoice["discounts"]:
        coupon = account.tables["coupon"][account.tables["discount"][identifier]["source"]["coupon"]]
        left = coupon["amount_off"]
        whole = 0
        for line in lines:
            if coupon["percent_off"] is not None:
                part = round(line["amount"] * coupon["percent_off"] / 100)
            else:
                part = discounts.off({**coupon, "amount_off": left}, line["amount"])
                left -= part
            line["discount_amounts"].append({"amount": part, "discount": identifier})
            whole += part
        taken.append({"amount": whole, "discount": identifier})
    total = subtotal - sum(one["amount"] for one in taken)
    balance = customer["balance"] if invoice["status"] == "draft" else invoice["starting_balance"]
    invoice["subtotal"] = invoice["subtotal_excluding_tax"] = subtotal
    invoice["total_discount_amounts"] = taken
    invoice["total"] = invoice["total_excluding_tax"] = total
    invoice["starting_balance"] = balance
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, total + balance)


def in_effect(account: Account, subscription: Obj, at: int) -> list[str]:
    """The subscription's discounts that still apply."""
    found = []
    for identifier in subscription["discounts"]:
        discount = account.tables["discount"][identifier]
        coupon = account.tables["coupon"][discount["source"]["coupon"]]
        spent = coupon["duration"] == "once" and account.aside[identifier].get("spent")
        if not spent and (discount["end"] is None or discount["end"] > at):
            found.append(identifier)
    return found


def keep(account: Account, invoice: Obj, subscription: Obj | None = None, *, advance: bool = True) -> Obj:
    """Take a composed invoice into the account; nothing is told yet."""
    account.add(invoice)
    now = account.now(invoice)
    if advance:
        invoice["auto_advance"] = True
        invoice["automatically_finalizes_at"] = now + HOUR
    for identifier in invoice["discounts"]:
        account.aside[identifier]["spent"] = True
    for line in invoice["lines"]["data"]:
        details = line["parent"]["invoice_item_details"] or line["parent"]["subscription_item_details"]
        if pending := account.find("invoiceitem", details["invoice_item"]):
            pending["invoice"] = invoice["id"]
    if subscription is not None:
        subscription["latest_invoice"] = invoice["id"]
        account.aside[subscription["id"]].setdefault("invoices", []).append(invoice["id"])
    return invoice


def invoices_of(account: Account, subscription: Obj) -> list[Obj]:
    ids = account.aside[subscription["id"]].get("invoices", [])
    return [one for identifier in ids if (one := account.find("invoice", identifier))]


def finalize(account: Account, invoice: Obj) -> Obj:
    """Give it a number and open it; without an amount it is paid at once. `Refused` unless a draft."""
    if invoice["status"] != "draft":
        raise Refused("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    customer = account.customer_of(invoice)
    now = account.now(invoice)
    count(account, invoice, customer)
    starting = customer["balance"]
    with account.changing(customer):
        # A credit is used up, and a negative total becomes one.
        customer["balance"] = min(0, starting + invoice["total"]) if starting + invoice["total"] < 0 else 0
        customer["next_invoice_sequence"] += 1
    secret = identifiers.new("live", 40)[5:]
    account.aside[invoice["id"]]["secret"] = secret
    account.aside["hosted"][secret] = invoice["id"]
    invoice.update(
        status="open",
        number=f"{customer['invoice_prefix']}-{customer['next_invoice_sequence'] - 1:04d}",
        effective_at=now,
        starting_balance=starting,
        ending_balance=customer["balance"],
        automatically_finalizes_at=None,
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_address=customer["address"],
        customer_tax_exempt=customer["tax_exempt"],
        customer_tax_ids=customers.tax_ids(account, customer),
        hosted_invoice_url=f"{account.address}/i/{secret}",
        invoice_pdf=f"{account.address}/i/{secret}/pdf",
    )
    invoice["status_transitions"]["finalized_at"] = now
    account.emit("invoice.finalized", invoice)
    if not invoice["amount_due"]:
        settle(account, invoice)
        return invoice
    intent = cards.make_intent(
        account, customer, invoice["amount_due"], invoice["currency"], f"Invoice {invoice['number']}"
    )
    payment = account.add(
        {
            "id": identifiers.new("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )
    account.aside[invoice["id"]].update(intent=intent["id"], payment=payment["id"])
    return invoice


def attempt(
    account: Account, invoice: Obj, *, present: bool = False, method: Obj | None = None
) -> str | None:
    """Charge an open invoice; says why not. `present` where somebody types the card just now."""
    customer = account.customer_of(invoice)
    subscription = subscription_of(account, invoice)
    preferred = (invoice["default_payment_method"], (subscription or {}).get("default_payment_method"))
    method = method or cards.method_for(account, customer, *preferred)
    intent = account.tables["payment_intent"][account.aside[invoice["id"]]["intent"]]
    reason: str | None = "no_payment_method"
    if method is not None:
        reason = cards.charge(account, intent, method, present=present)
    if reason is None:
        with account.changing(invoice):
            invoice["attempt_count"] += 1
            invoice["attempted"] = True
        settle(account, invoice)
    else:
        _failed(account, invoice, subscription)
    return reason


def _failed(account: Account, invoice: Obj, subscription: Obj | None) -> None:
    now = account.now(invoice)
    days = account.options.retry_days
    tries = int(invoice["attempt_count"])
    first = invoice["billing_reason"] == "subscription_create"
    later = invoice["auto_advance"] and not first and tries < len(days)
    with account.changing(invoice):
        invoice["attempt_count"] += 1
        invoice["attempted"] = True
        invoice["next_payment_attempt"] = now + days[tries] * DAY if later else None
    account.emit("invoice.payment_failed", invoice)
    if subscription is None:
        return
    customer = account.customer_of(invoice)
    with account.changing(customer):
        customer["delinquent"] = True
    if subscription["status"] in {"active", "trialing"}:
        with account.changing(subscription):
            subscription["status"] = "past_due"
    elif subscription["status"] == "past_due" and not later and invoice["auto_advance"]:
        give_up(account, subscription, account.options.after_retries)


def give_up(account: Account, subscription: Obj, what: str) -> None:
    """What the account is set to after the last retry: `cancel`, `unpaid` or `leave`."""
    from tests.stripe_stand_in import lifecycle

    if what == "cancel":
        lifecycle.cancel(account, subscription, reason="payment_failed")
    elif what == "unpaid":
        with account.changing(subscription):
            subscription["status"] = "unpaid"


def settle(account: Account, invoice: Obj, *, out_of_band: bool = False) -> None:
    """The invoice is paid; so its subscription goes on."""
    now = account.now(invoice)
    with account.changing(invoice):
        invoice["status"] = "paid"
        invoice["amount_paid"] = invoice["amount_due"]
        invoice["amount_remaining"] = 0
        invoice["attempted"] = True
        invoice["auto_advance"] = False
        invoice["next_payment_attempt"] = None
        invoice["status_transitions"] = {**invoice["status_transitions"], "paid_at": now}
    account.emit("invoice.paid", invoice)
    payment = account.find("invoice_payment", account.aside[invoice["id"]].get("payment"))
    if out_of_band:
        close_payment(account, invoice, now)
    else:
        account.emit("invoice.payment_succeeded", invoice)
        if payment:
            payment["status"] = "paid"
            payment["amount_paid"] = invoice["amount_due"]
            payment["status_transitions"]["paid_at"] = now
            account.emit("invoice_payment.paid", payment)
    subscription = subscription_of(account, invoice)
    customer = account.customer_of(invoice)
    if subscription is None or customer.get("deleted"):
        return
    owed = still_owed(account, subscription)
    if subscription["status"] == "incomplete" or (
        subscription["status"] in {"past_due", "unpaid"} and not owed
    ):
        with account.changing(subscription):
            subscription["status"] = "active"
    if not owed:
        with account.changing(customer):
            customer["delinquent"] = False


def close_payment(account: Account, invoice: Obj, now: int) -> None:
    """Nobody will pay this one with a card any more."""
    if payment := account.find("invoice_payment", account.aside[invoice["id"]].get("payment")):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = now
        intent = account.tables["payment_intent"][payment["payment"]["payment_intent"]]
        intent["status"] = "canceled"
        intent["canceled_at"] = now
        account.emit("payment_intent.canceled", intent)


def still_owed(account: Account, subscription: Obj) -> list[Obj]:
    """Invoices of the subscription that were tried in vain, or are overdue."""
    return [
        one
        for one in invoices_of(account, subscription)
        if one["status"] == "open" and (one["attempt_count"] or account.aside[one["id"]].get("overdue"))
    ]


def subscription_of(account: Account, invoice: Obj) -> Obj | None:
    details: Any = (invoice["parent"] or {}).get("subscription_details") or {}
    return account.find("subscription", details.get("subscription"))


def pending_lines(account: Account, customer: Obj, subscription: Obj | None) -> list[Line]:
    """Invoice items that wait for the next invoice."""
    found = []
    for one in account.tables["invoiceitem"].values():
        of = ((one["parent"] or {}).get("subscription_details") or {}).get("subscription")
        if one["customer"] != customer["id"] or one["invoice"] is not None:
            continue
        if of is not None and (subscription is None or of != subscription["id"]):
            continue
        found.append(pending_line(account, one))
    return found


def pending_line(account: Account, item: Obj) -> Line:
    details = (item["parent"] or {}).get("subscription_details") or {}
    price = ((item["pricing"] or {}).get("price_details") or {}).get("price")
    return Line(
        amount=item["amount"],
        description=item["description"],
        period=(item["period"]["start"], item["period"]["end"]),
        quantity=item["quantity"],
        price=account.find("price", price),
        subscription=details.get("subscription"),
        item=details.get("subscription_item"),
        proration=item["proration"],
        pending=item["id"],
        metadata=tuple(item["metadata"].items()),
    )


def add_item(account: Account, customer: Obj, line: Line) -> Obj:
    """A pending invoice item for a line."""
    made = account.add(
        {
            "id": identifiers.new("ii"),
            "object": "invoiceitem",
            "amount": line.amount,
            "currency": line.price["currency"] if line.price else "usd",
            "customer": customer["id"],
            "customer_account": None,
            "date": account.now(customer),
            "description": line.description,
            "discountable": not line.proration,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": dict(line.metadata),
            "net_amount": line.amount,
            "parent": {
                "subscription_details": {"subscription": line.subscription, "subscription_item": line.item},
                "type": "subscription_details",
            }
            if line.subscription
            else None,
            "period": {"end": line.period[1], "start": line.period[0]},
            "pricing": {
                "price_details": {"price": line.price["id"], "product": line.price["product"]},
                "type": "price_details",
                "unit_amount_decimal": line.price["unit_amount_decimal"],
            }
            if line.price
            else {"price_details": None, "type": "price_details", "unit_amount_decimal": str(line.amount)},
            "proration": line.proration,
            "quantity": line.quantity,
            "quantity_decimal": str(line.quantity),
            "tax_rates": [],
            "test_clock": customer["test_clock"],
        }
    )
    account.emit("invoiceitem.created", made)
    return made
