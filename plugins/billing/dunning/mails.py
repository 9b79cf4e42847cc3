"""The mails about payments. They hold what the reader has to decide about, and no more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail
from plugins.billing import plans, words
from plugins.billing.money import money

_DAY, _LATER = date(2027, 11, 25), date(2027, 12, 9)
_PLACE, _PAGE, _NUMBER = "Quillfeather School", "console/billing/y3kq7xw2m5tz8p4r", "ABCD-0001"


@dataclass(frozen=True)
class Sum:
    """An amount in a currency's smallest unit, as the reader's language writes it."""

    smallest: int
    currency: str

    def __str__(self) -> str:
        """Said when the mail is filled."""
        return money(self.smallest, self.currency)


@dataclass(frozen=True)
class Free:
    """What the plan Free holds, a line each in the reader's language."""

    def __iter__(self) -> Iterator[str]:
        """Said when the mail is filled."""
        return words.holds(plans.current().free)


@dataclass(frozen=True)
class TrialEnds:
    """Whose trial ends on which day, and what is charged then; nothing if it does not go on."""

    place: str
    page: str
    day: date
    price: Sum | None

    @classmethod
    def example(cls) -> "TrialEnds":
        """One that goes on."""
        return cls(_PLACE, _PAGE, _DAY, Sum(72_000, "usd"))


@dataclass(frozen=True)
class SubscriptionEnds:
    """Up to which day is paid for, and whether an invoice for the time after comes by itself."""

    place: str
    page: str
    day: date
    goes_on: bool

    @classmethod
    def example(cls) -> "SubscriptionEnds":
        """One that is to end."""
        return cls(_PLACE, _PAGE, _DAY, goes_on=False)


@dataclass(frozen=True)
class InvoiceDue:
    """Which invoice is to be paid by which day."""

    place: str
    page: str
    number: str
    price: Sum
    day: date

    @classmethod
    def example(cls) -> "InvoiceDue":
        """One that could be."""
        return cls(_PLACE, _PAGE, _NUMBER, Sum(72_000, "usd"), _DAY)


@dataclass(frozen=True)
class InvoiceLate:
    """Which invoice was to be paid by which day, and until when all stays as it is, if that depends on it."""

    place: str
    page: str
    number: str
    price: Sum
    day: date
    until: date | None

    @classmethod
    def example(cls) -> "InvoiceLate":
        """One for a subscription."""
        return cls(_PLACE, _PAGE, _NUMBER, Sum(72_000, "usd"), _DAY, _LATER)


@dataclass(frozen=True)
class PaymentFailed:
    """Whose payment failed, and until when all stays as it is."""

    place: str
    page: str
    until: date

    @classmethod
    def example(cls) -> "PaymentFailed":
        """One that could be."""
        return cls(_PLACE, _PAGE, _LATER)


@dataclass(frozen=True)
class GraceEnds:
    """Whose payment is still owed, and until when all stays as it is."""

    place: str
    page: str
    until: date

    @classmethod
    def example(cls) -> "GraceEnds":
        """One that could be."""
        return cls(_PLACE, _PAGE, _LATER)


@dataclass(frozen=True)
class NowFree:
    """Whose plan is Free now, what that holds, and whether a payment is owed."""

    place: str
    page: str
    owed: bool
    holds: Free

    @classmethod
    def example(cls) -> "NowFree":
        """One that owes something."""
        return cls(_PLACE, _PAGE, owed=True, holds=Free())


@dataclass(frozen=True)
class InvoicePaid:
    """Which invoice is paid, and whether all that a payment was owed for is as it was again."""

    place: str
    page: str
    number: str
    price: Sum
    day: date
    again: bool

    @classmethod
    def example(cls) -> "InvoicePaid":
        """One that had failed before."""
        return cls(_PLACE, _PAGE, _NUMBER, Sum(72_000, "usd"), _DAY, again=True)


TRIAL_ENDS = Mail("trial-ends", TrialEnds, lazy("A trial ends"))
SUBSCRIPTION_ENDS = Mail("subscription-ends", SubscriptionEnds, lazy("What is paid for ends"))
INVOICE_DUE = Mail("invoice-due", InvoiceDue, lazy("An invoice is to be paid"))
INVOICE_LATE = Mail("invoice-late", InvoiceLate, lazy("An invoice was not paid in time"))
PAYMENT_FAILED = Mail("payment-failed", PaymentFailed, lazy("A payment failed"))
GRACE_ENDS = Mail("grace-ends", GraceEnds, lazy("A payment is still owed"))
NOW_FREE = Mail("now-free", NowFree, lazy("The plan is Free now"))
INVOICE_PAID = Mail("invoice-paid", InvoicePaid, lazy("An invoice is paid"))
MAILS = (
    *(TRIAL_ENDS, SUBSCRIPTION_ENDS, INVOICE_DUE, INVOICE_LATE),
    *(PAYMENT_FAILED, GRACE_ENDS, NOW_FREE, INVOICE_PAID),
)
