"""The addresses of events and webhook endpoints."""

from typing import TYPE_CHECKING

from tests.stripe_stand_in import identifiers
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, page, route

if TYPE_CHECKING:
    from tests.stripe_stand_in.deliveries import Deliveries

# Set by the server: endpoints made here are delivered to.
DELIVERIES: "list[Deliveries]" = []


def make_endpoint(account: Account, url: str, enabled: list[str], *, api_version: str | None = None) -> Obj:
    return account.add(
        {
            "id": identifiers.new("we"),
            "object": "webhook_endpoint",
            "api_version": api_version,
            "application": None,
            "created": account.now(),
            "description": None,
            "enabled_events": enabled,
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
        }
    )


@route("GET", "/v1/events/{}")
def retrieve_event(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("event", identifier)


@route("GET", "/v1/events", LIST, "type types[] delivery_success", *WHEN)
def list_events(account: Account, fields: Fields) -> Obj:
    types = fields.words("types")
    kind = fields.text("type")
    success = fields.flag("delivery_success") if "delivery_success" in fields else None

    def keep(one: Obj) -> bool:
        if types and one["type"] not in types:
            return False
        if success is not None and (one["pending_webhooks"] == 0) is not success:
            return False
        if kind is None:
            return True
        return one["type"].startswith(kind[:-1]) if kind.endswith("*") else bool(one["type"] == kind)

    return page(account, "event", "/v1/events", fields, keep=keep)


@route("POST", "/v1/webhook_endpoints", "url enabled_events[] description metadata.* api_version")
def create_endpoint(account: Account, fields: Fields) -> Obj:
    url = fields.need("url")
    secret = identifiers.new("whsec", 32)
    made = make_endpoint(account, url, fields.words("enabled_events"), api_version=fields.text("api_version"))
    made["description"] = fields.text("description")
    made["metadata"] = fields.metadata()
    for one in DELIVERIES:
        if one.account is account:
            one.open(made, secret)
    return {**made, "secret": secret}


@route("GET", "/v1/webhook_endpoints/{}")
def retrieve_endpoint(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("webhook_endpoint", identifier)


@route("POST", "/v1/webhook_endpoints/{}", "url enabled_events[] description metadata.* disabled")
def update_endpoint(account: Account, fields: Fields, identifier: str) -> Obj:
    made = account.get("webhook_endpoint", identifier)
    made["url"] = fields.text("url") or made["url"]
    made["enabled_events"] = fields.words("enabled_events") or made["enabled_events"]
    made["metadata"] = fields.metadata(made["metadata"])
    if "disabled" in fields:
        made["status"] = "disabled" if fields.flag("disabled") else "enabled"
    return made


@route("GET", "/v1/webhook_endpoints", LIST)
def list_endpoints(account: Account, fields: Fields) -> Obj:
    return page(account, "webhook_endpoint", "/v1/webhook_endpoints", fields, {"url": equal("url")})


@route("DELETE", "/v1/webhook_endpoints/{}")
def delete_endpoint(account: Account, fields: Fields, identifier: str) -> Obj:
    made = account.get("webhook_endpoint", identifier)
    made["status"] = "disabled"
    del account.tables["webhook_endpoint"][identifier]
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}


@route("GET", "/v1/account")
def retrieve_account(account: Account, fields: Fields) -> Obj:
    return {
        "id": "acct_standin",
        "object": "account",
        "business_profile": {"name": account.options.name},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": False,
        "type": "standard",
    }
