"""What is for sale when the stand-in starts."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.stripe_stand_in import products
from tests.stripe_stand_in.account import Account


@dataclass(frozen=True, kw_only=True)
class Item:
    """A product with one price, in cents a `interval`."""

    product: str
    name: str
    lookup_key: str
    amount: int
    interval: str
    currency: str = "usd"


DEFAULT = (
    Item(
        product="prod_teacher",
        name="Teacher plan",
        lookup_key="teacher_monthly",
        amount=900,
        interval="month",
    ),
    Item(
        product="prod_teacher", name="Teacher plan", lookup_key="teacher_yearly", amount=9000, interval="year"
    ),
    Item(
        product="prod_school",
        name="School licence",
        lookup_key="school_seat_yearly",
        amount=6000,
        interval="year",
    ),
    Item(
        product="prod_district",
        name="District licence",
        lookup_key="district_seat_yearly",
        amount=4800,
        interval="year",
    ),
)


def read(path: Path) -> tuple[Item, ...]:
    """The `[[prices]]` of a TOML file: `product`, `name`, `lookup_key`, `amount`, `interval`, `currency`."""
    return tuple(Item(**one) for one in tomllib.loads(path.read_text())["prices"])


def seed(account: Account, items: tuple[Item, ...] = DEFAULT) -> None:
    """Add what is not there yet; no event tells of it."""
    taken = {one["lookup_key"] for one in account.tables["price"].values()}
    for item in items:
        if not account.find("product", item.product):
            products.make_product(account, item.name, identifier=item.product)
        if item.lookup_key not in taken:
            products.make_price(
                account,
                item.product,
                amount=item.amount,
                currency=item.currency,
                interval=item.interval,
                lookup_key=item.lookup_key,
            )
