"""What happens to a subscription from its beginning to its end."""

from dataclasses import dataclass, field, replace

from tests.stripe_stand_in import cards, discounts, identifiers, invoicing, periods, products
from tests.stripe_stand_in.account import DAY, Account
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.invoicing import Line

ENDED = frozenset({"canceled", "incomplete_expired"})
EXPIRES = 23 * 3600
WARNING = 3 * DAY
UPCOMING = 7 * DAY


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One item as it shall be."""

    price: Obj
    quantity: int
    item: Obj | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a subscription begins."""

    collection: str = "charge_automatically"
    days_until_due: int | None = None
    trial_end: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    method: str | None = None
    description: str | None = None
    behaviour: str = "allow_incomplete"
    without_method: str = "create_invoice"
    coupons: tuple[tuple[Obj, Obj | None], ...] = ()
    session: str | None = None
    # Somebody types the card just now.
    present: bool = False


def period_of(subscription: Obj) -> tuple[int, int]:
    first = subscription["items"]["data"][0]
    return first["current_period_start"], first["current_period_end"]


def _rhythm(price: Obj) -> tuple[str, int]:
    recurring = price["recurring"]
    if recurring is None:
        raise Refused(
            f"The price specified is set to `type=one_time` but this field only accepts prices with "
            f"`type=recurring`: {price['id']}.",
            param="items[0][price]",
        )
    return recurring["interval"], recurring["interval_count"]


def make_item(account: Account, subscription: str, wanted: Wanted, period: tuple[int, int], now: int) -> Obj:
    return account.add(
        {
            "id": identifiers.new("si", 14),
            "object": "subscription_item",
            "billing_thresholds": None,
            "created": now,
            "current_period_end": period[1],
            "current_period_start": period[0],
            "discounts": [],
            "metadata": wanted.metadata,
            "plan": products.plan(wanted.price),
            "price": wanted.price,
            "quantity": wanted.quantity,
            "subscription": subscription,
            "tax_rates": [],
        }
    )


def create(account: Account, customer: Obj, wanted: list[Wanted], terms: Terms) -> Obj:
    """Begin a subscription with its first invoice; a card is charged for it at once.

    `Refused` where there is no card to charge, and with `error_if_incomplete` where it is declined.
    """
    now = account.now(customer)
    interval, each = _rhythm(wanted[0].price)
    if any(_rhythm(one.price) != (interval, each) for one in wanted):
        raise Refused(
            "If a subscription has several prices, they must have the same interval.", param="items"
        )
    method = cards.method_for(account, customer, terms.method)
    charged = terms.collection == "charge_automatically"
    amount = sum(one.price["unit_amount"] * one.quantity for one in wanted)
    trial = terms.trial_end if terms.trial_end and terms.trial_end > now else None
    if charged and not trial and amount and terms.behaviour != "default_incomplete":
        if method is None:
            raise Refused(
                "This customer has no attached payment source or default payment method. Please consider "
                "adding a default payment method.",
                code="resource_missing",
            )
        card = cards.CARDS[account.aside[method["id"]]["number"]]
        reason = card.declined or (None if terms.present else card.declined_later)
        if reason and terms.behaviour == "error_if_incomplete":
            raise cards.declined(reason)
    if customer["currency"] is None:
        customer["currency"] = wanted[0].price["currency"]
    anchor = trial or now
    period = (now, trial or periods.after(now, interval, each))
    status = "trialing" if trial else "incomplete" if charged and amount else "active"
    subscription = _subscription(account, customer, terms, status, now, anchor, trial)
    items = [make_item(account, subscription["id"], one, period, now) for one in wanted]
    subscription["items"]["data"] = items
    account.add(subscription)
    for coupon, promotion in terms.coupons:
        discounts.put(account, subscription, coupon, promotion, terms.session)
    lines = trial_lines(account, subscription) if trial else period_lines(account, subscription)
    invoice = invoicing.keep(
        account,
        invoicing.compose(
            account,
            customer,
            lines + invoicing.pending_lines(account, customer, subscription),
            reason="subscription_create",
            subscription=subscription,
            collection=terms.collection,
            days_until_due=terms.days_until_due,
            applied=invoicing.in_effect(account, subscription, now) if not trial else [],
        ),
        subscription,
        advance=True,
    )
    account.emit("customer.subscription.created", subscription)
    account.emit("invoice.created", invoice)
    if charged or not invoice["total"]:
        invoicing.finalize(account, invoice)
        if invoice["status"] == "open" and terms.behaviour != "default_incomplete":
            invoicing.attempt(account, invoice, present=terms.present)
    return subscription


