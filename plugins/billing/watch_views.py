"""Payments in the console, for founders: numbers and months, subscriptions, what Stripe told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from flask import g
from flask_admin import expose

from backoffice import clock
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.charts import Mark, columns
from backoffice.console.command import Command
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, moment
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import Choice, ChoiceFilter
from backoffice.console.guard import GuardedView
from backoffice.language.moments import amount, month, short_month
from backoffice.language.texts import gettext, lazy
from backoffice.schools.models import District, School
from backoffice.schools.tiles import shown_name
from backoffice.web.identity import reading
from plugins.billing import asking, watching, words
from plugins.billing.models import (
    DriftKind,
    EventState,
    Invoice,
    InvoiceStatus,
    PlanName,
    Status,
    StripeEvent,
    Subscription,
)
from plugins.billing.money import money
from plugins.billing.orders.models import OrderState, PurchaseOrder, Quote
from plugins.billing.orders.views import STATES
from plugins.billing.permissions import BILLING_WATCH

# As wide as twelve months need, so that they are read on a telephone.
NARROW = 600.0
_KINDS: Mapping[DriftKind, str] = {
    DriftKind.MISSING_HERE: lazy("Stripe has it, and it was not here"),
    DriftKind.MISSING_THERE: lazy("It was here, and Stripe has it no more"),
    DriftKind.DIFFERS: lazy("It was not as Stripe has it"),
}
_STATUS: Any = Subscription.status
_STATE: Any = StripeEvent.state


class PaymentsPage(GuardedView):
    """What is paid, month by month, and what went wrong with it."""

    doors: ClassVar = {"index": BILLING_WATCH}
    title = lazy("Payments")
    category = lazy("Operations")
    address = "payments"
    icon = "card"
    commands = (
        Command(
            lazy("See what schools pay, and what failed"),
            "index",
            "payments/",
            also=lazy("revenue billing stripe money subscriptions drift"),
        ),
    )

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Numbers, a year in months, cards that did not pay, and what differed from Stripe."""
        tx = reading()
        found = watching.figures(tx)
        currency, months = watching.revenue(tx)
        failed, drifts = watching.failures(tx), watching.drifts(tx)
        payers = watching.payers_of(tx, [each.customer_id for each in failed])
        marks = [Mark(month(each.begins), short_month(each.begins), each.paid // 100) for each in months]
        return self.render(
            "billing/payments.html",
            connected=asking.is_connected(),
            found=found,
            yearly=[money(value, code) for code, value in found.yearly.items()],
            currency=currency.upper(),
            months=[(month(each.begins), money(each.paid, currency)) for each in months if each.paid],
            chart=columns(marks, width=NARROW) if any(each.paid for each in months) else None,
            failed=[(each, _named(self, payers.get(each.customer_id))) for each in failed],
            drifts=drifts,
            kinds=_KINDS,
            drift_kind=DriftKind,
            money=money,
        )


class SubscriptionGrid(Grid):
    """Every subscription, as Stripe had it when it was last asked."""

    entity = Subscription
    doors = {"index": BILLING_WATCH, "export": BILLING_WATCH}
    title = lazy("Subscriptions")
    category = lazy("Operations")
    address = "subscriptions"
    icon = "card"
    noun = (lazy("subscription"), lazy("subscriptions"))
    newest_first = True
    columns = (
        Column("payer", lazy("School or district")),
        Column("plan", lazy("Plan")),
        Column("status", lazy("How it stands")),
        Column("seats", lazy("Teachers"), numeric=True),
        Column("price", lazy("Costs"), numeric=True),
        Column("until", lazy("Goes on or ends")),
        Column("owed", lazy("Owed since"), optional=True),
        Column("number", lazy("Began"), sort=By(Subscription.id, ("pk_subscription",), latest_first=True)),
    )
    filters = (
        ChoiceFilter(
            "status",
            lazy("How it stands"),
            choices=tuple(
                Choice(each.value, word[0], each.value == _STATUS) for each, word in words.STATUS.items()
            ),
            several=True,
            carried_by="ix_subscription_status_id",
        ),
    )

    def rows(self, tx: Transaction, things: Sequence[Subscription]) -> list[Row]:
        """Who pays for what. Names of schools that are one teacher's are not shown."""
        payers = watching.payers_of(tx, [each.customer_id for each in things])
        return [self._row(each, payers.get(each.customer_id)) for each in things]

    def _row(self, held: Subscription, payer: School | District | None) -> Row:
        word, tone = words.STATUS[Status(held.status)]
        plan = words.PLANS[PlanName(held.plan)] if held.plan else gettext("A plan of your own")
        price = money(held.amount * held.seats, held.currency)
        return Row(
            held.public_id,
            None,
            (
                Cell(_named(self, payer)),
                Cell(plan),
                Cell(word, "badge", tone=tone),
                Cell(amount(held.seats), "number"),
                Cell(gettext("%(amount)s %(period)s", amount=price, period=words.per(held.months)), "number"),
                _moment(held.ended_at or held.ends_at or held.period_until),
                _moment(held.owed_since),
                moment(held.begun_at, g.zone),
            ),
        )

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """Where it comes from, and that nothing is changed here."""
        del tx
        return {
            "description": gettext("As Stripe has them. Schools change theirs themselves."),
            "empty": _none(
                gettext("No subscription yet"),
                gettext("Subscriptions appear here as schools begin one."),
                "card",
            ),
        }


class OrderGrid(Grid):
    """Purchase orders of schools and districts, and how far each is. Their papers are the school's alone."""

    entity = PurchaseOrder
    doors = {"index": BILLING_WATCH, "export": BILLING_WATCH}
    title = lazy("Purchase orders")
    category = lazy("Operations")
    address = "purchase-orders"
    icon = "card"
    noun = (lazy("purchase order"), lazy("purchase orders"))
    newest_first = True
    columns = (
        Column("payer", lazy("School or district")),
        Column("number", lazy("Number")),
        Column("state", lazy("How far it is")),
        Column("seats", lazy("Teachers"), numeric=True),
        Column("total", lazy("Costs"), numeric=True),
        Column(
            "placed", lazy("Ordered"), sort=By(PurchaseOrder.id, ("pk_purchase_order",), latest_first=True)
        ),
        Column("sent", lazy("Invoice sent"), optional=True),
        Column("invoice", lazy("Invoice")),
    )

    def rows(self, tx: Transaction, things: Sequence[PurchaseOrder]) -> list[Row]:
        """Who ordered what. Names of schools that are one teacher's are not shown."""
        payers = watching.payers_of(tx, [each.customer_id for each in things])
        quotes = watching.quotes_by_number(tx, [each.quote_id for each in things])
        invoices = watching.invoices_of(tx, things)
        return [
            self._row(
                each,
                payers.get(each.customer_id),
                quotes[each.quote_id],
                invoices.get(each.subscription or ""),
            )
            for each in things
        ]

    def _row(
        self,
        order: PurchaseOrder,
        payer: School | District | None,
        quote: Quote,
        invoice: Invoice | None,
    ) -> Row:
        word, tone = STATES[OrderState(order.state)]
        total, period = money(quote.total, quote.currency), words.per(quote.months)
        return Row(
            order.public_id,
            None,
            (
                Cell(_named(self, payer)),
                Cell(order.number),
                Cell(word, "badge", tone=tone),
                Cell(amount(quote.seats), "number"),
                Cell(gettext("%(amount)s %(period)s", amount=total, period=period), "number"),
                moment(order.placed_at, g.zone),
                _moment(order.sent_at),
                _standing(invoice),
            ),
        )

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """Whose they are, and that nothing is changed here."""
        del tx
        return {
            "description": gettext("What schools have ordered without a card. They place them themselves."),
            "empty": _none(
                gettext("No purchase order yet"),
                gettext("Orders appear here as schools hand them in."),
                "card",
            ),
        }


class StripeMessageGrid(Grid):
    """What Stripe told, and what became of it."""

    entity = StripeEvent
    doors = {"index": BILLING_WATCH, "act": BILLING_WATCH, "export": BILLING_WATCH}
    title = lazy("Messages from Stripe")
    category = lazy("Operations")
    address = "stripe-messages"
    icon = "inbox"
    noun = (lazy("message"), lazy("messages"))
    newest_first = True
    columns = (
        Column("kind", lazy("What happened")),
        Column("state", lazy("What became of it")),
        Column("received", lazy("Came"), sort=By(StripeEvent.id, ("pk_stripe_event",), latest_first=True)),
        Column("done", lazy("Done or next try")),
        Column("attempts", lazy("Tries"), numeric=True),
        Column("named", lazy("At Stripe")),
    )
    filters = (
        ChoiceFilter(
            "state",
            lazy("What became of it"),
            choices=tuple(
                Choice(each.value, word[0], each.value == _STATE) for each, word in words.EVENTS.items()
            ),
            several=True,
            carried_by="ix_stripe_event_state_id",
        ),
    )
    actions = (
        BulkAction(
            "replay",
            lazy("Take in again"),
            BILLING_WATCH,
            "replay",
            lazy("{count} will be taken in again: Stripe is asked anew, so it does no harm."),
            whole=True,
        ),
    )

    def rows(self, tx: Transaction, things: Sequence[StripeEvent]) -> list[Row]:
        """What happened, in Stripe's words: what it was about is known by Stripe's identifiers alone."""
        del tx
        return [
            Row(
                each.public_id,
                None,
                (
                    Cell(each.kind),
                    Cell(
                        words.EVENTS[EventState(each.state)][0],
                        "badge",
                        tone=words.EVENTS[EventState(each.state)][1],
                    ),
                    moment(each.received_at, g.zone),
                    moment(each.done_at or each.next_try_at, g.zone),
                    Cell(amount(each.attempts), "number"),
                    Cell(each.stripe_id),
                ),
            )
            for each in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """What the page is for."""
        del tx
        return {
            "description": gettext(
                "Each is taken in once, in whatever order they come. What they said is not kept."
            ),
            "empty": _none(
                gettext("No message yet"),
                gettext("Messages appear here as Stripe sends them to /webhooks/stripe."),
                "inbox",
            ),
        }

    def replay(self, events: Which) -> str:
        """Have them taken in once more."""
        count = watching.replay(principal=self.who, events=events)
        return gettext("%(rows)s will be taken in again.", rows=self.counted(count))


def _standing(invoice: Invoice | None) -> Cell:
    """How far the invoice of an order is paid, once there is one."""
    if invoice is None:
        return Cell(None)
    if invoice.status == InvoiceStatus.OPEN and invoice.due_at is not None and invoice.due_at < clock.now():
        return Cell(gettext("Not paid in time"), "badge", tone="bad")
    word, tone = words.INVOICES[InvoiceStatus(invoice.status)]
    return Cell(word, "badge", tone=tone)


def _none(title: str, sentence: str, icon: str) -> Mapping[str, str | None]:
    """What stands where there is nothing yet, and nothing that a founder could do about it."""
    return {"title": title, "sentence": sentence, "url": None, "action": None, "icon": icon}


def _moment(at: datetime | None) -> Cell:
    return moment(at, g.zone) if at is not None else Cell(None)


def _named(view: GuardedView, payer: School | District | None) -> str:
    """What a school or district is called, for whoever may read that."""
    if payer is None:
        return gettext("Nobody who is here")
    return shown_name(view.who, payer) if isinstance(payer, School) else payer.name
