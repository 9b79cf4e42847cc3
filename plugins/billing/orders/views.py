"""The pages of paying without a card: quotes, orders, and what a cheque or transfer paid."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, make_response, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.permissions import Permission
from backoffice.access.transaction import Transaction
from backoffice.console.guard import SECONDS_AT_WORK, GuardedView
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import paper_of
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed
from plugins.billing import asking, papers, plans, prices, settings, words
from plugins.billing.asking import Refused, Unreachable
from plugins.billing.models import RUNS, Invoice, InvoiceStatus, PlanName, Subscription
from plugins.billing.money import money
from plugins.billing.orders import paper, queries, services
from plugins.billing.orders.forms import OrderForm, PaidForm, QuoteForm
from plugins.billing.orders.models import UNDER_WAY, OrderState, PurchaseOrder, Quote
from plugins.billing.orders.services import Ordered, Paid
from plugins.billing.pages import page_asked_for
from plugins.billing.payers import HERE, Payer, payer_behind, way_to, without_card
from plugins.billing.permissions import BILLING_MANAGE
from plugins.billing.queries import customer_of, subscription_of
from plugins.billing.services import HAS_ONE, NOT_CONNECTED, may_buy, unless_covered
from plugins.billing.standing import paying_district, teachers

Answer = str | Response | tuple[str, int]
DOORS: Mapping[str, Permission] = dict.fromkeys(
    ("quotes", "quote", "order", "order_again", "order_file", "paid"), BILLING_MANAGE
)
# A school owes money from then on, or does no longer.
FRESH = frozenset({"order", "order_again", "paid"})
UPLOADS: Mapping[str, int] = {"order": papers.LARGEST + papers.ROOM}
STATES: Mapping[OrderState, tuple[str, str]] = {
    OrderState.WAITING: (lazy("Ordered"), "info"),
    OrderState.SUBSCRIBED: (lazy("Invoice is being made"), "info"),
    OrderState.SENT: (lazy("Invoice sent"), "good"),
    OrderState.FAILED: (lazy("Could not be placed"), "bad"),
}


class OrdersPages(GuardedView):
    """Pages of a school or district that pays without a card. Whoever inherits opens the doors."""

    abstract = True

    @expose("/<school:public_id>/quotes", methods=("GET", "POST"))
    @expose("/districts/<district:public_id>/quotes", methods=("GET", "POST"))
    @shows_what_was_typed
    def quotes(self, public_id: str) -> Answer:
        """Ask for a quote, and see those that there are with what became of them."""
        tx = reading()
        place, here = without_card(tx, public_id), page_asked_for(public_id)
        offers = self._quotable(place)
        fewest = [plan.fewest_seats for plan in plans.current().by_name.values() if plan.per_seat]
        used = teachers(tx, place)
        form, problem = QuoteForm(seats=max(min(fewest), used)), None
        if request.method == "POST" and not asking.is_connected():
            flash(str(NOT_CONNECTED), "warning")
            return redirect(here, 303)
        form.price.choices = list(offers.items())
        if form.price.data not in offers:
            form.price.data = next(iter(offers), None)
        # What is shown is read before the form is worked off: that ends what is read with.
        context = self._quoted(tx, place)
        if form.validate_on_submit():
            done_reading()
            try:
                services.quote(
                    principal=self.who,
                    payer=public_id,
                    price=form.price.data or "",
                    seats=form.seats.data or 0,
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("The quote is made. Print it, or order what it says."), "success")
                return redirect(f"{here}/quotes", 303)
        page = self.render(
            "billing/quotes.html",
            form=form,
            problem=problem,
            top=HERE,
            here=here,
            offers=offers,
            crumbs=self._way_back(here, gettext("Pay without a card")),
            **context,
        )
        return (page, 422) if form.errors or problem else page

    @expose("/quotes/<quote:public_id>", methods=("GET",))
    def quote(self, public_id: str) -> Response:
        """A quote as PDF."""
        tx = reading()
        asked = queries.quote_of(tx, public_id)
        place = payer_behind(tx, asked.customer_id)
        offer = _offered(place, asked, settings.in_force(tx))
        return _file(
            paper.printed(offer, paper_of(place.country)), "application/pdf", f"quote-{public_id}.pdf"
        )

    @expose("/quotes/<quote:public_id>/order", methods=("GET", "POST"))
    @shows_what_was_typed
    def order(self, public_id: str) -> Answer:
        """Hand in the purchase order for a quote."""
        tx = reading()
        asked = queries.quote_of(tx, public_id)
        here = _page_of(tx, asked)
        back = f"{here}/quotes"
        if queries.order_for(tx, asked) is not None:
            return redirect(back, 303)
        if not asking.is_connected():
            flash(str(NOT_CONNECTED), "warning")
            return redirect(here, 303)
        if queries.runs(tx, asked.customer_id):
            flash(str(HAS_ONE), "warning")
            return redirect(back, 303)
        try:
            unless_covered(tx, payer_behind(tx, asked.customer_id))
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
            return redirect(back, 303)
        form, problem = OrderForm(), None
        said = _lines(asked)
        if form.validate_on_submit():
            done_reading()
            try:
                services.order(
                    principal=self.who,
                    quote=public_id,
                    ordered=Ordered(
                        form.number.data or "",
                        form.invoice_to.data or "",
                        form.file.data.read(papers.LARGEST + 1),
                    ),
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(
                    gettext("It is ordered. The invoice goes out by e-mail within a few minutes."), "success"
                )
                return redirect(back, 303)
        page = self.render(
            "billing/order.html",
            form=form,
            problem=problem,
            said=said,
            days=plans.current().invoice.days,
            back=back,
            crumbs=self._way_back(here, gettext("Purchase order"), without_card=True),
        )
        return (page, 422) if form.errors or problem else page

    @expose("/orders/<purchase_order:public_id>/again", methods=("POST",))
    def order_again(self, public_id: str) -> Response:
        """Have an order placed once more that could not be placed."""
        tx = reading()
        here = _page_of(tx, queries.order_of(tx, public_id))
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                services.order_again(principal=self.who, order=public_id)
                flash(gettext("It is tried again within a few minutes."), "success")
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
        return redirect(f"{here}/quotes", 303)

    @expose("/orders/<purchase_order:public_id>", methods=("GET",))
    def order_file(self, public_id: str) -> Response:
        """The paper of an order."""
        done_reading()
        content, kind = services.order_file(principal=self.who, order=public_id)
        return _file(content, papers.TYPES[kind], f"order-{public_id}.{kind}")

    @expose("/invoices/<invoice:public_id>/paid", methods=("GET", "POST"))
    @shows_what_was_typed
    def paid(self, public_id: str) -> Answer:
        """Say that a cheque or transfer paid an invoice."""
        tx = reading()
        row = queries.invoice_of(tx, public_id)
        back = _page_of(tx, row)
        if row.status != InvoiceStatus.OPEN or not asking.is_connected():
            why = services.NOT_OPEN if asking.is_connected() else NOT_CONNECTED
            flash(str(why), "warning")
            return redirect(back, 303)
        form, problem = PaidForm(), None
        number, due = row.number, money(row.due - row.paid, row.currency)
        if form.validate_on_submit():
            done_reading()
            try:
                services.pay_outside(
                    principal=self.who,
                    invoice=public_id,
                    paid=Paid(
                        form.way.data or "",
                        form.reference.data or "",
                        form.on.data,
                        form.amount.data or "",
                    ),
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("Stripe counts it as paid. That shows here within a few seconds."), "success")
                return redirect(back, 303)
        page = self.render(
            "billing/paid.html",
            form=form,
            problem=problem,
            number=number,
            due=due,
            back=back,
            crumbs=self._way_back(back, gettext("Paid by cheque or transfer")),
        )
        return (page, 422) if form.errors or problem else page

    # ------------------------------------------------------------------ what the pages show

    def _quotable(self, place: Payer) -> Mapping[str, str]:
        """The prices that may be quoted, with what Stripe asks for them."""
        fitting = [
            key
            for plan in plans.current().by_name.values()
            if plan.per_seat and may_buy(place, plan.name)
            for key in plan.lookup_keys
        ]
        try:
            known = prices.all_of(asking.current().client)
        except (Unreachable, Refused, asking.NotConnected):
            return {}
        return {
            key: _each(known[key].amount, known[key].currency, known[key].months)
            for key in fitting
            if key in known
        }

    def _quoted(self, tx: Transaction, place: Payer) -> dict[str, Any]:
        customer = customer_of(tx, place)
        held: Subscription | None = subscription_of(tx, customer) if customer else None
        rows = queries.quotes_of(tx, customer) if customer else ()
        waits = any(order is not None and order.state in UNDER_WAY for _quote, order in rows)
        district = paying_district(tx, place) if isinstance(place, School) else None
        runs = held is not None and held.status in RUNS
        can_order = asking.is_connected() and not (waits or runs or district)
        now = clock.now()
        return {
            "rows": [
                _row(quote, order, can_order=can_order and quote.until_at > now) for quote, order in rows
            ],
            "runs": runs,
            "waits": waits,
            "district": district,
            "connected": asking.is_connected(),
            "seconds": self.looks_again(tx, every=SECONDS_AT_WORK) if waits else None,
            "days": plans.current().quote.days,
        }

    def _way_back(self, here: str, title: str, *, without_card: bool = False) -> Sequence[Mapping[str, str]]:
        between = [{"title": gettext("Pay without a card"), "url": f"{here}/quotes"}]
        return [
            {"title": self.title, "url": here},
            *(between if without_card else ()),
            {"title": title},
        ]


def _page_of(tx: Transaction, thing: Quote | PurchaseOrder | Invoice) -> str:
    """The page of whoever it is of."""
    return f"{HERE}{way_to(payer_behind(tx, thing.customer_id))}"


def _each(amount: int, currency: str, months: int) -> str:
    return gettext(
        "%(amount)s per teacher %(period)s", amount=money(amount, currency), period=words.per(months)
    )


def _total(quote: Quote) -> str:
    return gettext(
        "%(amount)s %(period)s",
        amount=money(quote.total, quote.currency),
        period=words.per(quote.months),
    )


def _lines(quote: Quote) -> Mapping[str, Any]:
    return {"number": quote.number, "seats": quote.seats, "total": _total(quote)}


def _row(quote: Quote, order: PurchaseOrder | None, *, can_order: bool) -> Mapping[str, Any]:
    return {
        **_lines(quote),
        "public_id": quote.public_id,
        "until": quote.until_at,
        "order": order,
        "state": STATES[OrderState(order.state)] if order else None,
        "failed": order is not None and order.state == OrderState.FAILED,
        "can_order": order is None and can_order,
    }


def _offered(place: Payer, quote: Quote, payee: settings.BillingSettings) -> paper.Offer:
    zone = ZoneInfo(place.time_zone)
    plan = PlanName(quote.plan)
    return paper.Offer(
        number=quote.number,
        made=quote.made_at.astimezone(zone).date(),
        until=quote.until_at.astimezone(zone).date(),
        payer=place.name,
        address=place.postal_address or "",
        plan=str(words.PLANS[plan]),
        holds=list(words.holds(plans.current().by_name[plan])),
        seats=quote.seats,
        each=_each(quote.amount, quote.currency, quote.months),
        total=_total(quote),
        days=plans.current().invoice.days,
        payee=[each for each in (payee.payee, payee.payee_address) if each],
        tax_number=payee.payee_tax_number,
    )


def _file(content: bytes, kind: str, name: str) -> Response:
    answer = make_response(content)
    answer.headers["Content-Type"] = kind
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