def _subscription(
    account: Account, customer: Obj, terms: Terms, status: str, now: int, anchor: int, trial: int | None
) -> Obj:
    identifier = identifiers.new("sub")
    return {
        "id": identifier,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": terms.collection,
        "created": now,
        "currency": customer["currency"],
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": terms.days_until_due,
        "default_payment_method": terms.method,
        "default_source": None,
        "default_tax_rates": [],
        "description": terms.description,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={identifier}",
        },
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": terms.metadata,
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": now,
        "status": status,
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": trial,
        "trial_settings": {"end_behavior": {"missing_payment_method": terms.without_method}},
        "trial_start": now if trial else None,
    }


def _of(account: Account, price: Obj) -> str:
    amount = f"${price['unit_amount'] / 100:.2f}"
    return f"{products.name_of(account, price)} (at {amount} / {price['recurring']['interval']})"


def period_lines(
    account: Account,
    subscription: Obj,
    wanted: list[Wanted] | None = None,
    period: tuple[int, int] | None = None,
) -> list[Line]:
    """What a whole period costs."""
    wanted = wanted if wanted is not None else as_wanted(subscription)
    return [
        Line(
            amount=one.price["unit_amount"] * one.quantity,
            description=f"{one.quantity} × {_of(account, one.price)}",
            period=period or period_of(subscription),
            quantity=one.quantity,
            price=one.price,
            subscription=subscription["id"],
            item=one.item["id"] if one.item else None,
        )
        for one in wanted
    ]


def trial_lines(account: Account, subscription: Obj) -> list[Line]:
    return [
        replace(
            line,
            amount=0,
            description=f"Trial period for {products.name_of(account, line.price)}"
            if line.price
            else "Trial period",
        )
        for line in period_lines(account, subscription)
    ]


def as_wanted(subscription: Obj) -> list[Wanted]:
    return [
        Wanted(price=item["price"], quantity=item["quantity"], item=item, metadata=item["metadata"])
        for item in subscription["items"]["data"]
    ]


def proration_lines(account: Account, subscription: Obj, wanted: list[Wanted], at: int) -> list[Line]:
    """What is given back for the rest of the period, and what the rest costs now; to the second."""
    if subscription["status"] == "trialing":
        return []
    start, end = period_of(subscription)
    at = min(max(at, start), end)
    fraction = (end - at) / (end - start)
    found = []
    kept = {one.item["id"]: one for one in wanted if one.item}
    reset = any(one.item and _rhythm(one.price) != _rhythm(one.item["price"]) for one in wanted)
    for item in subscription["items"]["data"]:
        after = kept.get(item["id"])
        if (
            after
            and after.price["id"] == item["price"]["id"]
            and after.quantity == item["quantity"]
            and not reset
        ):
            continue
        found.append(
            _part(account, subscription, item, item["price"], item["quantity"], (at, end), -fraction)
        )
        if after and not reset:
            found.append(_part(account, subscription, item, after.price, after.quantity, (at, end), fraction))
    if not reset:
        found.extend(
            _part(account, subscription, None, one.price, one.quantity, (at, end), fraction)
            for one in wanted
            if one.item is None
        )
    return [line for line in found if line.quantity]


def _part(
    account: Account,
    subscription: Obj,
    item: Obj | None,
    price: Obj,
    quantity: int,
    period: tuple[int, int],
    fraction: float,
) -> Line:
    what = "Unused" if fraction < 0 else "Remaining"
    name = products.name_of(account, price)
    return Line(
        amount=round(price["unit_amount"] * quantity * fraction),
        description=f"{what} time on {quantity} × {name} after {periods.day(period[0])}",
        period=period,
        quantity=quantity,
        price=price,
        subscription=subscription["id"],
        item=item["id"] if item else None,
        proration=True,
    )


def resets(subscription: Obj, wanted: list[Wanted]) -> bool:
    """Whether another interval begins a new period at once."""
    return _rhythm(wanted[0].price) != _rhythm(subscription["items"]["data"][0]["price"])


