"""The addresses of subscriptions and their items."""

from tests.stripe_stand_in import cards, discounts, lifecycle
from tests.stripe_stand_in.account import DAY, Account
from tests.stripe_stand_in.errors import Obj, Refused, missing
from tests.stripe_stand_in.lifecycle import Terms, Wanted
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, page, route

COLLECTIONS = ("charge_automatically", "send_invoice")
PRORATIONS = ("create_prorations", "none", "always_invoice")
BEHAVIOURS = ("allow_incomplete", "default_incomplete", "error_if_incomplete")
WITHOUT = ("create_invoice", "cancel", "pause")
STATUSES = (
    "active", "past_due", "unpaid", "canceled", "incomplete", "incomplete_expired", "trialing", "paused",
    "all", "ended",
)  # fmt: skip


def priced(account: Account, fields: Fields) -> Obj:
    price = account.get("price", fields.need("price"), param=fields.where("price"))
    if not price["active"]:
        raise Refused("The price specified is inactive.", param=fields.where("price"))
    return price


def wanted(account: Account, fields: Fields) -> list[Wanted]:
    """The items of a subscription that does not exist yet."""
    items = [
        Wanted(
            price=priced(account, one),
            quantity=one.whole("quantity", 1, least=0) or 0,
            metadata=one.metadata(),
        )
        for one in fields.each("items")
    ]
    if not items:
        raise Refused("Missing required param: items.", code="parameter_missing", param="items")
    return items


def changed(account: Account, subscription: Obj, fields: Fields) -> list[Wanted]:
    """The items as they shall be: those that are named changed, the others as they are."""
    known = {one["id"]: one for one in subscription["items"]["data"]}
    now = {
        one["id"]: Wanted(price=one["price"], quantity=one["quantity"], item=one, metadata=one["metadata"])
        for one in known.values()
    }
    more = []
    for one in fields.each("items"):
        identifier = one.text("id")
        if identifier is None:
            more.append(
                Wanted(
                    price=priced(account, one),
                    quantity=one.whole("quantity", 1, least=0) or 0,
                    metadata=one.metadata(),
                )
            )
            continue
        if identifier not in known:
            raise Refused(
                f"No such subscription item: '{identifier}'", code="resource_missing", param=one.where("id")
            )
        if one.flag("deleted"):
            del now[identifier]
            continue
        item = known[identifier]
        now[identifier] = Wanted(
            price=priced(account, one) if "price" in one else item["price"],
            quantity=one.whole("quantity", item["quantity"], least=0) or 0,
            item=item,
            metadata=one.metadata(item["metadata"]),
        )
    if not now and not more:
        raise Refused("A subscription must have at least one active item.", param="items")
    return [*now.values(), *more]


def _method(account: Account, customer: Obj, fields: Fields) -> str | None:
    if not (chosen := fields.text("default_payment_method")):
        return None
    method = cards.resolve(account, chosen, param="default_payment_method")
    cards.attach(account, method, customer)
    return str(method["id"])


