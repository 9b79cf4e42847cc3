"""Buying, changing and ending a subscription: asked of Stripe, and taken over from it.

Each of these notes first who wants what, then asks Stripe, outside of any transaction. What comes of it here
comes from Stripe, by its messages and by a job that asks at once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.jobs import queue
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import District, School
from backoffice.storage.public_id import new_public_id
from plugins.billing import asking, plans, prices, queries, standing
from plugins.billing.asking import NotConnected, Refused, Unreachable, asked, plain
from plugins.billing.models import RUNS, Customer, Invoice, PlanName, Status, Subscription
from plugins.billing.payers import Payer, is_personal, note, payer_named
from plugins.billing.permissions import BILLING_MANAGE
from plugins.billing.reading import moment

REFRESH = "billing.refresh"
MOST_SEATS = 10_000
# So many seconds what was shown is charged.
SHOWN_FOR = 30 * 60
_LONGEST = 11
NOT_CONNECTED = lazy("Nothing can be bought here yet: this installation is not connected to Stripe.")
UNREACHABLE = lazy("Stripe cannot be reached just now. Nothing was changed. Try again in a few minutes.")
REFUSED = lazy("Stripe did not accept this. Nothing was changed. Look at your subscription, then try again.")
HAS_ONE = lazy("There is a subscription already. Change that one.")
HAS_NONE = lazy("There is no subscription that could be changed.")
NO_SUCH_PRICE = lazy("This plan cannot be bought any more. Load the page anew and choose again.")
NOT_PER_SEAT = lazy("This plan is one price for all. There are no seats to change.")
COVERED = lazy("Your district pays for this school already. If seats run out, ask the district for more.")
CHANGED = lazy("The price has changed since you looked. Look at it again, then confirm.")


@dataclass(frozen=True)
class Preview:
    """What a number of seats costs, in the currency's smallest unit.

    `now` is charged at once (less than nothing: credited), `later` in each period from `from_then` on. `seen`
    proves that this was shown.
    """

    seats: int
    now: int
    later: int
    from_then: datetime | None
    currency: str
    # The second by which Stripe counts what is left of the period: it is counted by it again.
    counted_at: int

    @property
    def seen(self) -> str:
        """What was shown, to be compared when it is confirmed."""
        return f"{self.seats}:{self.now}:{self.later}:{self.counted_at}"


@dataclass(frozen=True)
class _Mine:
    """What may be changed: of whom, and its customer and subscription by identifiers."""

    payer: Payer
    customer: int
    customer_named: str
    subscription_named: str
    seats: int
    per_seat: bool
    fewest: int
    status: Status


def checkout(*, principal: Principal, payer: str, price: str, seats: int, back: str) -> str:
    """Where Stripe takes what is paid with, for a school or district; nothing is bought before that.

    `price` is the lookup key of one of the plans' prices, `back` the address to which Stripe leads back.
    Raises `Rejected`, `NotFound`.
    """
    plan = plans.current().of_price(price)
    with transaction(principal) as tx:
        place = payer_named(tx, payer)
        stripe = client()
        if plan is None or not may_buy(place, plan.name):
            raise Rejected(price=NO_SUCH_PRICE)
        wanted = seats_of(seats, plan) if plan.per_seat else 1
        unless_covered(tx, place)
        customer = begun(tx, place)
        held = queries.subscription_of(tx, customer)
        if held is not None and held.status in RUNS:
            raise Rejected.whole(HAS_ONE)
        tries_out = not queries.had_one(tx, customer)
        named = customer.stripe_id
        number, public = customer.id, customer.public_id
        name = name_at_stripe(place)
        note(tx, "billing.buy", place, customer=number, price=price, seats=wanted)
    with while_waiting():
        found = prices.one(stripe, price)
        if named is None:
            named = customer_at(stripe, public, name)
            with transaction(principal) as tx:
                payer_named(tx, payer)
                tx.get_one(Customer, number).stripe_id = named
        if _only_one(stripe, named):
            raise Rejected.whole(HAS_ONE)
        trial = plans.current().trial.days if tries_out else 0
        session = stripe.v1.checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": named,
                "client_reference_id": public,
                "line_items": [{"price": found.named, "quantity": wanted}],
                "subscription_data": {
                    # By it the plan is known when the price's name goes along to a dearer one.
                    "metadata": {"payer": public, "price": price},
                    **({"trial_period_days": trial} if trial else {}),
                },
                "allow_promotion_codes": True,
                "tax_id_collection": {"enabled": True},
                "customer_update": {"name": "auto", "address": "auto"},
                "success_url": f"{back}/bought",
                "cancel_url": back,
            }
        )
    return str(session.url)


def _only_one(stripe: Any, named: str) -> bool:
    """Whether a customer has a subscription by now; if not, pages on which one was to be bought are closed.

    What is here may be older than what two leaders do at Stripe, or one with two windows.
    """
    listed = stripe.v1.subscriptions.list({"customer": named, "status": "all", "limit": 100})
    if any(each.status in RUNS for each in listed.auto_paging_iter()):
        return True
    for each in stripe.v1.checkout.sessions.list({"customer": named, "status": "open"}).auto_paging_iter():
        stripe.v1.checkout.sessions.expire(each.id)
    return False


def portal(*, principal: Principal, payer: str, back: str) -> str:
    """Where Stripe lets whoever pays change its card and see its invoices.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        place = payer_named(tx, payer)
        stripe = client()
        customer = queries.customer_of(tx, place)
        if customer is None or customer.stripe_id is None:
            raise Rejected.whole(HAS_NONE)
        named, public = customer.stripe_id, customer.public_id
        note(tx, "billing.open-portal", place, customer=customer.id)
    with while_waiting():
        # Whoever it is there has to be whoever it is here.
        if (plain(stripe.v1.customers.retrieve(named)).get("metadata") or {}).get("payer") != public:
            raise Rejected.whole(REFUSED)
        session = stripe.v1.billing_portal.sessions.create(
            {"customer": named, "return_url": f"{back}/bought"}
        )
    return str(session.url)


