"""Customers and their tax identifiers."""

from tests.stripe_stand_in import cards, identifiers
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, page, route

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
EXEMPT = ("none", "exempt", "reverse")
TAX_ID_TYPES = {"us_ein": "US", "eu_vat": "DE", "gb_vat": "GB", "ca_bn": "CA", "es_cif": "ES"}
CHANGEABLE = (
    "name email phone description metadata.* tax_exempt address.city "
    "address.country address.line1 address.line2 "
    "address.postal_code address.state preferred_locales[] invoice_settings.default_payment_method "
    "invoice_settings.footer invoice_settings.custom_fields[].name "
    "invoice_settings.custom_fields[].value balance"
)


def make(
    account: Account, *, email: str | None = None, name: str | None = None, clock: str | None = None
) -> Obj:
    customer: Obj = {
        "id": identifiers.new("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "invoice_prefix": identifiers.new("", 8)[1:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": name,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock,
    }
    customer["created"] = account.now(customer)
    return account.add(customer)


def _change(account: Account, customer: Obj, fields: Fields) -> None:
    for name in ("name", "email", "phone", "description"):
        if name in fields:
            customer[name] = fields.text(name)
    if "address" in fields:
        given = fields.inner("address")
        customer["address"] = {name: given.text(name) for name in ADDRESS} if given.values else None
    customer["tax_exempt"] = fields.choice("tax_exempt", EXEMPT, customer["tax_exempt"])
    customer["metadata"] = fields.metadata(customer["metadata"])
    customer["balance"] = fields.whole("balance", customer["balance"])
    if "preferred_locales" in fields:
        customer["preferred_locales"] = fields.words("preferred_locales")
    settings = fields.inner("invoice_settings")
    if "footer" in settings:
        customer["invoice_settings"]["footer"] = settings.text("footer")
    if "custom_fields" in settings:
        customer["invoice_settings"]["custom_fields"] = [
            {"name": one.need("name"), "value": one.need("value")} for one in settings.each("custom_fields")
        ] or None
    if chosen := settings.text("default_payment_method"):
        method = cards.resolve(account, chosen, param="invoice_settings[default_payment_method]")
        cards.attach(account, method, customer)
        customer["invoice_settings"]["default_payment_method"] = method["id"]


@route(
    "POST",
    "/v1/customers",
    CHANGEABLE,
    "payment_method test_clock tax_id_data[].type tax_id_data[].value",
)
def create_customer(account: Account, fields: Fields) -> Obj:
    clock = fields.text("test_clock")
    if clock:
        account.get("test_helpers.test_clock", clock, param="test_clock")
    wanted = [(one.need("type"), one.need("value")) for one in fields.each("tax_id_data")]
    for kind, _ in wanted:
        _known(kind)
    customer = make(account, clock=clock)
    try:
        _change(account, customer, fields)
        if chosen := fields.text("payment_method"):
            cards.attach(account, cards.resolve(account, chosen, param="payment_method"), customer)
    except Refused:
        del account.tables["customer"][customer["id"]]
        raise
    account.emit("customer.created", customer)
    for kind, value in wanted:
        add_tax_id(account, customer, kind, value)
    return customer


@route("GET", "/v1/customers/{}")
def retrieve_customer(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("customer", identifier)


@route("POST", "/v1/customers/{}", CHANGEABLE)
def update_customer(account: Account, fields: Fields, identifier: str) -> Obj:
    customer = account.get("customer", identifier)
    if customer.get("deleted"):
        account.get("customer", identifier, param="customer")
    with account.changing(customer):
        _change(account, customer, fields)
    return customer


@route("DELETE", "/v1/customers/{}")
def delete_customer(account: Account, fields: Fields, identifier: str) -> Obj:
    """Cancel what is still running, and leave nothing but the identifier."""
    from tests.stripe_stand_in import lifecycle

    customer = account.get("customer", identifier)
    if customer.get("deleted"):
        account.get("customer", identifier, param="customer")
    for one in list(account.tables["subscription"].values()):
        if one["customer"] == identifier and one["status"] not in lifecycle.ENDED:
            lifecycle.cancel(account, one, reason="cancellation_requested")
    account.emit("customer.deleted", customer)
    clock = customer["test_clock"]
    gone = {"id": identifier, "object": "customer", "deleted": True}
    account.tables["customer"][identifier] = gone
    account.aside[identifier]["test_clock"] = clock
    return gone


@route("GET", "/v1/customers", LIST, "email test_clock", *WHEN)
def list_customers(account: Account, fields: Fields) -> Obj:
    clock = fields.text("test_clock")
    return page(
        account,
        "customer",
        "/v1/customers",
        fields,
        {"email": equal("email")},
        keep=lambda one: one.get("test_clock") == clock,
    )


def _known(kind: str) -> None:
    if kind not in TAX_ID_TYPES:
        raise Refused(f"Invalid type: must be one of {', '.join(TAX_ID_TYPES)}", param="type")


def add_tax_id(account: Account, customer: Obj, kind: str, value: str) -> Obj:
    _known(kind)
    tax_id = account.add(
        {
            "id": identifiers.new("txi"),
            "object": "tax_id",
            "country": TAX_ID_TYPES[kind],
            "created": account.now(customer),
            "customer": customer["id"],
            "customer_account": None,
            "livemode": False,
            "owner": {"customer": customer["id"], "customer_account": None, "type": "customer"},
            "type": kind,
            "value": value,
            "verification": {"status": "pending", "verified_address": None, "verified_name": None},
        }
    )
    account.emit("customer.tax_id.created", tax_id)
    return tax_id


def tax_ids(account: Account, customer: Obj) -> list[Obj]:
    """As invoices carry them."""
    return [
        {"type": one["type"], "value": one["value"]}
        for one in account.tables["tax_id"].values()
        if one["customer"] == customer["id"]
    ]


@route("POST", "/v1/customers/{}/tax_ids", "type value")
def create_tax_id(account: Account, fields: Fields, customer: str) -> Obj:
    owner = account.get("customer", customer)
    return add_tax_id(account, owner, fields.need("type"), fields.need("value"))


@route("GET", "/v1/customers/{}/tax_ids", LIST)
def list_tax_ids(account: Account, fields: Fields, customer: str) -> Obj:
    account.get("customer", customer)
    return page(
        account,
        "tax_id",
        f"/v1/customers/{customer}/tax_ids",
        fields,
        keep=lambda one: bool(one["customer"] == customer),
    )


@route("GET", "/v1/customers/{}/tax_ids/{}")
def retrieve_tax_id(account: Account, fields: Fields, customer: str, identifier: str) -> Obj:
    return account.get("tax_id", identifier)


@route("DELETE", "/v1/customers/{}/tax_ids/{}")
def delete_tax_id(account: Account, fields: Fields, customer: str, identifier: str) -> Obj:
    tax_id = account.get("tax_id", identifier)
    account.emit("customer.tax_id.deleted", tax_id)
    del account.tables["tax_id"][identifier]
    return {"id": identifier, "object": "tax_id", "deleted": True}