def days(fields: Fields, collection: str) -> int | None:
    given = fields.whole("days_until_due", least=0)
    if collection == "send_invoice" and given is None:
        raise Refused(
            "You must pass `days_until_due` when `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    if collection != "send_invoice" and given is not None:
        raise Refused(
            "You can only pass `days_until_due` when `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    return given


@route(
    "POST",
    "/v1/subscriptions",
    "customer items[].price items[].quantity items[].metadata.* metadata.* description collection_method",
    "days_until_due trial_end trial_period_days trial_settings.end_behavior.missing_payment_method",
    "default_payment_method payment_behavior discounts[].coupon discounts[].promotion_code currency",
    "proration_behavior off_session payment_settings.save_default_payment_method cancel_at_period_end",
)
def create_subscription(account: Account, fields: Fields) -> Obj:
    customer = account.get("customer", fields.need("customer"), param="customer")
    items = wanted(account, fields)
    collection = fields.choice("collection_method", COLLECTIONS, COLLECTIONS[0])
    now = account.now(customer)
    trial = fields.moment("trial_end", now)
    if length := fields.whole("trial_period_days", least=1):
        trial = now + length * DAY
    terms = Terms(
        collection=collection,
        days_until_due=days(fields, collection),
        trial_end=trial,
        metadata=fields.metadata(),
        method=_method(account, customer, fields),
        description=fields.text("description"),
        behaviour=fields.choice("payment_behavior", BEHAVIOURS, BEHAVIOURS[0]),
        without_method=fields.inner("trial_settings")
        .inner("end_behavior")
        .choice("missing_payment_method", WITHOUT, WITHOUT[0]),
        coupons=tuple(discounts.chosen(account, fields)),
    )
    subscription = lifecycle.create(account, customer, items, terms)
    if fields.flag("cancel_at_period_end"):
        with account.changing(subscription):
            lifecycle.cancel_at_period_end(account, subscription, wanted=True)
    return subscription


@route("GET", "/v1/subscriptions/{}")
def retrieve_subscription(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("subscription", identifier)


@route(
    "POST",
    "/v1/subscriptions/{}",
    "items[].id items[].price items[].quantity items[].deleted",
    "items[].metadata.* proration_behavior proration_date",
    "cancel_at_period_end cancel_at trial_end metadata.* description",
    "default_payment_method collection_method",
    "days_until_due payment_behavior discounts[].coupon discounts[].promotion_code off_session",
    "pause_collection.behavior pause_collection.resumes_at cancellation_details.comment",
    "cancellation_details.feedback trial_settings.end_behavior.missing_payment_method",
    "payment_settings.save_default_payment_method",
)
def update_subscription(account: Account, fields: Fields, identifier: str) -> Obj:
    subscription = account.get("subscription", identifier)
    if subscription["status"] in lifecycle.ENDED:
        if set(fields.values) <= {"metadata", "cancellation_details", "expand"}:
            with account.changing(subscription):
                subscription["metadata"] = fields.metadata(subscription["metadata"])
            return subscription
        raise Refused("A canceled subscription can only update its cancellation_details and metadata.")
    customer = account.customer_of(subscription)
    method = _method(account, customer, fields)
    with account.changing(subscription):
        _simple(account, subscription, fields, method)
    if "items" in fields:
        lifecycle.change_items(
            account,
            subscription,
            changed(account, subscription, fields),
            proration=fields.choice("proration_behavior", PRORATIONS, PRORATIONS[0]),
            at=fields.whole("proration_date"),
            behaviour=fields.choice("payment_behavior", BEHAVIOURS, BEHAVIOURS[0]),
        )
    if "trial_end" in fields:
        now = account.now(subscription)
        moment = fields.moment("trial_end", now) or now
        if moment > now:
            with account.changing(subscription):
                _trial_until(subscription, moment, now)
        elif subscription["status"] == "trialing":
            lifecycle.end_trial(account, subscription)
    return subscription


def _trial_until(subscription: Obj, moment: int, now: int) -> None:
    subscription["trial_end"] = moment
    subscription["trial_start"] = subscription["trial_start"] or now
    subscription["billing_cycle_anchor"] = moment
    subscription["status"] = "trialing"
    for item in subscription["items"]["data"]:
        item["current_period_end"] = moment


def _simple(account: Account, subscription: Obj, fields: Fields, method: str | None) -> None:
    subscription["metadata"] = fields.metadata(subscription["metadata"])
    if "description" in fields:
        subscription["description"] = fields.text("description")
    if method:
        subscription["default_payment_method"] = method
    if "cancel_at_period_end" in fields:
        lifecycle.cancel_at_period_end(account, subscription, wanted=fields.flag("cancel_at_period_end"))
    if "cancel_at" in fields:
        moment = fields.whole("cancel_at")
        subscription["cancel_at"] = moment
        subscription["canceled_at"] = account.now(subscription) if moment else None
    if "cancellation_details" in fields:
        given = fields.inner("cancellation_details")
        details = subscription["cancellation_details"]
        subscription["cancellation_details"] = {
            **details,
            **{name: given.text(name) for name in ("comment", "feedback") if name in given},
        }
    if "collection_method" in fields:
        collection = fields.choice("collection_method", COLLECTIONS, COLLECTIONS[0])
        subscription["collection_method"] = collection
        subscription["days_until_due"] = days(fields, collection)
    elif "days_until_due" in fields:
        subscription["days_until_due"] = days(fields, subscription["collection_method"])
    if "pause_collection" in fields:
        given = fields.inner("pause_collection")
        subscription["pause_collection"] = (
            {
                "behavior": given.choice("behavior", ("keep_as_draft", "mark_uncollectible", "void"), "void"),
                "resumes_at": given.whole("resumes_at"),
            }
            if given.values
            else None
        )
    if "trial_settings" in fields:
        subscription["trial_settings"] = {
            "end_behavior": {
                "missing_payment_method": fields.inner("trial_settings")
                .inner("end_behavior")
                .choice("missing_payment_method", WITHOUT, WITHOUT[0])
            }
        }
    if "discounts" in fields:
        subscription["discounts"] = []
        for coupon, promotion in discounts.chosen(account, fields):
            discounts.put(account, subscription, coupon, promotion)


@route(
    "DELETE",
    "/v1/subscriptions/{}",
    "invoice_now prorate cancellation_details.comment cancellation_details.feedback",
)
def cancel_subscription(account: Account, fields: Fields, identifier: str) -> Obj:
    subscription = account.get("subscription", identifier)
    if subscription["status"] in lifecycle.ENDED:
        raise missing("subscription", identifier)
    details = fields.inner("cancellation_details")
    lifecycle.cancel(
        account,
        subscription,
        reason="cancellation_requested",
        prorate=fields.flag("prorate"),
        invoice_now=fields.flag("invoice_now"),
        comment=details.text("comment"),
        feedback=details.text("feedback"),
    )
    return subscription


@route("POST", "/v1/subscriptions/{}/resume", "billing_cycle_anchor proration_behavior")
def resume_subscription(account: Account, fields: Fields, identifier: str) -> Obj:
    subscription = account.get("subscription", identifier)
    lifecycle.resume(account, subscription)
    return subscription


@route("GET", "/v1/subscriptions", LIST, "customer status price collection_method test_clock", *WHEN)
def list_subscriptions(account: Account, fields: Fields) -> Obj:
    status = fields.choice("status", STATUSES, "") if "status" in fields else None
    clock = fields.text("test_clock")

    def keep(one: Obj) -> bool:
        if status is None:
            fits = one["status"] not in lifecycle.ENDED
        elif status == "ended":
            fits = one["status"] in lifecycle.ENDED
        else:
            fits = status in {"all", one["status"]}
        return fits and (clock is None or one["test_clock"] == clock)

    return page(
        account,
        "subscription",
        "/v1/subscriptions",
        fields,
        {
            "customer": equal("customer"),
            "collection_method": equal("collection_method"),
            "price": lambda one, value: any(item["price"]["id"] == value for item in one["items"]["data"]),
        },
        keep=keep,
    )


def _of_item(account: Account, identifier: str) -> tuple[Obj, Obj]:
    item = account.get("subscription_item", identifier)
    return item, account.get("subscription", item["subscription"])


@route("GET", "/v1/subscription_items/{}")
def retrieve_item(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("subscription_item", identifier)


@route("GET", "/v1/subscription_items", LIST, "subscription")
def list_items(account: Account, fields: Fields) -> Obj:
    subscription = fields.need("subscription")
    account.get("subscription", subscription, param="subscription")
    return page(
        account,
        "subscription_item",
        "/v1/subscription_items",
        fields,
        {"subscription": equal("subscription")},
    )


@route(
    "POST",
    "/v1/subscription_items/{}",
    "price quantity metadata.* proration_behavior proration_date payment_behavior",
)
def update_item(account: Account, fields: Fields, identifier: str) -> Obj:
    item, subscription = _of_item(account, identifier)
    if subscription["status"] in lifecycle.ENDED:
        raise Refused("A canceled subscription's items can't be updated.")
    one = Fields(
        {name: value for name, value in fields.values.items() if name in {"price", "quantity", "metadata"}}
    )
    as_list = Fields({"items": [{"id": identifier, **one.values}]})
    lifecycle.change_items(
        account,
        subscription,
        changed(account, subscription, as_list),
        proration=fields.choice("proration_behavior", PRORATIONS, PRORATIONS[0]),
        at=fields.whole("proration_date"),
        behaviour=fields.choice("payment_behavior", BEHAVIOURS, BEHAVIOURS[0]),
    )
    return item
