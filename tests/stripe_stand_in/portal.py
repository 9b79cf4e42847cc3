"""The billing portal: sessions made by a client, and what its page does."""

from tests.stripe_stand_in import cards, identifiers, lifecycle
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.lifecycle import Wanted
from tests.stripe_stand_in.params import Fields
from tests.stripe_stand_in.routing import LIST, equal_flag, page, route

FLOWS = ("payment_method_update", "subscription_cancel", "subscription_update", "subscription_update_confirm")


def default_configuration(account: Account) -> Obj:
    """The one that is there from the start: everything is allowed."""
    for one in account.tables["billing_portal.configuration"].values():
        if one["is_default"]:
            return one
    return make_configuration(account, Fields({}), default=True)


def make_configuration(account: Account, fields: Fields, *, default: bool = False) -> Obj:
    features = fields.inner("features")
    change = features.inner("subscription_update")
    leave = features.inner("subscription_cancel")
    card = features.inner("payment_method_update")
    invoices = features.inner("invoice_history")
    customer = features.inner("customer_update")
    business = fields.inner("business_profile")
    now = account.now()
    return account.add(
        {
            "id": identifiers.new("bpc"),
            "object": "billing_portal.configuration",
            "active": True,
            "application": None,
            "business_profile": {
                name: business.text(name)
                for name in ("headline", "privacy_policy_url", "terms_of_service_url")
            },
            "created": now,
            "default_return_url": fields.text("default_return_url"),
            "features": {
                "customer_update": {
                    "allowed_updates": customer.words("allowed_updates"),
                    "enabled": customer.flag("enabled", default=default),
                },
                "invoice_history": {"enabled": invoices.flag("enabled", default=default)},
                "payment_method_update": {
                    "enabled": card.flag("enabled", default=default),
                    "payment_method_configuration": None,
                },
                "subscription_cancel": {
                    "cancellation_reason": {"enabled": False, "options": []},
                    "enabled": leave.flag("enabled", default=default),
                    "mode": leave.choice("mode", ("at_period_end", "immediately"), "at_period_end"),
                    "proration_behavior": leave.choice(
                        "proration_behavior", ("none", "create_prorations", "always_invoice"), "none"
                    ),
                },
                "subscription_update": {
                    "billing_cycle_anchor": None,
                    "default_allowed_updates": change.words("default_allowed_updates")
                    or (["price", "quantity"] if default else []),
                    "enabled": change.flag("enabled", default=default),
                    "proration_behavior": change.choice(
                        "proration_behavior",
                        ("none", "create_prorations", "always_invoice"),
                        "always_invoice" if default else "none",
                    ),
                    "schedule_at_period_end": {"conditions": []},
                    "trial_update_behavior": "continue_trial",
                },
            },
            "is_default": default,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": fields.metadata(),
            "name": fields.text("name"),
            "updated": now,
        }
    )


@route(
    "POST",
    "/v1/billing_portal/configurations",
    "default_return_url name metadata.* business_profile.headline business_profile.privacy_policy_url",
    "business_profile.terms_of_service_url features.customer_update.enabled",
    "features.customer_update.allowed_updates[] features.invoice_history.enabled",
    "features.payment_method_update.enabled",
    "features.subscription_cancel.enabled features.subscription_cancel.mode",
    "features.subscription_cancel.proration_behavior features.subscription_update.enabled",
    "features.subscription_update.default_allowed_updates[] features.subscription_update.proration_behavior",
    "features.subscription_update.products[].product features.subscription_update.products[].prices[]",
)
def create_configuration(account: Account, fields: Fields) -> Obj:
    made = make_configuration(account, fields)
    account.emit("billing_portal.configuration.created", made)
    return made


