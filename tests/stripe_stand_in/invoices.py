"""The addresses of invoices, their lines, payments and items."""

import json

from tests.stripe_stand_in import cards, identifiers, invoicing, lifecycle, subscriptions
from tests.stripe_stand_in.account import Account, listing
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.invoicing import Line
from tests.stripe_stand_in.lifecycle import Wanted
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, page, route


def _custom_fields(fields: Fields) -> list[Obj] | None:
    given = fields.each("custom_fields")
    if len(given) > 4:
        raise Refused("You may only specify up to 4 custom fields.", param="custom_fields")
    found = []
    for one in given:
        name, value = one.need("name"), one.need("value")
        if len(name) > 40 or len(value) > 140:
            raise Refused(
                "Custom field names have up to 40 characters, values up to 140.", param=one.where("value")
            )
        found.append({"name": name, "value": value})
    return found or None


@route(
    "POST",
    "/v1/invoices",
    "customer subscription collection_method days_until_due due_date",
    "auto_advance description footer metadata.*",
    "custom_fields[].name custom_fields[].value",
    "pending_invoice_items_behavior currency default_payment_method",
)
def create_invoice(account: Account, fields: Fields) -> Obj:
    customer = account.get("customer", fields.need("customer"), param="customer")
    subscription = None
    if named := fields.text("subscription"):
        subscription = account.get("subscription", named, param="subscription")
    collection = fields.choice("collection_method", subscriptions.COLLECTIONS, subscriptions.COLLECTIONS[0])
    due = fields.whole("due_date")
    days = None if due else subscriptions.days(fields, collection)
    take = fields.choice("pending_invoice_items_behavior", ("exclude", "include"), "exclude") == "include"
    lines = invoicing.pending_lines(account, customer, subscription) if take or subscription else []
    invoice = invoicing.keep(
        account,
        invoicing.compose(
            account,
            customer,
            lines,
            reason="manual",
            subscription=subscription,
            collection=collection,
            days_until_due=days,
        ),
        subscription,
        advance=fields.flag("auto_advance"),
    )
    invoice["due_date"] = due or invoice["due_date"]
    invoice["metadata"] = fields.metadata()
    _texts(invoice, fields)
    if chosen := fields.text("default_payment_method"):
        invoice["default_payment_method"] = account.get(
            "payment_method", chosen, param="default_payment_method"
        )["id"]
    account.emit("invoice.created", invoice)
    return invoice


def _texts(invoice: Obj, fields: Fields) -> None:
    for name in ("description", "footer"):
        if name in fields:
            invoice[name] = fields.text(name)
    if "custom_fields" in fields:
        invoice["custom_fields"] = _custom_fields(fields)


@route("GET", "/v1/invoices/{}")
def retrieve_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("invoice", identifier)


DRAFT_ONLY = {"custom_fields", "footer", "description", "due_date", "days_until_due", "collection_method"}


@route(
    "POST",
    "/v1/invoices/{}",
    "custom_fields[].name custom_fields[].value footer description metadata.* due_date days_until_due",
    "auto_advance collection_method default_payment_method",
)
def update_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if invoice["status"] != "draft" and (late := sorted(DRAFT_ONLY & set(fields.values))):
        raise Refused(
            f"Finalized invoices can't be updated in this way: {late[0]}.",
            code="invoice_not_editable",
            param=late[0],
        )
    if invoice["status"] in {"paid", "void"} and set(fields.values) - {"metadata", "expand"}:
        raise Refused("This invoice can no longer be updated.", code="invoice_not_editable")
    with account.changing(invoice):
        _texts(invoice, fields)
        invoice["metadata"] = fields.metadata(invoice["metadata"])
        invoice["collection_method"] = fields.choice(
            "collection_method", subscriptions.COLLECTIONS, invoice["collection_method"]
        )
        if "due_date" in fields:
            invoice["due_date"] = fields.whole("due_date")
        if (days := fields.whole("days_until_due", least=0)) is not None:
            invoice["due_date"] = account.now(invoice) + days * 86400
        if "auto_advance" in fields:
            invoice["auto_advance"] = fields.flag("auto_advance")
            draft = invoice["status"] == "draft" and invoice["auto_advance"]
            invoice["automatically_finalizes_at"] = (account.now(invoice) + invoicing.HOUR) if draft else None
        if chosen := fields.text("default_payment_method"):
            account.get("payment_method", chosen, param="default_payment_method")
            invoice["default_payment_method"] = chosen
    return invoice


@route("DELETE", "/v1/invoices/{}")
def delete_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if invoice["status"] != "draft" or invoice["parent"]:
        raise Refused("You can only delete draft invoices that do not belong to a subscription.")
    account.emit("invoice.deleted", invoice)
    del account.tables["invoice"][identifier]
    return {"id": identifier, "object": "invoice", "deleted": True}


@route("POST", "/v1/invoices/{}/finalize", "auto_advance")
def finalize_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if "auto_advance" in fields:
        invoice["auto_advance"] = fields.flag("auto_advance")
    return invoicing.finalize(account, invoice)


