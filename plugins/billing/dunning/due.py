"""What a school or district has to be told of its payments by now, as far as it was not told before.

Days are those of the place: what ends at half past six in the morning of the first in Greenwich ends on the
thirty-first in Los Angeles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from plugins.billing.dunning import mails
from plugins.billing.dunning.mails import Sum
from plugins.billing.models import Invoice, InvoiceStatus, Reminder, ReminderKind, Status, Subscription
from plugins.billing.plans import Plans
from plugins.billing.standing import grace_ends

# Days before the end of each that it is told.
TRIAL, ENDS, INVOICE, GRACE = 7, 14, 7, 4
# What happened longer ago than this is told nobody as if it were new: it was not looked after meanwhile.
LATE = timedelta(days=14)
# Mails that are waited for by nobody go out within these hours of the place.
MORNING, EVENING = 8, 20


@dataclass(frozen=True)
class Standing:
    """All that is here of a customer, the place that it is, and whether its plan is Free just now."""

    place: str
    page: str
    zone: ZoneInfo
    subscriptions: Sequence[Subscription]
    invoices: Sequence[Invoice]
    said: Sequence[Reminder]
    is_free: bool

    def day(self, at: datetime) -> date:
        """The day of a moment there."""
        return at.astimezone(self.zone).date()

    def days_left(self, at: datetime, now: datetime) -> int:
        """In how many days that is; 0 is today, and less than that is past."""
        return (self.day(at) - self.day(now)).days


@dataclass(frozen=True)
class Due:
    """Something to be told: what, about what, and in which words.

    `thing` is what it is about without a day; whatever was told of it after `since` was the same.
    """

    kind: ReminderKind
    thing: str
    day: date | None
    parameters: Any
    since: datetime | None = None

    @property
    def about(self) -> str:
        """By what it is known that it was told."""
        return self.thing if self.day is None else f"{self.thing} {self.day.isoformat()}"


def is_day(zone: ZoneInfo, now: datetime) -> bool:
    """Whether it is a time there at which people are written to."""
    return MORNING <= now.astimezone(zone).hour < EVENING


def due(standing: Standing, plans: Plans, now: datetime) -> Iterator[Due]:
    """What is to be told now and was not."""
    for held in standing.subscriptions:
        for found in _of_subscription(standing, held, plans, now):
            if not _was_told(standing, found):
                yield found
    for invoice in standing.invoices:
        for found in _of_invoice(standing, invoice, plans, now):
            if not _was_told(standing, found):
                yield found


def paid(standing: Standing, invoice: Invoice, now: datetime) -> Due | None:
    """What is to be told of an invoice that is paid; nothing of one that was paid long ago, or told."""
    if invoice.status != InvoiceStatus.PAID or invoice.paid_at is None or now - invoice.paid_at > LATE:
        return None
    owed = {
        ReminderKind.PAYMENT_FAILED,
        ReminderKind.INVOICE_LATE,
        ReminderKind.GRACE_ENDS,
        ReminderKind.NOW_FREE,
    }
    again = any(each.kind in owed and each.written_at >= invoice.made_at for each in standing.said)
    told = mails.InvoicePaid(
        standing.place,
        standing.page,
        invoice.number or "",
        Sum(invoice.paid, invoice.currency),
        standing.day(invoice.paid_at),
        again,
    )
    found = Due(ReminderKind.PAID, invoice.public_id, None, told)
    return None if _was_told(standing, found) else found


def _was_told(standing: Standing, found: Due) -> bool:
    return any(
        each.kind == found.kind
        and (
            each.of_what == found.about
            or (
                found.since is not None
                and each.of_what.partition(" ")[0] == found.thing
                and each.written_at >= found.since
            )
        )
        for each in standing.said
    )


def _of_subscription(standing: Standing, held: Subscription, plans: Plans, now: datetime) -> Iterator[Due]:
    status = Status(held.status)
    if status is Status.TRIALING and held.trial_until is not None:
        yield from _trial(standing, held, held.trial_until, now)
    elif status is Status.ACTIVE:
        yield from _ends(standing, held, now)
    elif status in {Status.PAST_DUE, Status.UNPAID} and held.owed_since is not None:
        yield from _owed(standing, held, held.owed_since, plans, now)
    elif status in {Status.CANCELED, Status.PAUSED}:
        over = held.ended_at if status is Status.CANCELED else held.trial_until
        if over is not None and timedelta(0) <= now - over < LATE and standing.is_free:
            # What was not paid made it Free before it ended; that was told then.
            since = max((each for each in _paid_times(standing, held)), default=held.begun_at)
            yield _free(standing, held, standing.day(over), since, owed=False)


def _trial(standing: Standing, held: Subscription, until: datetime, now: datetime) -> Iterator[Due]:
    if not 0 < standing.days_left(until, now) <= TRIAL:
        return
    ends = held.ends_at is not None and held.ends_at <= until
    price = None if ends else Sum(held.amount * held.seats, held.currency)
    day = standing.day(until)
    told = mails.TrialEnds(standing.place, standing.page, day, price)
    yield Due(ReminderKind.TRIAL_ENDS, held.public_id, day, told)


def _ends(standing: Standing, held: Subscription, now: datetime) -> Iterator[Due]:
    at = held.ends_at or (held.period_until if held.by_invoice else None)
    if at is None or not 0 < standing.days_left(at, now) <= ENDS:
        return
    day, goes_on = standing.day(at), held.ends_at is None
    told = mails.SubscriptionEnds(standing.place, standing.page, day, goes_on)
    yield Due(ReminderKind.ENDS, held.public_id, day, told)


def _owed(
    standing: Standing, held: Subscription, since: datetime, plans: Plans, now: datetime
) -> Iterator[Due]:
    until = grace_ends(since, plans)
    assert until is not None
    day, last = standing.day(since), standing.day(until)
    if now >= until:
        if now - until < LATE and standing.is_free:
            yield _free(standing, held, day, since, owed=True)
        return
    # An invoice without a card is not refused by any: that its day has passed is told of itself.
    if not held.by_invoice:
        failed = mails.PaymentFailed(standing.place, standing.page, last)
        yield Due(ReminderKind.PAYMENT_FAILED, held.public_id, day, failed, since)
    if standing.days_left(until, now) <= GRACE:
        ends = mails.GraceEnds(standing.place, standing.page, last)
        yield Due(ReminderKind.GRACE_ENDS, held.public_id, day, ends, since)


def _free(standing: Standing, held: Subscription, day: date, since: datetime, *, owed: bool) -> Due:
    told = mails.NowFree(standing.place, standing.page, owed, mails.Free())
    return Due(ReminderKind.NOW_FREE, held.public_id, day, told, since)


def _paid_times(standing: Standing, held: Subscription) -> Iterator[datetime]:
    for each in standing.invoices:
        if each.subscription == held.stripe_id and each.paid_at is not None:
            yield each.paid_at


def _of_invoice(standing: Standing, invoice: Invoice, plans: Plans, now: datetime) -> Iterator[Due]:
    if invoice.status != InvoiceStatus.OPEN or invoice.due_at is None or not invoice.due:
        return
    left, day = standing.days_left(invoice.due_at, now), standing.day(invoice.due_at)
    number, price = invoice.number or "", Sum(invoice.due, invoice.currency)
    if 0 <= left <= INVOICE and now < invoice.due_at:
        told: Any = mails.InvoiceDue(standing.place, standing.page, number, price, day)
        yield Due(ReminderKind.INVOICE_DUE, invoice.public_id, None, told)
    elif -LATE.days < left < 0:
        until = grace_ends(invoice.due_at, plans) if invoice.subscription else None
        last = standing.day(until) if until is not None else None
        told = mails.InvoiceLate(standing.place, standing.page, number, price, day, last)
        yield Due(ReminderKind.INVOICE_LATE, invoice.public_id, None, told)
