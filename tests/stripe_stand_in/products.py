"""Products and prices."""

from tests.stripe_stand_in import identifiers
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, equal_flag, page, route

INTERVALS = ("day", "week", "month", "year")


def make_product(
    account: Account,
    name: str,
    *,
    description: str | None = None,
    metadata: Obj | None = None,
    identifier: str = "",
) -> Obj:
    now = account.now()
    return account.add(
        {
            "id": identifier or identifiers.new("prod", 14),
            "object": "product",
            "active": True,
            "created": now,
            "default_price": None,
            "description": description,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": metadata or {},
            "name": name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": now,
            "url": None,
        }
    )


def make_price(
    account: Account,
    product: str,
    *,
    amount: int,
    currency: str = "usd",
    interval: str | None = None,
    count: int = 1,
    lookup_key: str | None = None,
    nickname: str | None = None,
    metadata: Obj | None = None,
) -> Obj:
    """A price per unit, in the currency's smallest unit; without an interval it is paid once."""
    recurring = interval and {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return account.add(
        {
            "id": identifiers.new("price"),
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "created": account.now(),
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": lookup_key,
            "metadata": metadata or {},
            "nickname": nickname,
            "product": product,
            "recurring": recurring or None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if interval else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        }
    )


def plan(price: Obj) -> Obj:
    """A recurring price as the older word for it."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def name_of(account: Account, price: Obj) -> str:
    return str(account.tables["product"][price["product"]]["name"])


@route("POST", "/v1/products", "id name active description metadata.* unit_label")
def create_product(account: Account, fields: Fields) -> Obj:
    identifier = fields.text("id") or ""
    if account.find("product", identifier):
        raise Refused("Product already exists.", code="resource_already_exists", param="id")
    product = make_product(
        account,
        fields.need("name"),
        description=fields.text("description"),
        metadata=fields.metadata(),
        identifier=identifier,
    )
    product["active"] = fields.flag("active", default=True)
    product["unit_label"] = fields.text("unit_label")
    account.emit("product.created", product)
    return product


@route("GET", "/v1/products/{}")
def retrieve_product(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("product", identifier)


@route("POST", "/v1/products/{}", "name active description metadata.* unit_label default_price")
def update_product(account: Account, fields: Fields, identifier: str) -> Obj:
    product = account.get("product", identifier)
    with account.changing(product):
        for name in ("name", "description", "unit_label", "default_price"):
            if name in fields:
                product[name] = fields.text(name)
        product["active"] = fields.flag("active", default=product["active"])
        product["metadata"] = fields.metadata(product["metadata"])
    return product


@route("GET", "/v1/products", LIST, "active ids[]", *WHEN)
def list_products(account: Account, fields: Fields) -> Obj:
    ids = fields.words("ids")
    return page(
        account,
        "product",
        "/v1/products",
        fields,
        {"active": equal_flag("active")},
        keep=lambda one: not ids or one["id"] in ids,
    )


@route(
    "POST",
    "/v1/prices",
    "product product_data.name product_data.metadata.* currency unit_amount unit_amount_decimal lookup_key",
    "transfer_lookup_key nickname metadata.* active recurring.interval recurring.interval_count",
    "recurring.usage_type tax_behavior billing_scheme",
)
def create_price(account: Account, fields: Fields) -> Obj:
    currency = fields.need("currency")
    amount = fields.whole("unit_amount", fields.whole("unit_amount_decimal"), least=0)
    if amount is None:
        raise Refused("Missing required param: unit_amount.", code="parameter_missing", param="unit_amount")
    if "product_data" in fields:
        product = make_product(account, fields.inner("product_data").need("name"))
        account.emit("product.created", product)
    else:
        product = account.get("product", fields.need("product"), param="product")
    key = fields.text("lookup_key")
    _free(account, key, transfer=fields.flag("transfer_lookup_key"))
    recurring = fields.inner("recurring")
    price = make_price(
        account,
        product["id"],
        amount=amount,
        currency=currency.lower(),
        interval=recurring.choice("interval", INTERVALS, "month") if "recurring" in fields else None,
        count=recurring.whole("interval_count", 1, least=1) or 1,
        lookup_key=key,
        nickname=fields.text("nickname"),
        metadata=fields.metadata(),
    )
    price["active"] = fields.flag("active", default=True)
    account.emit("price.created", price)
    return price


def _free(account: Account, key: str | None, *, transfer: bool) -> None:
    """Take a lookup key from the price that has it; without `transfer` that is refused."""
    holder = next((one for one in account.tables["price"].values() if key and one["lookup_key"] == key), None)
    if holder is None:
        return
    if not transfer:
        raise Refused(
            f"A price (`{holder['id']}`) already uses that lookup key.",
            code="resource_already_exists",
            param="lookup_key",
        )
    with account.changing(holder):
        holder["lookup_key"] = None


@route("GET", "/v1/prices/{}")
def retrieve_price(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("price", identifier)


@route("POST", "/v1/prices/{}", "active lookup_key transfer_lookup_key nickname metadata.*")
def update_price(account: Account, fields: Fields, identifier: str) -> Obj:
    price = account.get("price", identifier)
    if "lookup_key" in fields and (key := fields.text("lookup_key")) != price["lookup_key"]:
        _free(account, key, transfer=fields.flag("transfer_lookup_key"))
    with account.changing(price):
        for name in ("lookup_key", "nickname"):
            if name in fields:
                price[name] = fields.text(name)
        price["active"] = fields.flag("active", default=price["active"])
        price["metadata"] = fields.metadata(price["metadata"])
    return price


@route("GET", "/v1/prices", LIST, "active product currency type lookup_keys[] recurring.interval", *WHEN)
def list_prices(account: Account, fields: Fields) -> Obj:
    keys = fields.words("lookup_keys")
    interval = fields.inner("recurring").text("interval")
    return page(
        account,
        "price",
        "/v1/prices",
        fields,
        {
            "active": equal_flag("active"),
            "product": equal("product"),
            "currency": equal("currency"),
            "type": equal("type"),
        },
        keep=lambda one: (
            (not keys or one["lookup_key"] in keys)
            and (interval is None or (one["recurring"] or {}).get("interval") == interval)
        ),
    )
