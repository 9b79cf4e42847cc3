"""What happens to a subscription, as typed facts: published once, in the transaction that takes it over."""

from dataclasses import dataclass
from typing import ClassVar

from backoffice.events import Event
from backoffice.language.texts import lazy


@dataclass(frozen=True)
class SubscriptionBegan(Event):
    """A school or district has a subscription that it had not."""

    title: ClassVar[str] = lazy("a subscription begins")
    customer_id: int
    subscription_id: int


@dataclass(frozen=True)
class SubscriptionEnded(Event):
    """A subscription is over at Stripe."""

    title: ClassVar[str] = lazy("a subscription ends")
    customer_id: int
    subscription_id: int


@dataclass(frozen=True)
class PaymentFailed(Event):
    """A card was asked for an invoice once more and did not pay it."""

    title: ClassVar[str] = lazy("a payment fails")
    customer_id: int
    invoice_id: int


@dataclass(frozen=True)
class InvoicePaid(Event):
    """An invoice of more than nothing is paid."""

    title: ClassVar[str] = lazy("an invoice is paid")
    customer_id: int
    invoice_id: int