@route("POST", "/v1/invoices/{}/send")
def send_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if invoice["collection_method"] != "send_invoice":
        raise Refused("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        invoicing.finalize(account, invoice)
    if invoice["status"] not in {"open", "paid"}:
        raise Refused("This invoice cannot be sent any more.")
    account.emit("invoice.sent", invoice)
    return invoice


@route("POST", "/v1/invoices/{}/pay", "paid_out_of_band payment_method off_session forgive")
def pay_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if invoice["status"] == "draft":
        invoicing.finalize(account, invoice)
        if invoice["status"] == "paid":
            return invoice
    if invoice["status"] == "paid":
        raise Refused("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "void":
        raise Refused("Invoice is voided and can't be paid.", code="invoice_not_editable")
    if fields.flag("paid_out_of_band"):
        invoicing.settle(account, invoice, out_of_band=True)
        return invoice
    method = None
    if chosen := fields.text("payment_method"):
        method = cards.resolve(account, chosen, param="payment_method")
        cards.attach(account, method, account.customer_of(invoice))
    present = "off_session" in fields and not fields.flag("off_session")
    reason = invoicing.attempt(account, invoice, method=method, present=present)
    if reason == "no_payment_method":
        raise Refused(
            "There is no default_payment_method set on this Customer or Invoice. "
            "Please set one or pay with another.",
            code="resource_missing",
        )
    if reason:
        intent = account.tables["payment_intent"][account.aside[identifier]["intent"]]
        raise cards.declined(reason, payment_intent=intent)
    return invoice


@route("POST", "/v1/invoices/{}/void")
def void_invoice(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if invoice["status"] not in {"open", "uncollectible"}:
        raise Refused("You can only void an open or uncollectible invoice.")
    lifecycle.void(account, invoice, "void")
    return invoice


@route("POST", "/v1/invoices/{}/mark_uncollectible")
def mark_uncollectible(account: Account, fields: Fields, identifier: str) -> Obj:
    invoice = account.get("invoice", identifier)
    if invoice["status"] not in {"open", "draft"}:
        raise Refused("You can only mark an open invoice as uncollectible.")
    if invoice["status"] == "draft":
        invoicing.finalize(account, invoice)
    lifecycle.void(account, invoice, "uncollectible")
    return invoice


@route("GET", "/v1/invoices", LIST, "customer subscription status collection_method", *WHEN)
def list_invoices(account: Account, fields: Fields) -> Obj:
    return page(
        account,
        "invoice",
        "/v1/invoices",
        fields,
        {
            "customer": equal("customer"),
            "status": equal("status"),
            "collection_method": equal("collection_method"),
            "subscription": lambda one, value: bool(
                ((one["parent"] or {}).get("subscription_details") or {}).get("subscription") == value
            ),
        },
    )


@route("GET", "/v1/invoices/{}/lines", LIST)
def list_lines(account: Account, fields: Fields, identifier: str) -> Obj:
    return listing(account.get("invoice", identifier)["lines"]["data"], f"/v1/invoices/{identifier}/lines")


@route(
    "POST",
    "/v1/invoices/create_preview",
    "customer subscription subscription_details.items[].id subscription_details.items[].price",
    "subscription_details.items[].quantity subscription_details.items[].deleted",
    "subscription_details.proration_behavior subscription_details.proration_date",
    "subscription_details.trial_end subscription_details.cancel_at_period_end currency",
)
def preview_invoice(account: Account, fields: Fields) -> Obj:
    """What would be billed next, kept by nobody."""
    subscription = None
    if named := fields.text("subscription"):
        subscription = account.get("subscription", named, param="subscription")
        customer = account.customer_of(subscription)
    else:
        customer = account.get("customer", fields.need("customer"), param="customer")
    details = fields.inner("subscription_details")
    if subscription is None:
        lines, period = _new_lines(account, customer, details)
    else:
        lines, period = _changed_lines(account, customer, subscription, details)
    cycle = "subscription_create" if subscription is None else "upcoming"
    invoice = invoicing.compose(
        account,
        customer,
        lines,
        reason=cycle,
        subscription=subscription,
        collection=subscription["collection_method"] if subscription else "charge_automatically",
        days_until_due=subscription["days_until_due"] if subscription else None,
        period=period,
        identifier=f"upcoming_{identifiers.new('in')}",
        applied=invoicing.in_effect(account, subscription, account.now(customer)) if subscription else [],
    )
    return json.loads(json.dumps(invoice))  # type: ignore[no-any-return]


def _new_lines(account: Account, customer: Obj, details: Fields) -> tuple[list[Line], tuple[int, int]]:
    from tests.stripe_stand_in import periods, products

    now = account.now(customer)
    lines = []
    period = (now, now)
    for one in subscriptions.wanted(account, details):
        recurring = one.price["recurring"]
        period = (now, periods.after(now, recurring["interval"], recurring["interval_count"]))
        lines.append(
            Line(
                amount=one.price["unit_amount"] * one.quantity,
                description=f"{one.quantity} × {products.name_of(account, one.price)}",
                period=period,
                quantity=one.quantity,
                price=one.price,
            )
        )
    return lines, period


def _changed_lines(
    account: Account, customer: Obj, subscription: Obj, details: Fields
) -> tuple[list[Line], tuple[int, int]]:
    if subscription["status"] in lifecycle.ENDED:
        raise Refused("No upcoming invoices for customer", status=404, code="invoice_upcoming_none")
    now = account.now(customer)
    proration = details.choice("proration_behavior", subscriptions.PRORATIONS, subscriptions.PRORATIONS[0])
    wanted: list[Wanted] = lifecycle.as_wanted(subscription)
    lines = invoicing.pending_lines(account, customer, subscription)
    if "items" in details:
        wanted = subscriptions.changed(account, subscription, details)
        if proration != "none":
            at = details.whole("proration_date") or now
            lines += lifecycle.proration_lines(account, subscription, wanted, at)
    if "items" in details and lifecycle.resets(subscription, wanted):
        from tests.stripe_stand_in import periods

        recurring = wanted[0].price["recurring"]
        period = (now, periods.after(now, recurring["interval"], recurring["interval_count"]))
        return lines + lifecycle.period_lines(account, subscription, wanted, period), period
    ending = details.flag("cancel_at_period_end", default=subscription["cancel_at_period_end"])
    if proration == "always_invoice" and "items" in details:
        return lines, lifecycle.period_of(subscription)
    period = lifecycle.next_period(subscription)
    if ending:
        if not lines:
            raise Refused("No upcoming invoices for customer", status=404, code="invoice_upcoming_none")
        return lines, period
    return lines + lifecycle.period_lines(account, subscription, wanted, period), period


@route("GET", "/v1/invoice_payments", LIST, "invoice status payment.type payment.payment_intent")
def list_payments(account: Account, fields: Fields) -> Obj:
    intent = fields.inner("payment").text("payment_intent")
    return page(
        account,
        "invoice_payment",
        "/v1/invoice_payments",
        fields,
        {"invoice": equal("invoice"), "status": equal("status")},
        keep=lambda one: intent is None or one["payment"]["payment_intent"] == intent,
    )


@route("GET", "/v1/invoice_payments/{}")
def retrieve_payment(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("invoice_payment", identifier)


@route(
    "POST",
    "/v1/invoiceitems",
    "customer amount currency description invoice subscription metadata.* quantity pricing.price",
)
def create_item(account: Account, fields: Fields) -> Obj:
    customer = account.get("customer", fields.need("customer"), param="customer")
    price = None
    if named := fields.inner("pricing").text("price"):
        price = account.get("price", named, param="pricing[price]")
    quantity = fields.whole("quantity", 1, least=0) or 0
    amount = price["unit_amount"] * quantity if price else fields.whole("amount")
    if amount is None:
        raise Refused("Missing required param: amount.", code="parameter_missing", param="amount")
    now = account.now(customer)
    target = None
    if named := fields.text("invoice"):
        target = account.get("invoice", named, param="invoice")
        if target["status"] != "draft":
            raise Refused(
                "The invoice is not a draft any more.", code="invoice_not_editable", param="invoice"
            )
    item = invoicing.add_item(
        account,
        customer,
        Line(
            amount=int(amount),
            description=fields.text("description") or "",
            period=(now, now),
            quantity=quantity,
            price=price,
            subscription=fields.text("subscription"),
            metadata=tuple(fields.metadata().items()),
        ),
    )
    if target:
        item["invoice"] = target["id"]
        line = invoicing.line_object(invoicing.pending_line(account, item), target["id"])
        with account.changing(target):
            target["lines"]["data"].append(line)
            invoicing.count(account, target, customer)
    return item


@route("GET", "/v1/invoiceitems/{}")
def retrieve_item(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("invoiceitem", identifier)


@route("DELETE", "/v1/invoiceitems/{}")
def delete_item(account: Account, fields: Fields, identifier: str) -> Obj:
    item = account.get("invoiceitem", identifier)
    if item["invoice"]:
        raise Refused("You can only delete an invoice item that no invoice has yet.")
    account.emit("invoiceitem.deleted", item)
    del account.tables["invoiceitem"][identifier]
    return {"id": identifier, "object": "invoiceitem", "deleted": True}


@route("GET", "/v1/invoiceitems", LIST, "customer invoice pending", *WHEN)
def list_items(account: Account, fields: Fields) -> Obj:
    pending = fields.flag("pending") if "pending" in fields else None
    return page(
        account,
        "invoiceitem",
        "/v1/invoiceitems",
        fields,
        {"customer": equal("customer"), "invoice": equal("invoice")},
        keep=lambda one: pending is None or (one["invoice"] is None) is pending,
    )