@route("GET", "/v1/billing_portal/configurations/{}")
def retrieve_configuration(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("billing_portal.configuration", identifier)


@route("GET", "/v1/billing_portal/configurations", LIST, "active is_default")
def list_configurations(account: Account, fields: Fields) -> Obj:
    default_configuration(account)
    return page(
        account,
        "billing_portal.configuration",
        "/v1/billing_portal/configurations",
        fields,
        {"active": equal_flag("active"), "is_default": equal_flag("is_default")},
    )


@route(
    "POST",
    "/v1/billing_portal/sessions",
    "customer return_url configuration locale flow_data.type flow_data.subscription_cancel.subscription",
    "flow_data.subscription_update.subscription flow_data.after_completion.type",
    "flow_data.after_completion.redirect.return_url",
)
def create_session(account: Account, fields: Fields) -> Obj:
    customer = account.get("customer", fields.need("customer"), param="customer")
    if named := fields.text("configuration"):
        configuration = account.get("billing_portal.configuration", named, param="configuration")
    else:
        configuration = default_configuration(account)
    wanted = fields.inner("flow_data")
    flow = None
    if wanted.values:
        kind = wanted.choice("type", FLOWS, FLOWS[0])
        about = wanted.inner(kind).text("subscription")
        if about:
            account.get("subscription", about, param=f"flow_data[{kind}][subscription]")
        flow = {
            "after_completion": {
                "hosted_confirmation": None,
                "redirect": None,
                "type": wanted.inner("after_completion").text("type") or "portal_homepage",
            },
            "subscription_cancel": None,
            "subscription_update": None,
            "subscription_update_confirm": None,
            "type": kind,
        }
        if about:
            flow[kind] = {"subscription": about}
    session = account.add(
        {
            "id": identifiers.new("bps"),
            "object": "billing_portal.session",
            "configuration": configuration["id"],
            "created": account.now(customer),
            "customer": customer["id"],
            "customer_account": None,
            "flow": flow,
            "livemode": False,
            "locale": fields.text("locale"),
            "on_behalf_of": None,
            "return_url": fields.text("return_url") or configuration["default_return_url"],
            "url": "",
        }
    )
    secret = identifiers.new("test", 40)
    account.aside["portal"][secret] = session["id"]
    session["url"] = f"{account.address}/p/session/{secret}"
    account.emit("billing_portal.session.created", session)
    return session


def session_of(account: Account, secret: str) -> Obj | None:
    return account.find("billing_portal.session", account.aside["portal"].get(secret))


def features(account: Account, session: Obj) -> Obj:
    return dict(account.tables["billing_portal.configuration"][session["configuration"]]["features"])


def _own(account: Account, session: Obj, given: dict[str, str]) -> Obj:
    subscription = account.get("subscription", given.get("subscription", ""))
    if subscription["customer"] != session["customer"] or subscription["status"] in lifecycle.ENDED:
        raise Refused("There is no such subscription here.", status=404)
    return subscription


def _allowed(account: Account, session: Obj, feature: str) -> Obj:
    found: Obj = features(account, session)[feature]
    if not found["enabled"]:
        raise Refused("This is not possible here.", status=403)
    return found


def seats(account: Account, session: Obj, given: dict[str, str]) -> None:
    """Another quantity from now on, billed as the configuration says."""
    settings = _allowed(account, session, "subscription_update")
    if "quantity" not in settings["default_allowed_updates"]:
        raise Refused("The quantity cannot be changed here.", status=403)
    subscription = _own(account, session, given)
    typed = given.get("quantity", "").strip()
    if not typed.isdigit() or not int(typed):
        raise Refused("Type a whole number.")
    item = subscription["items"]["data"][0]
    rest = lifecycle.as_wanted(subscription)[1:]
    lifecycle.change_items(
        account,
        subscription,
        [Wanted(price=item["price"], quantity=int(typed), item=item, metadata=item["metadata"]), *rest],
        proration=settings["proration_behavior"],
        behaviour="error_if_incomplete",
    )


def leave(account: Account, session: Obj, given: dict[str, str]) -> None:
    """At the end of the period, or with `when=now` at once."""
    _allowed(account, session, "subscription_cancel")
    subscription = _own(account, session, given)
    if given.get("when") == "now":
        lifecycle.cancel(account, subscription, reason="cancellation_requested")
        return
    with account.changing(subscription):
        lifecycle.cancel_at_period_end(account, subscription, wanted=True)


def stay(account: Account, session: Obj, given: dict[str, str]) -> None:
    subscription = _own(account, session, given)
    with account.changing(subscription):
        lifecycle.cancel_at_period_end(account, subscription, wanted=False)


def card(account: Account, session: Obj, given: dict[str, str]) -> None:
    """Another card, for the customer and all that runs."""
    _allowed(account, session, "payment_method_update")
    customer = account.get("customer", session["customer"], param="customer")
    plain = cards.read(given.get("card_number", ""))
    if reason := cards.CARDS[plain].declined:
        raise cards.declined(reason)
    method = cards.make(account, plain)
    cards.attach(account, method, customer)
    cards.make_default(account, customer, method)
    for one in account.tables["subscription"].values():
        if one["customer"] == customer["id"] and one["status"] not in lifecycle.ENDED:
            with account.changing(one):
                one["default_payment_method"] = method["id"]


ACTIONS = {"seats": seats, "cancel": leave, "renew": stay, "card": card}