def preview_seats(*, principal: Principal, payer: str, seats: int) -> Preview:
    """What another number of seats would cost. Changes nothing. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        mine = _mine(tx, payer)
        stripe = client()
    return _previewed(stripe, mine, seats, int(clock.now().timestamp()))


def change_seats(*, principal: Principal, payer: str, seats: int, seen: str) -> None:
    """Have a subscription be for so many teachers from now on, for what was shown.

    Raises `Rejected`, also if it costs something else by now; `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        mine = _mine(tx, payer)
        stripe = client()
    counted_at = _counted_at(seen)
    if _previewed(stripe, mine, seats, counted_at).seen != seen:
        raise Rejected.whole(CHANGED)
    with transaction(principal) as tx:
        mine = _mine(tx, payer)
        note(tx, "billing.change-seats", mine.payer, customer=mine.customer, seats=seats)
    with while_waiting():
        named, _until = _item(stripe, mine)
        stripe.v1.subscriptions.update(
            mine.subscription_named,
            {
                "items": [{"id": named, "quantity": seats}],
                "proration_behavior": "always_invoice",
                "proration_date": counted_at,
            },
            {"idempotency_key": f"seats-{mine.subscription_named}-{mine.seats}-{seen}"},
        )
    _refresh(principal, mine)


def end(*, principal: Principal, payer: str) -> None:
    """Have a subscription end when what is paid for is over. Nothing is deleted then.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    _change(principal, payer, "billing.end", lambda _held: {"cancel_at_period_end": True})


def go_on(*, principal: Principal, payer: str) -> None:
    """Have a subscription that was to end go on. Raises `Rejected`, `ProofNeeded`, `NotFound`."""
    _change(principal, payer, "billing.go-on", _without_end)


def look_again(*, principal: Principal, payer: str) -> None:
    """Have Stripe asked at once how a subscription stands. Raises `NotFound`."""
    with transaction(principal) as tx:
        place = payer_named(tx, payer)
        customer = queries.customer_of(tx, place)
        if asking.is_connected() and customer is not None and customer.stripe_id is not None:
            queue.defer(tx, REFRESH, customer=customer.id)


def invoice_address(*, principal: Principal, invoice: str) -> str:
    """Where Stripe shows an invoice to whoever has the address. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        named = find(tx, Invoice, invoice, permission=BILLING_MANAGE).stripe_id
        stripe = client()
    with while_waiting():
        found = plain(stripe.v1.invoices.retrieve(named))
    address = found.get("hosted_invoice_url")
    if not address:
        raise Rejected.whole(gettext("Stripe shows this invoice to nobody yet. Look again in an hour."))
    return str(address)


def may_buy(payer: Payer, plan: PlanName) -> bool:
    """Whether it is the plan for one of this kind: each kind has its own."""
    if isinstance(payer, District):
        return plan is PlanName.DISTRICT
    return plan is (PlanName.TEACHER if is_personal(payer) else PlanName.SCHOOL)


def unless_covered(tx: Transaction, payer: Payer) -> None:
    """Go on if no district pays for whoever is to buy: nobody is to pay twice. Raises `Rejected`."""
    if isinstance(payer, School) and standing.paying_district(tx, payer) is not None:
        raise Rejected.whole(COVERED)


def name_at_stripe(payer: Payer) -> str | None:
    """As what Stripe knows a school or district: by its name, or by none if that is a teacher's."""
    return None if is_personal(payer) else str(payer.name)


def customer_at(stripe: Any, public: str, name: str | None) -> str:
    """What Stripe calls whoever pays as `public` names it, made there if it has not been yet."""
    made = stripe.v1.customers.create(
        {"metadata": {"payer": public}, **({"name": name} if name else {})},
        {"idempotency_key": f"customer-{public}"},
    )
    return str(made.id)


def client() -> Any:
    """The client of this installation's Stripe. Raises `Rejected` if it has none."""
    try:
        return asking.current().client
    except NotConnected:
        raise Rejected.whole(NOT_CONNECTED) from None


@contextmanager
def while_waiting() -> Iterator[None]:
    """While a person waits for Stripe: what goes wrong there is said in a sentence. Raises `Rejected`."""
    try:
        with asked():
            yield
    except Unreachable:
        raise Rejected.whole(UNREACHABLE) from None
    except Refused:
        raise Rejected.whole(REFUSED) from None


def begun(tx: Transaction, payer: Payer) -> Customer:
    """As whom it pays, made if it has not begun to."""
    found = queries.customer_of(tx, payer)
    if found is not None:
        return found
    number = tx.take_id(Customer)
    tx.execute(
        insert(Customer).values(
            id=number,
            public_id=new_public_id(),
            school_id=payer.id if isinstance(payer, School) else None,
            district_id=payer.id if isinstance(payer, District) else None,
            made_by=tx.principal.account_id,
            made_at=clock.now(),
        )
    )
    return tx.get_one(Customer, number)


def _mine(tx: Transaction, payer: str) -> _Mine:
    place = payer_named(tx, payer)
    customer = queries.customer_of(tx, place)
    held: Subscription | None = queries.subscription_of(tx, customer) if customer else None
    if customer is None or customer.stripe_id is None or held is None or held.status not in RUNS:
        raise Rejected.whole(HAS_NONE)
    plan = plans.current().by_name[PlanName(held.plan)] if held.plan else None
    return _Mine(
        place,
        customer.id,
        customer.stripe_id,
        held.stripe_id,
        held.seats,
        per_seat=bool(plan and plan.per_seat),
        fewest=plan.fewest_seats if plan else 1,
        status=Status(held.status),
    )


def seats_of(wanted: int, plan: plans.Plan) -> int:
    """A number of seats that a plan is sold for. Raises `Rejected` for the input `seats`."""
    return _enough(wanted, plan.fewest_seats)


def _enough(wanted: int, fewest: int) -> int:
    if not fewest <= wanted <= MOST_SEATS:
        raise Rejected(
            seats=gettext(
                "Write a number from %(fewest)s to %(most)s.", fewest=fewest, most=amount(MOST_SEATS)
            )
        )
    return wanted


def _previewed(stripe: Any, mine: _Mine, seats: int, counted_at: int) -> Preview:
    if not mine.per_seat:
        raise Rejected.whole(NOT_PER_SEAT)
    _enough(seats, mine.fewest)
    with while_waiting():
        named, until = _item(stripe, mine)
        change = {"items": [{"id": named, "quantity": seats}]}
        asked_for: Mapping[str, Any] = {
            "customer": mine.customer_named,
            "subscription": mine.subscription_named,
        }
        prorated = {"proration_behavior": "always_invoice", "proration_date": counted_at}
        at_once = plain(
            stripe.v1.invoices.create_preview({**asked_for, "subscription_details": {**change, **prorated}})
        )
        later = plain(
            stripe.v1.invoices.create_preview(
                {**asked_for, "subscription_details": {**change, "proration_behavior": "none"}}
            )
        )
    return Preview(
        seats,
        int(at_once["total"]),
        int(later["total"]),
        until,
        str(at_once["currency"]),
        counted_at,
    )


def _counted_at(seen: str) -> int:
    """By which second what somebody saw was counted, if that was a while ago at most. Raises `Rejected`."""
    said, now = seen.rpartition(":")[2], int(clock.now().timestamp())
    # Isdecimal alone takes the digits of every alphabet.
    if not (
        said.isascii() and said.isdecimal() and len(said) <= _LONGEST and now - SHOWN_FOR <= int(said) <= now
    ):
        raise Rejected.whole(CHANGED)
    return int(said)


def _item(stripe: Any, mine: _Mine) -> tuple[str, datetime | None]:
    """What Stripe calls the item of a subscription that seats are counted on, and when its period ends."""
    held = plain(stripe.v1.subscriptions.retrieve(mine.subscription_named))
    item = held["items"]["data"][0]
    return str(item["id"]), moment(item.get("current_period_end") or held.get("current_period_end"))


def _without_end(held: Mapping[str, Any]) -> Mapping[str, Any]:
    """What undoes the end of a subscription: of its period as a page here sets it, or of a day set at Stripe.

    Stripe takes one of the two at once.
    """
    if held.get("cancel_at") and not held.get("cancel_at_period_end"):
        return {"cancel_at": ""}
    return {"cancel_at_period_end": False}


def _change(
    principal: Principal, payer: str, verb: str, wanted: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> None:
    with transaction(principal) as tx:
        proof.demand(tx)
        mine = _mine(tx, payer)
        stripe = client()
        note(tx, verb, mine.payer, customer=mine.customer)
    with while_waiting():
        held = plain(stripe.v1.subscriptions.retrieve(mine.subscription_named))
        stripe.v1.subscriptions.update(mine.subscription_named, wanted(held))
    _refresh(principal, mine)


def _refresh(principal: Principal, mine: _Mine) -> None:
    with transaction(principal) as tx:
        queue.defer(tx, REFRESH, customer=mine.customer)
