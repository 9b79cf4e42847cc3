"""Checkout sessions: made by a client, paid on a page of the stand-in."""

from tests.stripe_stand_in import cards, customers, discounts, identifiers, lifecycle, subscriptions
from tests.stripe_stand_in.account import DAY, Account, listing
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.lifecycle import Terms, Wanted
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, page, route

COLLECTS = ("always", "if_required")


@route(
    "POST",
    "/v1/checkout/sessions",
    "mode line_items[].price line_items[].quantity line_items[].adjustable_quantity.enabled",
    "line_items[].adjustable_quantity.minimum",
    "line_items[].adjustable_quantity.maximum customer customer_email",
    "client_reference_id metadata.* subscription_data.trial_period_days subscription_data.trial_end",
    "subscription_data.metadata.* subscription_data.description",
    "subscription_data.trial_settings.end_behavior.missing_payment_method allow_promotion_codes",
    "tax_id_collection.enabled customer_update.name",
    "customer_update.address success_url cancel_url expires_at",
    "locale payment_method_collection billing_address_collection",
    "discounts[].coupon discounts[].promotion_code ui_mode custom_text.submit.message automatic_tax.enabled",
)
def create_session(account: Account, fields: Fields) -> Obj:
    mode = fields.need("mode")
    if mode != "subscription":
        raise Refused("The stand-in sells subscriptions only.", param="mode")
    customer = None
    if named := fields.text("customer"):
        customer = account.get("customer", named, param="customer")
        if fields.text("customer_email"):
            raise Refused("You may only specify one of these parameters: customer, customer_email.")
    tax_ids = fields.inner("tax_id_collection").flag("enabled")
    if tax_ids and customer and fields.inner("customer_update").text("name") != "auto":
        raise Refused(
            "Tax ID collection requires updating business name on the customer. To "
            "enable tax ID collection for an "
            "existing customer, please set `customer_update[name]` to `auto`.",
            param="customer_update[name]",
        )
    items = _items(account, fields)
    if fields.flag("allow_promotion_codes") and "discounts" in fields:
        raise Refused("You may only specify one of these parameters: allow_promotion_codes, discounts.")
    coupons = discounts.chosen(account, fields)
    now = account.now(customer)
    expires = fields.whole("expires_at") or now + DAY
    if not now + 1800 <= expires <= now + DAY:
        raise Refused(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    wanted = fields.inner("subscription_data")
    trial = wanted.whole("trial_end")
    if length := wanted.whole("trial_period_days", least=1):
        trial = now + length * DAY
    session = account.add(_session(account, fields, customer, items, now, expires))
    account.aside[session["id"]].update(
        items=items,
        trial_days=wanted.whole("trial_period_days"),
        trial=trial,
        metadata=wanted.metadata(),
        description=wanted.text("description"),
        without=wanted.inner("trial_settings")
        .inner("end_behavior")
        .choice("missing_payment_method", subscriptions.WITHOUT, subscriptions.WITHOUT[0]),
        coupons=coupons,
        line_items=[_line(one) for one in items],
        tax_ids=tax_ids,
    )
    _count(account, session, coupons)
    return session


def _items(account: Account, fields: Fields) -> list[Obj]:
    found = []
    for one in fields.each("line_items"):
        price = subscriptions.priced(account, one)
        if price["recurring"] is None:
            raise Refused(
                "You must provide at least one recurring price in `subscription` mode.", param="line_items"
            )
        adjustable = one.inner("adjustable_quantity")
        found.append(
            {
                "price": price,
                "quantity": one.whole("quantity", 1, least=1),
                "adjustable": adjustable.flag("enabled"),
                "least": adjustable.whole("minimum", 1),
                "most": adjustable.whole("maximum", 99),
            }
        )
    if not found:
        raise Refused("Missing required param: line_items.", code="parameter_missing", param="line_items")
    return found


def _line(one: Obj) -> Obj:
    price = one["price"]
    amount = price["unit_amount"] * one["quantity"]
    return {
        "id": identifiers.new("li"),
        "object": "item",
        "adjustable_quantity": {"enabled": one["adjustable"], "maximum": one["most"], "minimum": one["least"]}
        if one["adjustable"]
        else None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["nickname"] or price["product"],
        "metadata": {},
        "price": price,
        "quantity": one["quantity"],
    }


def _count(account: Account, session: Obj, coupons: list[tuple[Obj, Obj | None]]) -> None:
    aside = account.aside[session["id"]]
    whole = sum(one["price"]["unit_amount"] * one["quantity"] for one in aside["items"])
    if aside["trial"]:
        whole = 0
    taken = 0
    for coupon, _ in coupons:
        taken += discounts.off(coupon, whole - taken)
    session["amount_subtotal"] = whole
    session["amount_total"] = whole - taken
    session["total_details"] = {"amount_discount": taken, "amount_shipping": 0, "amount_tax": 0}
    session["discounts"] = [
        {
            "coupon": None if promotion else coupon["id"],
            "promotion_code": promotion["id"] if promotion else None,
        }
        for coupon, promotion in coupons
    ]


def _session(
    account: Account, fields: Fields, customer: Obj | None, items: list[Obj], now: int, expires: int
) -> Obj:
    identifier = identifiers.new("cs_test", 58)
    return {
        "id": identifier,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": fields.flag("allow_promotion_codes") or None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": fields.text("billing_address_collection"),
        "cancel_url": fields.text("cancel_url"),
        "client_reference_id": fields.text("client_reference_id"),
        "client_secret": None,
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": items[0]["price"]["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": customer["id"] if customer else None,
        "customer_account": None,
        "customer_creation": None if customer else "always",
        "customer_details": {
            "address": None,
            "business_name": None,
            "email": customer["email"],
            "individual_name": None,
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": None,
        }
        if customer
        else None,
        "customer_email": fields.text("customer_email"),
        "discounts": [],
        "expires_at": expires,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": fields.text("locale"),
        "managed_payments": {"enabled": False},
        "metadata": fields.metadata(),
        "mode": "subscription",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": fields.choice("payment_method_collection", COLLECTS, COLLECTS[0]),
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": fields.need("success_url"),
        "total_details": None,
        "ui_mode": "hosted_page",
        "url": f"{account.address}/c/pay/{identifier}",
        "wallet_options": None,
    }


@route("GET", "/v1/checkout/sessions/{}")
def retrieve_session(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("checkout.session", identifier)


@route("GET", "/v1/checkout/sessions", LIST, "customer subscription status payment_intent", *WHEN)
def list_sessions(account: Account, fields: Fields) -> Obj:
    return page(
        account,
        "checkout.session",
        "/v1/checkout/sessions",
        fields,
        {"customer": equal("customer"), "subscription": equal("subscription"), "status": equal("status")},
    )


@route("GET", "/v1/checkout/sessions/{}/line_items", LIST)
def list_line_items(account: Account, fields: Fields, identifier: str) -> Obj:
    account.get("checkout.session", identifier)
    return listing(account.aside[identifier]["line_items"], f"/v1/checkout/sessions/{identifier}/line_items")


@route("POST", "/v1/checkout/sessions/{}/expire")
def expire_session(account: Account, fields: Fields, identifier: str) -> Obj:
    session = account.get("checkout.session", identifier)
    if session["status"] != "open":
        raise Refused('Only Checkout Sessions with a status in ["open"] can be expired.')
    expire(account, session)
    return session


def expire(account: Account, session: Obj) -> None:
    session["status"] = "expired"
    session["url"] = None
    account.emit("checkout.session.expired", session)


def pay(account: Account, session: Obj, given: dict[str, str]) -> None:
    """What the page's button does. `Refused` says on the page why not; then nothing is bought."""
    if session["status"] != "open":
        raise Refused("This page is no longer open.")
    aside = account.aside[session["id"]]
    coupons = list(aside["coupons"])
    if session["allow_promotion_codes"] and (typed := given.get("promotion_code", "").strip()):
        promotion = discounts.by_code(account, typed)
        if promotion is None:
            raise Refused("This code is invalid.", param="promotion_code")
        coupons.append((account.tables["coupon"][promotion["promotion"]["coupon"]], promotion))
    for n, one in enumerate(aside["items"]):
        if one["adjustable"] and (typed := given.get(f"quantity_{n}", "").strip()):
            if not typed.isdigit() or not one["least"] <= int(typed) <= one["most"]:
                raise Refused(f"Choose between {one['least']} and {one['most']}.", param=f"quantity_{n}")
            one["quantity"] = int(typed)
    aside["line_items"] = [_line(one) for one in aside["items"]]
    _count(account, session, coupons)
    email = (given.get("email") or session["customer_email"] or "").strip()
    if not session["customer"] and not email:
        raise Refused("Type an e-mail address.", param="email")
    method = _method(account, session, given)
    customer = _customer(account, session, given, email, method)
    trial = aside["trial"]
    if aside["trial_days"]:
        trial = account.now(customer) + aside["trial_days"] * DAY
    subscription = lifecycle.create(
        account,
        customer,
        [Wanted(price=one["price"], quantity=one["quantity"]) for one in aside["items"]],
        Terms(
            trial_end=trial,
            metadata=dict(aside["metadata"]),
            method=method["id"] if method else None,
            description=aside["description"],
            without_method=aside["without"],
            coupons=tuple(coupons),
            session=session["id"],
            present=True,
        ),
    )
    session["subscription"] = subscription["id"]
    session["invoice"] = subscription["latest_invoice"]
    session["status"] = "complete"
    session["payment_status"] = "paid" if session["amount_total"] else "no_payment_required"
    session["url"] = None
    account.emit("checkout.session.completed", session)


def _method(account: Account, session: Obj, given: dict[str, str]) -> Obj | None:
    number = given.get("card_number", "")
    if (
        not number.strip()
        and session["payment_method_collection"] == "if_required"
        and not session["amount_total"]
    ):
        return None
    plain = cards.read(number)
    if reason := cards.CARDS[plain].declined:
        raise cards.declined(reason)
    return cards.make(account, plain)


def _customer(account: Account, session: Obj, given: dict[str, str], email: str, method: Obj | None) -> Obj:
    made = not session["customer"]
    name = given.get("business_name", "").strip() or given.get("name", "").strip() or None
    if made:
        customer = customers.make(account, email=email, name=name)
        account.emit("customer.created", customer)
        session["customer"] = customer["id"]
    else:
        customer = account.get("customer", session["customer"], param="customer")
    if method:
        cards.attach(account, method, customer)
    with account.changing(customer):
        if method and customer["invoice_settings"]["default_payment_method"] is None:
            customer["invoice_settings"]["default_payment_method"] = method["id"]
        if name and account.aside[session["id"]]["tax_ids"]:
            customer["name"] = name
    if account.aside[session["id"]]["tax_ids"] and (value := given.get("tax_id", "").strip()):
        customers.add_tax_id(account, customer, given.get("tax_id_type") or "us_ein", value)
    session["customer_details"] = {
        "address": customer["address"],
        "business_name": given.get("business_name") or None,
        "email": email or customer["email"],
        "individual_name": None,
        "name": name or customer["name"],
        "phone": None,
        "tax_exempt": customer["tax_exempt"],
        "tax_ids": customers.tax_ids(account, customer),
    }
    return customer