def change_items(
    account: Account,
    subscription: Obj,
    wanted: list[Wanted],
    *,
    proration: str = "create_prorations",
    at: int | None = None,
    behaviour: str = "allow_incomplete",
) -> None:
    """Other prices or quantities from now on; `always_invoice` bills the difference at once."""
    customer = account.customer_of(subscription)
    now = account.now(subscription)
    lines = [] if proration == "none" else proration_lines(account, subscription, wanted, at or now)
    reset = resets(subscription, wanted)
    at_once = reset or proration == "always_invoice"
    if at_once and behaviour == "error_if_incomplete" and subscription["collection_method"] != "send_invoice":
        method = cards.method_for(account, customer, subscription["default_payment_method"])
        card = cards.CARDS[account.aside[method["id"]]["number"]] if method else None
        owed = sum(line.amount for line in lines) > 0
        if owed and (card is None or card.declined or card.declined_later):
            raise cards.declined((card and (card.declined or card.declined_later)) or "generic_decline")
    for line in lines:
        invoicing.add_item(account, customer, line)
    interval, each = _rhythm(wanted[0].price)
    trialing = subscription["status"] == "trialing"
    period = (now, periods.after(now, interval, each)) if reset and not trialing else period_of(subscription)
    with account.changing(subscription):
        if reset and not trialing:
            subscription["billing_cycle_anchor"] = now
        subscription["items"]["data"] = [_put(account, subscription, one, period, now) for one in wanted]
        invoice = None
        if at_once and not trialing:
            full = period_lines(account, subscription) if reset else []
            every = invoicing.pending_lines(account, customer, subscription) + full
            if every:
                invoice = _invoice(account, subscription, every, "subscription_update")
    if invoice is not None:
        account.emit("invoice.created", invoice)
        if subscription["collection_method"] != "send_invoice" or not invoice["amount_due"]:
            invoicing.finalize(account, invoice)
            if invoice["status"] == "open":
                invoicing.attempt(account, invoice)


def _put(account: Account, subscription: Obj, wanted: Wanted, period: tuple[int, int], now: int) -> Obj:
    item = wanted.item
    if item is None:
        return make_item(account, subscription["id"], wanted, period, now)
    item.update(
        price=wanted.price,
        plan=products.plan(wanted.price),
        quantity=wanted.quantity,
        metadata=wanted.metadata,
        current_period_start=period[0],
        current_period_end=period[1],
    )
    return item


def _invoice(account: Account, subscription: Obj, lines: list[Line], reason: str) -> Obj:
    customer = account.customer_of(subscription)
    return invoicing.keep(
        account,
        invoicing.compose(
            account,
            customer,
            lines,
            reason=reason,
            subscription=subscription,
            collection=subscription["collection_method"],
            days_until_due=subscription["days_until_due"],
            period=period_of(subscription),
            applied=invoicing.in_effect(account, subscription, account.now(subscription)),
        ),
        subscription,
    )


def next_period(subscription: Obj) -> tuple[int, int]:
    interval, each = _rhythm(subscription["items"]["data"][0]["price"])
    start = period_of(subscription)[1]
    return start, periods.end(subscription["billing_cycle_anchor"], start, interval, each)


def renew(account: Account, subscription: Obj, *, at_once: bool = False) -> None:
    """The period, or the trial, is over: the next begins, with a draft for it (`at_once`: billed now)."""
    customer = account.customer_of(subscription)
    if subscription["status"] == "trialing" and subscription["collection_method"] == "charge_automatically":
        method = cards.method_for(account, customer, subscription["default_payment_method"])
        what = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if method is None and what == "cancel":
            cancel(account, subscription, reason="payment_failed")
            return
        if method is None and what == "pause":
            with account.changing(subscription):
                subscription["status"] = "paused"
            account.emit("customer.subscription.paused", subscription)
            return
    start, end = next_period(subscription)
    unpaid = subscription["status"] == "unpaid"
    with account.changing(subscription):
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        for item in subscription["items"]["data"]:
            item["current_period_start"], item["current_period_end"] = start, end
        lines = period_lines(account, subscription) + invoicing.pending_lines(account, customer, subscription)
        invoice = _invoice(account, subscription, lines, "subscription_cycle")
        if unpaid:
            invoice["auto_advance"] = False
            invoice["automatically_finalizes_at"] = None
        paused = subscription["pause_collection"]
        if paused and paused["behavior"] == "keep_as_draft":
            invoice["auto_advance"] = False
            invoice["automatically_finalizes_at"] = None
    account.emit("invoice.created", invoice)
    if at_once:
        advance_invoice(account, invoice)


def advance_invoice(account: Account, invoice: Obj) -> None:
    """What happens to a draft an hour after it was made."""
    subscription = invoicing.subscription_of(account, invoice)
    invoicing.finalize(account, invoice)
    paused = (subscription or {}).get("pause_collection")
    if paused and invoice["status"] == "open":
        void(account, invoice, "void" if paused["behavior"] == "void" else "uncollectible")
    elif invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        invoicing.attempt(account, invoice)
    elif invoice["status"] == "open":
        account.emit("invoice.sent", invoice)


