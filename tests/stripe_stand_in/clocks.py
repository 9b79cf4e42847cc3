"""Time that passes: test clocks, and the account's own time."""

import heapq
import time
from collections.abc import Callable, Iterator

from tests.stripe_stand_in import identifiers, invoicing, lifecycle
from tests.stripe_stand_in.account import DAY, Account
from tests.stripe_stand_in.errors import Obj, Refused
from tests.stripe_stand_in.params import Fields
from tests.stripe_stand_in.routing import LIST, page, route

Action = Callable[[], None]
Due = tuple[int, Action]


def due_of_subscription(account: Account, one: Obj) -> Iterator[Due]:
    """What a subscription has coming, in seconds, each with what is done then."""
    status = one["status"]
    if status in lifecycle.ENDED or status == "paused":
        return
    if status == "incomplete":
        yield one["created"] + lifecycle.EXPIRES, lambda: lifecycle.expire(account, one)
        return
    start, end = lifecycle.period_of(one)
    aside = account.aside[one["id"]]
    if status == "trialing" and aside.get("warned") != one["trial_end"]:
        yield (
            max(one["trial_end"] - lifecycle.WARNING, start),
            lambda: _once(account, one, "warned", one["trial_end"], "customer.subscription.trial_will_end"),
        )
    if not one["cancel_at_period_end"] and end - start > lifecycle.UPCOMING and aside.get("upcoming") != end:
        yield end - lifecycle.UPCOMING, lambda: _upcoming(account, one, end)
    if one["cancel_at"] is not None and one["cancel_at"] <= end:
        yield one["cancel_at"], lambda: lifecycle.cancel(account, one, reason="cancellation_requested")
    else:
        yield end, lambda: lifecycle.renew(account, one)


def _once(account: Account, one: Obj, name: str, value: int, event: str) -> None:
    account.aside[one["id"]][name] = value
    account.emit(event, one)


def _upcoming(account: Account, one: Obj, end: int) -> None:
    account.aside[one["id"]]["upcoming"] = end
    customer = account.customer_of(one)
    period = lifecycle.next_period(one)
    lines = lifecycle.period_lines(account, one, period=period)
    preview = invoicing.compose(
        account,
        customer,
        lines + invoicing.pending_lines(account, customer, one),
        reason="upcoming",
        subscription=one,
        collection=one["collection_method"],
        period=period,
        identifier=f"upcoming_{identifiers.new('in')}",
        applied=invoicing.in_effect(account, one, period[0]),
    )
    account.emit("invoice.upcoming", preview)
    account.touched.add(one["id"])


def due_of_invoice(account: Account, one: Obj) -> Iterator[Due]:
    if one["status"] == "draft":
        if one["auto_advance"] and one["automatically_finalizes_at"] is not None:
            yield one["automatically_finalizes_at"], lambda: lifecycle.advance_invoice(account, one)
    elif one["status"] == "open":
        if one["next_payment_attempt"] is not None:
            yield one["next_payment_attempt"], lambda: _retry(account, one)
        late = one["collection_method"] == "send_invoice" and one["due_date"] is not None
        if late and not account.aside[one["id"]].get("overdue"):
            yield one["due_date"], lambda: lifecycle.overdue(account, one)


def _retry(account: Account, invoice: Obj) -> None:
    invoicing.attempt(account, invoice)


def due_of_session(account: Account, one: Obj) -> Iterator[Due]:
    if one["status"] == "open":
        from tests.stripe_stand_in import checkout

        yield one["expires_at"], lambda: checkout.expire(account, one)


DUE: dict[str, Callable[[Account, Obj], Iterator[Due]]] = {
    "subscription": due_of_subscription,
    "invoice": due_of_invoice,
    "checkout.session": due_of_session,
}


