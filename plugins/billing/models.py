"""What Stripe says of each school's subscription, and what it has told us.

Whatever is here of a subscription or an invoice was read from Stripe; nothing else writes it. There is no
card here, no part of one, and nobody's address: whoever pays is known by Stripe's identifiers.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, column
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.schools.models import District, School
from backoffice.storage import columns
from backoffice.storage.base import only, plugin_base, titled
from backoffice.storage.columns import Keep

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _SCHOOL, _DISTRICT = Account.__table__.c, School.__table__.c, District.__table__.c

BillingBase = plugin_base("billing")


class PlanName(StrEnum):
    """What can be subscribed to, as `config/plans.toml` names it."""

    FREE = "free"
    TEACHER = "teacher"
    SCHOOL = "school"
    DISTRICT = "district"


class Status(StrEnum):
    """How a subscription stands, in Stripe's words."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


# What Stripe never changes again: a message that comes late revives none of these.
OVER = (Status.CANCELED, Status.INCOMPLETE_EXPIRED)
RUNS = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE, Status.UNPAID)


class InvoiceStatus(StrEnum):
    """How an invoice stands, in Stripe's words."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


class EventState(StrEnum):
    """What became of something that Stripe told. `kept`: it is about nothing that is here."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    KEPT = "kept"


class DriftKind(StrEnum):
    """How what is here and what Stripe has differed."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DIFFERS = "differs"


class ReminderKind(StrEnum):
    """What a school or district is written to about."""

    TRIAL_ENDS = "trial_ends"
    ENDS = "ends"
    INVOICE_DUE = "invoice_due"
    INVOICE_LATE = "invoice_late"
    PAYMENT_FAILED = "payment_failed"
    GRACE_ENDS = "grace_ends"
    NOW_FREE = "now_free"
    PAID = "paid"


class Customer(BillingBase):  # type: ignore[misc, valid-type]
    """A school or district that pays, or has begun to. Stripe calls it a customer."""

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("school_id"),
        UniqueConstraint("district_id"),
        UniqueConstraint("stripe_id"),
        CheckConstraint("(school_id is null) <> (district_id is null)", name="school_or_district"),
        Index(None, "made_by"),
        titled(lazy("Schools and districts that pay")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SCHOOL)
    school_id: Mapped[int | None] = columns.reference(
        "Which school pays", ForeignKey(_SCHOOL.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    district_id: Mapped[int | None] = columns.reference(
        "Which district pays", ForeignKey(_DISTRICT.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    stripe_id: Mapped[str | None] = columns.text("What Stripe calls it", keep=Keep.SCHOOL)
    made_by: Mapped[int | None] = columns.reference(
        "Who began to buy", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    made_at: Mapped[datetime] = columns.moment("When that was", keep=Keep.SCHOOL)
    as_of: Mapped[datetime | None] = columns.moment(
        "Since when Stripe was last asked how everything of it stands", keep=Keep.SCHOOL
    )


class Subscription(BillingBase):  # type: ignore[misc, valid-type]
    """A subscription as Stripe had it when it was last asked."""

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("stripe_id"),
        only("plan", [name for name in PlanName if name is not PlanName.FREE]),
        only("status", Status),
        CheckConstraint("seats >= 1", name="at_least_one_seat"),
        CheckConstraint(
            "status not in ('canceled', 'incomplete_expired') or ended_at is not null", name="over_has_an_end"
        ),
        Index(None, "customer_id"),
        Index(None, "status", "id"),
        titled(lazy("Subscriptions")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SCHOOL)
    customer_id: Mapped[int] = columns.reference(
        "Whose it is", ForeignKey(Customer.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    stripe_id: Mapped[str] = columns.text("What Stripe calls it", keep=Keep.SCHOOL)
    plan: Mapped[str | None] = columns.choice(
        "To what; none where Stripe has a price that is in no plan", keep=Keep.SCHOOL
    )
    price: Mapped[str] = columns.text("Which price of it", keep=Keep.SCHOOL)
    status: Mapped[str] = columns.choice("How it stands", keep=Keep.SCHOOL)
    by_invoice: Mapped[bool] = columns.flag("Whether it is paid by invoice, without a card", keep=Keep.SCHOOL)
    seats: Mapped[int] = columns.number("For how many teachers", keep=Keep.SCHOOL)
    amount: Mapped[int] = columns.large_number(
        "What one of them costs in a period, in the smallest unit", keep=Keep.SCHOOL
    )
    currency: Mapped[str] = columns.text("In which currency", keep=Keep.SCHOOL)
    months: Mapped[int] = columns.number("How many months a period has", keep=Keep.SCHOOL)
    begun_at: Mapped[datetime] = columns.moment("When it began", keep=Keep.SCHOOL)
    trial_until: Mapped[datetime | None] = columns.moment("Until when it is tried out", keep=Keep.SCHOOL)
    period_until: Mapped[datetime | None] = columns.moment("When it goes on or ends", keep=Keep.SCHOOL)
    ends_at: Mapped[datetime | None] = columns.moment("When it is to end", keep=Keep.SCHOOL)
    ended_at: Mapped[datetime | None] = columns.moment("When it ended", keep=Keep.SCHOOL)
    owed_since: Mapped[datetime | None] = columns.moment("Since when a payment is owed", keep=Keep.SCHOOL)


class Invoice(BillingBase):  # type: ignore[misc, valid-type]
    """An invoice as Stripe had it when it was last asked. Its lines and its file stay there."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("stripe_id"),
        only("status", InvoiceStatus),
        Index(None, "customer_id", "made_at"),
        Index(None, "paid_at"),
        Index("ix_invoice_open", "made_at", postgresql_where=column("status") == "open"),
        titled(lazy("Invoices")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SCHOOL)
    customer_id: Mapped[int] = columns.reference(
        "Whose it is", ForeignKey(Customer.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    stripe_id: Mapped[str] = columns.text("What Stripe calls it", keep=Keep.SCHOOL)
    subscription: Mapped[str | None] = columns.text(
        "What Stripe calls the subscription that it is for", keep=Keep.SCHOOL
    )
    number: Mapped[str | None] = columns.text("The number that is printed on it", keep=Keep.SCHOOL)
    status: Mapped[str] = columns.choice("How it stands", keep=Keep.SCHOOL)
    currency: Mapped[str] = columns.text("In which currency", keep=Keep.SCHOOL)
    due: Mapped[int] = columns.large_number("What is to be paid, in the smallest unit", keep=Keep.SCHOOL)
    paid: Mapped[int] = columns.large_number("What was paid, in the smallest unit", keep=Keep.SCHOOL)
    attempts: Mapped[int] = columns.number("How often a card was asked for it", keep=Keep.SCHOOL)
    made_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.SCHOOL)
    due_at: Mapped[datetime | None] = columns.moment("When it is to be paid", keep=Keep.SCHOOL)
    paid_at: Mapped[datetime | None] = columns.moment("When it was paid", keep=Keep.SCHOOL)
    outside: Mapped[bool] = columns.flag("Whether it was paid by cheque or transfer", keep=Keep.SCHOOL)


class StripeEvent(BillingBase):  # type: ignore[misc, valid-type]
    """That Stripe has told something: of what kind and about whom, and not what it said.

    What it is about is read from Stripe anew, so that it matters neither how old the message is nor in which
    order messages come.
    """

    __tablename__ = "stripe_event"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("stripe_id"),
        only("state", EventState),
        CheckConstraint("(done_at is null) = (state in ('waiting', 'failed'))", name="done_or_waiting"),
        Index("ix_stripe_event_waiting", "next_try_at", postgresql_where=column("state") == "waiting"),
        Index(None, "state", "id"),
        Index(None, "customer"),
        Index(None, "received_at"),
        titled(lazy("Messages from Stripe")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    stripe_id: Mapped[str] = columns.text("What Stripe calls it", keep=Keep.SIX_MONTHS)
    kind: Mapped[str] = columns.text("What happened, in Stripe's words", keep=Keep.SIX_MONTHS)
    customer: Mapped[str | None] = columns.text(
        "What Stripe calls the school or district", keep=Keep.SIX_MONTHS
    )
    thing: Mapped[str | None] = columns.text(
        "What Stripe calls that to which it happened", keep=Keep.SIX_MONTHS
    )
    happened_at: Mapped[datetime] = columns.moment("When it happened", keep=Keep.SIX_MONTHS)
    received_at: Mapped[datetime] = columns.moment("When it was told", keep=Keep.SIX_MONTHS)
    state: Mapped[str] = columns.choice("What became of it", keep=Keep.SIX_MONTHS)
    attempts: Mapped[int] = columns.number("How often it was tried", keep=Keep.SIX_MONTHS)
    next_try_at: Mapped[datetime] = columns.moment("When it is tried next", keep=Keep.SIX_MONTHS)
    done_at: Mapped[datetime | None] = columns.moment("When that was over", keep=Keep.SIX_MONTHS)


class Drift(BillingBase):  # type: ignore[misc, valid-type]
    """That what is here and what Stripe has differed, as a nightly comparison found."""

    __tablename__ = "drift"
    __table_args__ = (
        only("kind", DriftKind),
        Index(None, "found_at"),
        titled(lazy("Differences from what Stripe has")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ONE_YEAR)
    customer: Mapped[str] = columns.text("What Stripe calls the school or district", keep=Keep.ONE_YEAR)
    stripe_id: Mapped[str] = columns.text("What Stripe calls that which differed", keep=Keep.ONE_YEAR)
    kind: Mapped[str] = columns.choice("How it differed", keep=Keep.ONE_YEAR)
    found_at: Mapped[datetime] = columns.moment("When it was found", keep=Keep.ONE_YEAR)
    mended_at: Mapped[datetime | None] = columns.moment(
        "When what Stripe has was taken over", keep=Keep.ONE_YEAR
    )


class Reminder(BillingBase):  # type: ignore[misc, valid-type]
    """That whoever manages a subscription was written to about something: once, whatever runs again."""

    __tablename__ = "reminder"
    __table_args__ = (
        only("kind", ReminderKind),
        UniqueConstraint("customer_id", "kind", "of_what"),
        titled(lazy("Mails about payments")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    customer_id: Mapped[int] = columns.reference(
        "Whose subscription it is about", ForeignKey(Customer.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    kind: Mapped[str] = columns.choice("What was written", keep=Keep.SCHOOL)
    of_what: Mapped[str] = columns.text(
        "About which invoice, or which subscription and from which day on", keep=Keep.SCHOOL
    )
    written_at: Mapped[datetime] = columns.moment("When", keep=Keep.SCHOOL)
