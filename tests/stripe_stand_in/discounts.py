"""Coupons, promotion codes, and discounts, which are a coupon on something."""

from tests.stripe_stand_in import identifiers, periods
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.params import WHEN, Fields
from tests.stripe_stand_in.routing import LIST, equal, equal_flag, page, route


@route(
    "POST",
    "/v1/coupons",
    "id name percent_off amount_off currency duration duration_in_months",
    "max_redemptions redeem_by metadata.*",
)
def create_coupon(account: Account, fields: Fields) -> Obj:
    identifier = fields.text("id") or identifiers.new("", 8)[1:].upper()
    if account.find("coupon", identifier):
        raise Refused("Coupon already exists.", code="resource_already_exists", param="id")
    percent = fields.text("percent_off")
    amount = fields.whole("amount_off", least=1)
    if (percent is None) == (amount is None):
        raise Refused("You must pass either `percent_off` or `amount_off`.", param="percent_off")
    coupon = account.add(
        {
            "id": identifier,
            "object": "coupon",
            "amount_off": amount,
            "created": account.now(),
            "currency": (fields.need("currency") if amount is not None else None),
            "duration": fields.choice("duration", ("forever", "once", "repeating"), "once"),
            "duration_in_months": fields.whole("duration_in_months"),
            "livemode": False,
            "max_redemptions": fields.whole("max_redemptions"),
            "metadata": fields.metadata(),
            "name": fields.text("name"),
            "percent_off": float(percent) if percent else None,
            "redeem_by": fields.whole("redeem_by"),
            "times_redeemed": 0,
            "valid": True,
        }
    )
    account.emit("coupon.created", coupon)
    return coupon


@route("GET", "/v1/coupons/{}")
def retrieve_coupon(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("coupon", identifier)


@route("GET", "/v1/coupons", LIST, *WHEN)
def list_coupons(account: Account, fields: Fields) -> Obj:
    return page(account, "coupon", "/v1/coupons", fields)


@route("DELETE", "/v1/coupons/{}")
def delete_coupon(account: Account, fields: Fields, identifier: str) -> Obj:
    coupon = account.get("coupon", identifier)
    account.emit("coupon.deleted", coupon)
    del account.tables["coupon"][identifier]
    return {"id": identifier, "object": "coupon", "deleted": True}


@route(
    "POST",
    "/v1/promotion_codes",
    "promotion.type promotion.coupon code customer active expires_at max_redemptions metadata.*",
)
def create_promotion_code(account: Account, fields: Fields) -> Obj:
    coupon = account.get("coupon", fields.inner("promotion").need("coupon"), param="promotion[coupon]")
    code = fields.text("code") or identifiers.new("", 8)[1:].upper()
    if by_code(account, code):
        raise Refused(f"An active promotion code with `code: {code}` already exists.", param="code")
    promotion = account.add(
        {
            "id": identifiers.new("promo"),
            "object": "promotion_code",
            "active": fields.flag("active", default=True),
            "code": code,
            "created": account.now(),
            "customer": fields.text("customer"),
            "customer_account": None,
            "expires_at": fields.whole("expires_at"),
            "livemode": False,
            "max_redemptions": fields.whole("max_redemptions"),
            "metadata": fields.metadata(),
            "promotion": {"coupon": coupon["id"], "type": "coupon"},
            "restrictions": {
                "first_time_transaction": False,
                "minimum_amount": None,
                "minimum_amount_currency": None,
            },
            "times_redeemed": 0,
        }
    )
    account.emit("promotion_code.created", promotion)
    return promotion


def by_code(account: Account, code: str) -> Obj | None:
    """An active promotion code that still can be used, however it is typed."""
    now = account.now()
    for one in account.tables["promotion_code"].values():
        spent = one["max_redemptions"] is not None and one["times_redeemed"] >= one["max_redemptions"]
        late = one["expires_at"] is not None and one["expires_at"] <= now
        if one["active"] and one["code"].lower() == code.strip().lower() and not spent and not late:
            return one
    return None


@route("GET", "/v1/promotion_codes/{}")
def retrieve_promotion_code(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("promotion_code", identifier)


@route("POST", "/v1/promotion_codes/{}", "active metadata.*")
def update_promotion_code(account: Account, fields: Fields, identifier: str) -> Obj:
    promotion = account.get("promotion_code", identifier)
    with account.changing(promotion):
        promotion["active"] = fields.flag("active", default=promotion["active"])
        promotion["metadata"] = fields.metadata(promotion["metadata"])
    return promotion


@route("GET", "/v1/promotion_codes", LIST, "active code coupon customer", *WHEN)
def list_promotion_codes(account: Account, fields: Fields) -> Obj:
    return page(
        account,
        "promotion_code",
        "/v1/promotion_codes",
        fields,
        {
            "active": equal_flag("active"),
            "code": equal("code"),
            "customer": equal("customer"),
            "coupon": lambda one, value: bool(one["promotion"]["coupon"] == value),
        },
    )


def chosen(account: Account, fields: Fields) -> list[tuple[Obj, Obj | None]]:
    """The coupons that `discounts[]` names, each with its promotion code if it comes by one."""
    found: list[tuple[Obj, Obj | None]] = []
    for one in fields.each("discounts"):
        if code := one.text("promotion_code"):
            promotion = account.get("promotion_code", code, param=one.where("promotion_code"))
            found.append((account.tables["coupon"][promotion["promotion"]["coupon"]], promotion))
        elif coupon := one.text("coupon"):
            found.append((account.get("coupon", coupon, param=one.where("coupon")), None))
    return found


def put(
    account: Account, subscription: Obj, coupon: Obj, promotion: Obj | None, session: str | None = None
) -> Obj:
    """Redeem a coupon for a subscription."""
    start = account.now(account.customer_of(subscription))
    months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
    discount = account.add(
        {
            "id": identifiers.new("di"),
            "object": "discount",
            "checkout_session": session,
            "customer": subscription["customer"],
            "customer_account": None,
            "end": periods.after(start, "month", months) if months else None,
            "invoice": None,
            "invoice_item": None,
            "promotion_code": promotion["id"] if promotion else None,
            "source": {"coupon": coupon["id"], "type": "coupon"},
            "start": start,
            "subscription": subscription["id"],
            "subscription_item": None,
        }
    )
    subscription["discounts"] = [*subscription["discounts"], discount["id"]]
    for one in (coupon, promotion):
        if one is not None:
            one["times_redeemed"] += 1
    account.emit("customer.discount.created", discount)
    return discount


def off(coupon: Obj, amount: int) -> int:
    """How much of an amount the coupon takes away."""
    if amount <= 0:
        return 0
    if coupon["percent_off"] is not None:
        percent: float = coupon["percent_off"]
        return round(amount * percent / 100)
    return min(int(coupon["amount_off"]), amount)