def play(account: Account, clock: str | None, until: int, at: Callable[[int], None]) -> None:
    """Do all that is due up to `until`, in order; `at` sets the time to each moment before it is done."""
    waiting: list[tuple[int, int, str, str]] = []
    count = 0

    def look(one: Obj) -> None:
        nonlocal count
        for moment, _ in DUE[one["object"]](account, one):
            if moment <= until:
                count += 1
                heapq.heappush(waiting, (moment, count, one["object"], one["id"]))

    for kind in DUE:
        for one in list(account.tables[kind].values()):
            if _clock_of(account, one) == clock:
                look(one)
    account.touched.clear()
    while waiting:
        moment, _, kind, identifier = heapq.heappop(waiting)
        one_now = account.find(kind, identifier)
        # Something else may have been done meanwhile: only what is still due is done.
        action = (
            next((do for when, do in DUE[kind](account, one_now) if when == moment), None)
            if one_now
            else None
        )
        if action is None or one_now is None:
            continue
        at(moment)
        action()
        account.touched.add(identifier)
        for touched in list(account.touched):
            of = identifiers.kind(touched)
            if of in DUE and (found := account.find(of, touched)) and _clock_of(account, found) == clock:
                look(found)
        account.touched.clear()


def _clock_of(account: Account, one: Obj) -> str | None:
    if "test_clock" in one:
        return one["test_clock"]  # type: ignore[no-any-return]
    customer = account.find("customer", one.get("customer"))
    return customer.get("test_clock") if customer else None


def tick(account: Account) -> None:
    """Whatever is due by the account's own time."""
    until = account.now()
    try:
        play(account, None, until, lambda moment: setattr(account, "played", moment))
    finally:
        account.played = None


def advance(account: Account, seconds: int) -> int:
    """Let the account's own time run ahead; the new time in seconds."""
    until = account.now() + seconds
    try:
        play(account, None, until, lambda moment: setattr(account, "played", moment))
    finally:
        account.played = None
        account.ahead = until - int(time.time())
    return until


@route("POST", "/v1/test_helpers/test_clocks", "frozen_time name")
def create_clock(account: Account, fields: Fields) -> Obj:
    frozen = fields.whole("frozen_time")
    if frozen is None:
        raise Refused("Missing required param: frozen_time.", code="parameter_missing", param="frozen_time")
    clock = account.add(
        {
            "id": identifiers.new("clock"),
            "object": "test_helpers.test_clock",
            "created": account.now(),
            "deletes_after": account.now() + 30 * DAY,
            "frozen_time": frozen,
            "livemode": False,
            "name": fields.text("name"),
            "status": "ready",
            "status_details": {},
        }
    )
    account.emit("test_helpers.test_clock.created", clock)
    return clock


@route("GET", "/v1/test_helpers/test_clocks/{}")
def retrieve_clock(account: Account, fields: Fields, identifier: str) -> Obj:
    return account.get("test_helpers.test_clock", identifier)


@route("GET", "/v1/test_helpers/test_clocks", LIST)
def list_clocks(account: Account, fields: Fields) -> Obj:
    return page(account, "test_helpers.test_clock", "/v1/test_helpers/test_clocks", fields)


@route("POST", "/v1/test_helpers/test_clocks/{}/advance", "frozen_time")
def advance_clock(account: Account, fields: Fields, identifier: str) -> Obj:
    """The answer says `advancing`, as Stripe's does; here all is done by then: the next look says `ready`."""
    clock = account.get("test_helpers.test_clock", identifier)
    until = fields.whole("frozen_time") or 0
    if until <= clock["frozen_time"]:
        raise Refused("The frozen_time must be later than the present one.", param="frozen_time")
    clock["status"] = "advancing"
    account.emit("test_helpers.test_clock.advancing", clock)
    play(account, identifier, until, lambda moment: clock.__setitem__("frozen_time", moment))
    clock["frozen_time"] = until
    answer = dict(clock)
    clock["status"] = "ready"
    account.emit("test_helpers.test_clock.ready", clock)
    return answer


@route("DELETE", "/v1/test_helpers/test_clocks/{}")
def delete_clock(account: Account, fields: Fields, identifier: str) -> Obj:
    from tests.stripe_stand_in import customers

    clock = account.get("test_helpers.test_clock", identifier)
    for one in list(account.tables["customer"].values()):
        if one.get("test_clock") == identifier:
            customers.delete_customer(account, Fields({}), one["id"])
    account.emit("test_helpers.test_clock.deleted", clock)
    del account.tables["test_helpers.test_clock"][identifier]
    return {"id": identifier, "object": "test_helpers.test_clock", "deleted": True}
