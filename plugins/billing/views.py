"""What a school or district subscribes to, in the console: for whoever leads it or signed up alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.guard import SECONDS_AT_WORK
from backoffice.entitlements import Entitlement
from backoffice.language.moments import long_day
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import District, School
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed
from plugins.billing import asking, plans, prices, queries, services, standing, words
from plugins.billing.asking import Refused, Unreachable
from plugins.billing.exemption import views as exemption
from plugins.billing.exemption.views import ExemptionPages
from plugins.billing.forms import BuyForm, ConfirmForm, SeatsForm
from plugins.billing.models import RUNS, Customer, InvoiceStatus, PlanName, Status, Subscription
from plugins.billing.money import money
from plugins.billing.orders import views as orders
from plugins.billing.orders.views import OrdersPages
from plugins.billing.pages import page_asked_for
from plugins.billing.payers import HERE, Payer, is_personal, payer_named, payers, way_to
from plugins.billing.permissions import BILLING_MANAGE, BILLING_READ
from plugins.billing.plans import Plan
from plugins.billing.prices import Price
from plugins.billing.standing import teachers

Answer = str | Response | tuple[str, int]


class BillingPage(OrdersPages, ExemptionPages):
    """The subscription of a school: what it holds, what it costs, and what was paid."""

    doors: ClassVar = {
        "index": BILLING_READ,
        "school": BILLING_READ,
        "invoice": BILLING_MANAGE,
        "bought": BILLING_MANAGE,
        "buy": BILLING_MANAGE,
        "seats": BILLING_MANAGE,
        "confirm": BILLING_MANAGE,
        "act": BILLING_MANAGE,
        **orders.DOORS,
        **exemption.DOORS,
    }
    # What is paid changes from then on.
    fresh = frozenset({"seats", "confirm", "act"}) | orders.FRESH | exemption.FRESH
    uploads: ClassVar = {**orders.UPLOADS, **exemption.UPLOADS}
    title = lazy("Subscription")
    category = lazy("School")
    address = "billing"
    icon = "card"
    commands = (
        Command(
            lazy("See what the school has subscribed to"),
            "index",
            "billing/",
            also=lazy(
                "subscription plan pay invoice card billing seats price quote purchase order cheque tax"
            ),
        ),
    )

    @expose("/", methods=("GET",))
    def index(self) -> Answer:
        """The subscription, or of whom it is to be."""
        found = payers(reading(), most=queries.SHOWN)
        if len(found) == 1:
            return redirect(f"{HERE}{way_to(found[0])}", 303)
        shown = [
            {"name": each.name, "url": f"{HERE}{way_to(each)}", "is_district": _is_district(each)}
            for each in found
        ]
        return self.render("billing/schools.html", payers=shown)

    @expose("/<school:public_id>", methods=("GET",))
    @expose("/districts/<district:public_id>", methods=("GET",))
    def school(self, public_id: str) -> str:
        """How a subscription stands, what else there is, and the invoices."""
        return self._page(public_id)

    @expose("/<school:public_id>/bought", methods=("GET",))
    @expose("/districts/<district:public_id>/bought", methods=("GET",))
    def bought(self, public_id: str) -> Response:
        """Back from Stripe: it is asked at once what was bought."""
        done_reading()
        services.look_again(principal=self.who, payer=public_id)
        flash(gettext("What you did at Stripe shows here within a few seconds."), "success")
        return redirect(page_asked_for(public_id), 303)

    @expose("/<school:public_id>/buy", methods=("GET", "POST"))
    @expose("/districts/<district:public_id>/buy", methods=("GET", "POST"))
    @shows_what_was_typed
    def buy(self, public_id: str) -> Answer:
        """Choose for how many teachers, and go on to Stripe."""
        tx = reading()
        place, back = payer_named(tx, public_id), page_asked_for(public_id)
        key = request.values.get("price", "")
        plan = plans.current().of_price(key)
        if plan is None or not services.may_buy(place, plan.name):
            return redirect(back, 303)
        try:
            services.unless_covered(tx, place)
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
            return redirect(back, 303)
        form = BuyForm(price=key, seats=max(plan.fewest_seats, teachers(tx, place)))
        form.price.data = key
        if not plan.per_seat:
            form.seats.data = 1

        def go() -> str:
            return services.checkout(
                principal=self.who,
                payer=public_id,
                price=key,
                seats=form.seats.data or 0,
                back=f"{settings().base_url}{back}",
            )

        return self._on_to_stripe(
            form,
            go,
            back,
            heading=gettext("Subscribe to %(plan)s", plan=words.PLANS[plan.name]),
            per_seat=plan.per_seat,
            lines=list(words.holds(plan)),
            price=self._priced([key]).get(key),
            trial=plans.current().trial.days,
        )

    @expose("/<school:public_id>/seats", methods=("GET", "POST"))
    @expose("/districts/<district:public_id>/seats", methods=("GET", "POST"))
    @shows_what_was_typed
    def seats(self, public_id: str) -> Answer:
        """For how many teachers it is to be, and what that costs."""
        tx = reading()
        place, back = payer_named(tx, public_id), page_asked_for(public_id)
        held = self._held(tx, place)
        if held is None:
            return redirect(back, 303)
        form, problem = SeatsForm(seats=held.seats), None
        if form.validate_on_submit():
            done_reading()
            try:
                preview = services.preview_seats(
                    principal=self.who, payer=public_id, seats=form.seats.data or 0
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                return self.render(
                    "billing/preview.html",
                    form=ConfirmForm(formdata=None, seats=preview.seats, seen=preview.seen),
                    preview=preview,
                    was=held.seats,
                    money=money,
                    back=back,
                    crumbs=self._crumbs(back, gettext("Seats")),
                )
        page = self.render(
            "console/form.html",
            form=form,
            problem=problem,
            heading=gettext("How many teachers"),
            submit_title=gettext("See what it costs"),
            cancel_url=back,
            crumbs=self._crumbs(back, gettext("Seats")),
        )
        return (page, 422) if form.errors or problem else page

    @expose("/<school:public_id>/confirm", methods=("POST",))
    @expose("/districts/<district:public_id>/confirm", methods=("POST",))
    def confirm(self, public_id: str) -> Response:
        """Change the number of teachers, for what was shown."""
        form, back = ConfirmForm(), page_asked_for(public_id)
        if form.validate_on_submit():
            done_reading()
            seats = form.seats.data or ""
            try:
                services.change_seats(
                    principal=self.who,
                    payer=public_id,
                    seats=int(seats) if seats.isdecimal() and seats.isascii() else 0,
                    seen=form.seen.data or "",
                )
                flash(gettext("Changed. It shows here within a few seconds."), "success")
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
        return redirect(back, 303)

    @expose("/<school:public_id>/act", methods=("POST",))
    @expose("/districts/<district:public_id>/act", methods=("POST",))
    def act(self, public_id: str) -> Answer:
        """End it, have it go on, or see card and invoices at Stripe."""
        # Whatever is asked for: of whom one may not know, there is no page to be led back to.
        payer_named(reading(), public_id)
        back = page_asked_for(public_id)
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                match request.form.get("do", ""):
                    case "end":
                        services.end(principal=self.who, payer=public_id)
                        flash(
                            gettext("It ends when what is paid for is over. Nothing is deleted."), "success"
                        )
                    case "go-on":
                        services.go_on(principal=self.who, payer=public_id)
                        flash(gettext("It goes on."), "success")
                    case "portal":
                        there = services.portal(
                            principal=self.who, payer=public_id, back=f"{settings().base_url}{back}"
                        )
                        return self._leave(there, back)
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
        return redirect(back, 303)

    @expose("/invoices/<invoice:public_id>", methods=("GET",))
    def invoice(self, public_id: str) -> Answer:
        """An invoice, as Stripe shows it."""
        done_reading()
        try:
            there = services.invoice_address(principal=self.who, invoice=public_id)
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
            return redirect(HERE, 303)
        return redirect(there, 303)

    # ------------------------------------------------------------------ what the pages show

    def _page(self, public_id: str) -> str:
        tx = reading()
        place = payer_named(tx, public_id, BILLING_READ)
        customer = queries.customer_of(tx, place)
        held = queries.subscription_of(tx, customer) if customer else None
        invoices = queries.invoices_of(tx, customer) if customer else ()
        district = standing.paying_district(tx, place) if isinstance(place, School) else None
        return self.render(
            "billing/billing.html",
            crumbs=[{"title": self.title, "url": HERE}, {"title": place.name}],
            here=page_asked_for(public_id),
            place=place,
            district=district,
            connected=asking.is_connected(),
            of_district=_is_district(place),
            held=self._shown(held, place) if held else None,
            runs=held is not None and held.status in RUNS,
            waits=_waits(customer, held),
            seconds=self.looks_again(tx, every=SECONDS_AT_WORK),
            used=_used(tx, place),
            offers=self._offers(place) if (held is None or held.status not in RUNS) and not district else (),
            invoices=invoices,
            statuses=words.INVOICES,
            status=InvoiceStatus,
            money=money,
            form=FlaskForm(),
            top=HERE,
            manages=self.opens("quotes") and not is_personal(place),
        )

    def _shown(self, held: Subscription, place: Payer) -> Mapping[str, Any]:
        word, tone = words.STATUS[Status(held.status)]
        plan = PlanName(held.plan) if held.plan else None
        per_seat = bool(plan and plans.current().by_name[plan].per_seat)
        grace = standing.grace_ends(held.owed_since, plans.current())
        return {
            "plan": words.PLANS[plan] if plan else gettext("A plan of your own"),
            "word": word,
            "tone": tone,
            "row": held,
            "price": gettext(
                "%(amount)s %(period)s",
                amount=money(held.amount * held.seats, held.currency),
                period=words.per(held.months),
            ),
            "per_seat": per_seat,
            "grace_until": long_day(grace.astimezone(ZoneInfo(place.time_zone)).date()) if grace else None,
            "grace_is_over": grace is not None and grace <= clock.now(),
        }

    def _offers(self, place: Payer) -> Sequence[Mapping[str, Any]]:
        """The plans that may be bought, with what Stripe asks for them."""
        if not asking.is_connected():
            return ()
        fitting = [each for each in plans.current().by_name.values() if services.may_buy(place, each.name)]
        known = self._priced([key for plan in fitting for key in plan.lookup_keys])
        return [self._offer(plan, known) for plan in fitting if any(key in known for key in plan.lookup_keys)]

    def _offer(self, plan: Plan, known: Mapping[str, Price]) -> Mapping[str, Any]:
        return {
            "title": words.PLANS[plan.name],
            "for_whom": words.FOR_WHOM[plan.name],
            "lines": list(words.holds(plan)),
            "per_seat": plan.per_seat,
            "prices": [
                {"key": key, "said": _said(known[key], per_seat=plan.per_seat)}
                for key in plan.lookup_keys
                if key in known
            ],
        }

    def _priced(self, keys: Sequence[str]) -> Mapping[str, Price]:
        """What Stripe asks for these, as far as it can be asked."""
        try:
            known = prices.all_of(asking.current().client)
        except (Unreachable, Refused, asking.NotConnected):
            return {}
        return {key: known[key] for key in keys if key in known}

    def _held(self, tx: Transaction, place: Payer) -> Subscription | None:
        customer = queries.customer_of(tx, place)
        held = queries.subscription_of(tx, customer) if customer else None
        return held if held is not None and held.status in RUNS else None

    def _on_to_stripe(self, form: BuyForm, go: Callable[[], str], back: str, **context: Any) -> Answer:
        problem = None
        if form.validate_on_submit():
            done_reading()
            try:
                return self._leave(go(), back)
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
        page = self.render(
            "billing/buy.html",
            form=form,
            problem=problem,
            back=back,
            said=_said,
            crumbs=self._crumbs(back, context["heading"]),
            **context,
        )
        return (page, 422) if form.errors or problem else page

    def _leave(self, there: str, back: str) -> str:
        # A form's answer may lead to no other site: browsers enforce `form-action`. And nobody is to wonder
        # where they type their card.
        return self.render(
            "billing/leave.html", there=there, back=back, crumbs=self._crumbs(back, gettext("On to Stripe"))
        )

    def _crumbs(self, back: str, title: str) -> Sequence[Mapping[str, str]]:
        return [{"title": self.title, "url": back}, {"title": title}]


def link(tx: Transaction, school_id: int) -> str | None:
    """Where the principal changes the plan of a school; None for whoever may not."""
    mine = queries.managed(tx, school_id)
    return f"{HERE}{mine}" if mine is not None else None


def _used(tx: Transaction, place: Payer) -> Sequence[Mapping[str, str]]:
    """What there is of what a plan can limit, beside the limit of a school, or the seats of a district."""
    there, limits = standing.used(tx, place), standing.limits_of(tx, place)
    return [
        {"title": words.USED[each], "said": words.used(there[each], limits.get(each))}
        for each in Entitlement
        if each in there
    ]


def _is_district(payer: Payer) -> bool:
    return isinstance(payer, District)


def _said(price: Price, *, per_seat: bool) -> str:
    amount, period = money(price.amount, price.currency), words.per(price.months)
    if per_seat:
        return gettext("%(amount)s per teacher %(period)s", amount=amount, period=period)
    return gettext("%(amount)s %(period)s", amount=amount, period=period)


def _waits(customer: Customer | None, held: Subscription | None) -> bool:
    """Whether somebody has gone to Stripe, and what came of it is not here yet."""
    return customer is not None and customer.stripe_id is not None and held is None
