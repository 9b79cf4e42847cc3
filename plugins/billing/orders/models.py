"""Quotes, and purchase orders against them. What is invoiced and paid stands at Stripe and not here."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, column
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Class, Keep
from plugins.billing.models import BillingBase, Customer, PlanName
from plugins.billing.papers import FileKind

_CUSTOMER = Customer.__table__.c


class OrderState(StrEnum):
    """How far an order is: noted here, subscribed at Stripe, its invoice sent; or not placed."""

    WAITING = "waiting"
    SUBSCRIBED = "subscribed"
    SENT = "sent"
    FAILED = "failed"


# What is on its way, of which a school has one at a time.
UNDER_WAY = (OrderState.WAITING, OrderState.SUBSCRIBED)


class Quote(BillingBase):  # type: ignore[misc, valid-type]
    """What so many seats cost a school, until when: as Stripe had the price. It names nobody."""

    __tablename__ = "quote"
    __table_args__ = (
        UniqueConstraint("public_id"),
        # For the key of an order, which is for a quote of the same school.
        UniqueConstraint("id", "customer_id"),
        ForeignKeyConstraint(["customer_id"], [_CUSTOMER.id], ondelete="CASCADE"),
        only("plan", [name for name in PlanName if name is not PlanName.FREE]),
        CheckConstraint("seats >= 1", name="at_least_one_seat"),
        Index(None, "customer_id", "made_at"),
        Index(None, "until_at"),
        titled(lazy("Quotes")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id("Names it, and numbers it on paper", keep=Keep.SIX_YEARS)
    customer_id: Mapped[int] = columns.reference("Which school asked", keep=Keep.SIX_YEARS)
    plan: Mapped[str] = columns.choice("Which plan it is for", keep=Keep.SIX_YEARS)
    price: Mapped[str] = columns.text("Which price of it", keep=Keep.SIX_YEARS)
    price_named: Mapped[str] = columns.text("What Stripe calls that price", keep=Keep.SIX_YEARS)
    seats: Mapped[int] = columns.number("For how many teachers", keep=Keep.SIX_YEARS)
    amount: Mapped[int] = columns.large_number(
        "What one of them costs in a period, in the smallest unit", keep=Keep.SIX_YEARS
    )
    currency: Mapped[str] = columns.text("In which currency", keep=Keep.SIX_YEARS)
    months: Mapped[int] = columns.number("How many months a period has", keep=Keep.SIX_YEARS)
    made_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.SIX_YEARS)
    until_at: Mapped[datetime] = columns.moment("Until when it can be ordered", keep=Keep.SIX_YEARS)

    @property
    def number(self) -> str:
        """What stands on the paper: the year, and half of its identifier."""
        return f"Q-{self.made_at.year}-{self.public_id[:8].upper()}"

    @property
    def total(self) -> int:
        """What all seats cost in a period, before tax, in the smallest unit."""
        return self.amount * self.seats


class PurchaseOrder(BillingBase):  # type: ignore[misc, valid-type]
    """That a school ordered what a quote says, with its number and its paper."""

    __tablename__ = "purchase_order"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("quote_id", "customer_id"),
        ForeignKeyConstraint(
            ["quote_id", "customer_id"],
            [Quote.__table__.c.id, Quote.__table__.c.customer_id],
            ondelete="CASCADE",
        ),
        only("state", OrderState),
        only("file_kind", FileKind),
        Index(
            "uq_purchase_order_under_way",
            "customer_id",
            unique=True,
            postgresql_where=column("state").in_(UNDER_WAY),
        ),
        Index(None, "customer_id", "placed_at"),
        Index(None, "placed_at"),
        titled(lazy("Purchase orders")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    customer_id: Mapped[int] = columns.reference("Which school ordered", keep=Keep.SIX_YEARS)
    quote_id: Mapped[int] = columns.reference("What it ordered", keep=Keep.SIX_YEARS)
    number: Mapped[str] = columns.sealed(
        "The school's own number for it, printed on the invoice", keep=Keep.SIX_YEARS, kind=Class.OPERATIONAL
    )
    invoice_to: Mapped[str | None] = columns.sealed(
        "Where Stripe mails the invoice; gone from here once Stripe has it", keep=Keep.SIX_YEARS
    )
    file: Mapped[bytes] = columns.sealed_bytes(
        "The order as the school signed it", keep=Keep.SIX_YEARS, apart=True
    )
    file_kind: Mapped[str] = columns.choice("What kind of file that is", keep=Keep.SIX_YEARS)
    placed_at: Mapped[datetime] = columns.moment("When it was ordered", keep=Keep.SIX_YEARS)
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.SIX_YEARS)
    subscription: Mapped[str | None] = columns.text("What Stripe calls the subscription", keep=Keep.SIX_YEARS)
    sent_at: Mapped[datetime | None] = columns.moment(
        "When Stripe was to mail the invoice", keep=Keep.SIX_YEARS
    )
