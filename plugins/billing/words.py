"""What plans, subscriptions and invoices are called."""

from collections.abc import Iterator, Mapping

from backoffice.entitlements import Entitlement
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from plugins.billing.models import EventState, InvoiceStatus, PlanName, Status
from plugins.billing.plans import Plan

PLANS: Mapping[PlanName, str] = {
    PlanName.FREE: lazy("Free"),
    PlanName.TEACHER: lazy("Teacher"),
    PlanName.SCHOOL: lazy("School"),
    PlanName.DISTRICT: lazy("District"),
}
FOR_WHOM: Mapping[PlanName, str] = {
    PlanName.FREE: lazy("To begin with, for as long as you like."),
    PlanName.TEACHER: lazy("For a teacher with classes of their own."),
    PlanName.SCHOOL: lazy("For all teachers of a school. You pay for each of them."),
    PlanName.DISTRICT: lazy("For all teachers of the schools of a district. You pay for each of them."),
}
STATUS: Mapping[Status, tuple[str, str]] = {
    Status.INCOMPLETE: (lazy("Not paid yet"), "warn"),
    Status.INCOMPLETE_EXPIRED: (lazy("Never paid"), "bad"),
    Status.TRIALING: (lazy("Being tried out"), "info"),
    Status.ACTIVE: (lazy("Active"), "good"),
    Status.PAST_DUE: (lazy("Payment owed"), "warn"),
    Status.UNPAID: (lazy("Not paid"), "bad"),
    Status.PAUSED: (lazy("Paused"), "warn"),
    Status.CANCELED: (lazy("Ended"), "bad"),
}
INVOICES: Mapping[InvoiceStatus, tuple[str, str]] = {
    InvoiceStatus.DRAFT: (lazy("Being made"), "info"),
    InvoiceStatus.OPEN: (lazy("To be paid"), "warn"),
    InvoiceStatus.PAID: (lazy("Paid"), "good"),
    InvoiceStatus.UNCOLLECTIBLE: (lazy("Not paid"), "bad"),
    InvoiceStatus.VOID: (lazy("Void"), "info"),
}
EVENTS: Mapping[EventState, tuple[str, str]] = {
    EventState.WAITING: (lazy("Waiting"), "info"),
    EventState.DONE: (lazy("Taken in"), "good"),
    EventState.FAILED: (lazy("Failed"), "bad"),
    EventState.KEPT: (lazy("About nobody here"), "info"),
}


def per(months: int) -> str:
    """The length of a period, behind a price."""
    if months == 12:  # noqa: PLR2004
        return gettext("a year")
    return ngettext("a month", "every %(count)s months", months, count=months)


def holds(plan: Plan) -> Iterator[str]:
    """What a plan holds, a line each."""
    seats = plan.entitlements.get(Entitlement.SEATS)
    if plan.per_seat:
        yield gettext("As many teachers as you pay for, at least %(count)s", count=plan.fewest_seats)
    elif seats is None:
        yield gettext("As many teachers as you like")
    else:
        yield ngettext("At most 1 teacher", "Up to %(count)s teachers", seats, count=amount(seats))
    classes = plan.entitlements.get(Entitlement.CLASSES)
    yield (
        gettext("As many classes as you like")
        if classes is None
        else ngettext("At most 1 class", "Up to %(count)s classes", classes, count=amount(classes))
    )
    students = plan.entitlements.get(Entitlement.STUDENTS)
    yield (
        gettext("As many students as you like")
        if students is None
        else ngettext("At most 1 student", "Up to %(count)s students", students, count=amount(students))
    )


USED: Mapping[Entitlement, str] = {
    Entitlement.SEATS: lazy("Teachers"),
    Entitlement.CLASSES: lazy("Classes"),
    Entitlement.STUDENTS: lazy("Students"),
}


def used(number: int, limit: int | None) -> str:
    """How much of something there is, beside how much may be."""
    if limit is None:
        return amount(number)
    return gettext("%(number)s of %(limit)s", number=amount(number), limit=amount(limit))