def void(account: Account, invoice: Obj, status: str) -> None:
    """Nothing is owed any more (`void`), or not hoped for any more (`uncollectible`)."""
    now = account.now(invoice)
    name = "voided" if status == "void" else "marked_uncollectible"
    with account.changing(invoice):
        invoice["status"] = status
        invoice["auto_advance"] = False
        invoice["next_payment_attempt"] = None
        invoice["status_transitions"] = {**invoice["status_transitions"], f"{name}_at": now}
        if status == "void":
            invoicing.close_payment(account, invoice, now)
    account.emit(f"invoice.{name}", invoice)
    subscription = invoicing.subscription_of(account, invoice)
    settled = subscription and not invoicing.still_owed(account, subscription)
    if subscription and subscription["status"] == "past_due" and settled:
        with account.changing(subscription):
            subscription["status"] = "active"


def overdue(account: Account, invoice: Obj) -> None:
    """A sent invoice was not paid in time."""
    account.aside[invoice["id"]]["overdue"] = True
    account.emit("invoice.overdue", invoice)
    subscription = invoicing.subscription_of(account, invoice)
    if subscription and subscription["status"] == "active":
        with account.changing(subscription):
            subscription["status"] = "past_due"


def cancel(
    account: Account,
    subscription: Obj,
    *,
    reason: str,
    prorate: bool = False,
    invoice_now: bool = False,
    comment: str | None = None,
    feedback: str | None = None,
) -> None:
    """End it now; drafts and open invoices are tried no more."""
    customer = account.customer_of(subscription)
    now = account.now(subscription)
    if prorate:
        for line in proration_lines(account, subscription, [], now):
            invoicing.add_item(account, customer, line)
    lines = invoicing.pending_lines(account, customer, subscription)
    if invoice_now and lines:
        final = _invoice(account, subscription, lines, "subscription_update")
        account.emit("invoice.created", final)
        invoicing.finalize(account, final)
        if final["status"] == "open" and final["collection_method"] == "charge_automatically":
            invoicing.attempt(account, final)
    for one in invoicing.invoices_of(account, subscription):
        if one["status"] in {"draft", "open"}:
            with account.changing(one):
                one["auto_advance"] = False
                one["automatically_finalizes_at"] = None
                one["next_payment_attempt"] = None
    subscription["status"] = "canceled"
    subscription["canceled_at"] = subscription["canceled_at"] or now
    subscription["ended_at"] = now
    if subscription["cancellation_details"]["reason"] is None:
        subscription["cancellation_details"] = {"comment": comment, "feedback": feedback, "reason": reason}
    account.emit("customer.subscription.deleted", subscription)


def expire(account: Account, subscription: Obj) -> None:
    """The first invoice was never paid."""
    now = account.now(subscription)
    with account.changing(subscription):
        subscription["status"] = "incomplete_expired"
        subscription["ended_at"] = now
    invoice = account.find("invoice", subscription["latest_invoice"])
    if invoice and invoice["status"] == "open":
        void(account, invoice, "void")


def cancel_at_period_end(account: Account, subscription: Obj, *, wanted: bool) -> None:
    """To be called within `changing`."""
    if wanted == subscription["cancel_at_period_end"]:
        return
    subscription["cancel_at_period_end"] = wanted
    subscription["cancel_at"] = period_of(subscription)[1] if wanted else None
    subscription["canceled_at"] = account.now(subscription) if wanted else None
    subscription["cancellation_details"] = {
        "comment": None,
        "feedback": None,
        "reason": "cancellation_requested" if wanted else None,
    }


def end_trial(account: Account, subscription: Obj) -> None:
    """Now instead of later; the first period begins and is billed."""
    now = account.now(subscription)
    subscription["trial_end"] = now
    subscription["billing_cycle_anchor"] = now
    for item in subscription["items"]["data"]:
        item["current_period_end"] = now
    renew(account, subscription, at_once=True)


def resume(account: Account, subscription: Obj) -> None:
    """Go on after a pause for want of a card, with a new period from now."""
    if subscription["status"] != "paused":
        raise Refused("You can only resume subscriptions that are paused.")
    now = account.now(subscription)
    subscription["billing_cycle_anchor"] = now
    for item in subscription["items"]["data"]:
        item["current_period_end"] = now
    with account.changing(subscription):
        subscription["status"] = "active"
    account.emit("customer.subscription.resumed", subscription)
    renew(account, subscription, at_once=True)
