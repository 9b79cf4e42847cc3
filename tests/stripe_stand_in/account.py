"""All that the stand-in keeps: one account, in memory, under one lock."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.stripe_stand_in import identifiers
from tests.stripe_stand_in.errors import Obj, Refused, missing

API_VERSION = "2026-10-28.endive"
DAY = 86400


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the account behaves; periods in seconds where nothing else is said."""

    keys: tuple[str, ...] = ("sk_test_stand_in",)
    # After a failed payment; then comes `after_retries`.
    retry_days: tuple[int, ...] = (3, 5, 7)
    after_retries: str = "cancel"
    retry_seconds: float = 1.0
    name: str = "Stripe stand-in"


@dataclass
class Request:
    """What the present request is called in the events that it causes."""

    id: str | None = None
    idempotency_key: str | None = None


def to_nobody(event: Obj) -> int:
    return 0


@dataclass
class Account:
    options: Options = field(default_factory=Options)
    address: str = ""
    # How far the account's time is ahead of the machine's.
    ahead: int = 0
    lock: Any = field(default_factory=threading.RLock)
    tables: dict[str, dict[str, Obj]] = field(default_factory=lambda: defaultdict(dict))
    # What is known of an object and not shown.
    aside: dict[str, Obj] = field(default_factory=lambda: defaultdict(dict))
    request: Request = field(default_factory=Request)
    # Subscriptions and invoices that an event told of, for those who look at what is due next.
    touched: set[str] = field(default_factory=set)
    # The moment that is played through, while one is.
    played: int | None = None
    deliver: Callable[[Obj], int] = field(default=to_nobody)

    def now(self, of: Obj | None = None) -> int:
        """Seconds by the test clock of a customer (or of what has a `test_clock`), else by the account's."""
        clock = (of or {}).get("test_clock")
        if clock and clock in self.tables["test_helpers.test_clock"]:
            return int(self.tables["test_helpers.test_clock"][clock]["frozen_time"])
        return self.played if self.played is not None else int(time.time()) + self.ahead

    def add(self, obj: Obj) -> Obj:
        self.tables[obj["object"]][obj["id"]] = obj
        return obj

    def find(self, kind: str, identifier: str | None) -> Obj | None:
        return self.tables[kind].get(identifier or "")

    def get(self, kind: str, identifier: str, *, param: str = "id") -> Obj:
        """The object, or `Refused`. A deleted one is found by its address alone."""
        found = self.tables[kind].get(identifier)
        if found is None or (found.get("deleted") and param != "id"):
            raise missing(kind.rpartition(".")[2].replace("_", " "), identifier, param=param)
        return found

    def customer_of(self, obj: Obj) -> Obj:
        return self.tables["customer"][obj["customer"]]

    def emit(self, kind: str, obj: Obj, previous: Obj | None = None) -> Obj:
        """Keep an event with the object as it stands now, and have it delivered."""
        of = obj if "test_clock" in obj else self.find("customer", obj.get("customer"))
        data: Obj = {"object": json.loads(json.dumps(obj))}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.add(
            {
                "id": identifiers.new("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now(of),
                "data": data,
                "livemode": False,
                "pending_webhooks": 0,
                "request": {"id": self.request.id, "idempotency_key": self.request.idempotency_key},
                "type": kind,
            }
        )
        event["pending_webhooks"] = self.deliver(event)
        if obj["object"] in {"subscription", "invoice", "checkout.session"}:
            self.touched.add(obj["id"])
        return event

    @contextmanager
    def changing(self, obj: Obj, kind: str | None = None) -> Iterator[Obj]:
        """Tell of what the block changes, with what was before; of no change nothing is told."""
        before = json.loads(json.dumps(obj))
        yield obj
        if previous := difference(before, obj):
            self.emit(kind or f"{EVENT_NAMES.get(obj['object'], obj['object'])}.updated", obj, previous)


EVENT_NAMES = {"subscription": "customer.subscription", "tax_id": "customer.tax_id"}


def difference(before: Obj, now: Obj) -> Obj:
    """`previous_attributes`: the old value of whatever is not the same any more, inner parts likewise."""
    found: Obj = {}
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        found[name] = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return found


def shown(account: Account, obj: Obj, paths: list[str]) -> Obj:
    """A copy with what `expand[]` asks for put in the place of its identifiers."""
    copy: Obj = json.loads(json.dumps(obj))
    for path in paths:
        _expand(account, copy, path.split("."), path)
    return copy


def _expand(account: Account, at: Any, steps: list[str], path: str) -> None:
    if isinstance(at, list):
        for one in at:
            _expand(account, one, steps, path)
        return
    if not steps or not isinstance(at, dict):
        return
    step, *rest = steps
    if step not in at and (extra := INCLUDED.get((at.get("object", ""), step))):
        at[step] = extra(account, at)
    if step not in at:
        if at.get("object") in SOMETIMES:
            return
        raise Refused(f"This property cannot be expanded ({path}).", param="expand")
    value = at[step]
    if isinstance(value, str):
        at[step] = _found(account, step, value) or value
    elif isinstance(value, list):
        at[step] = [_found(account, step, one) or one if isinstance(one, str) else one for one in value]
    _expand(account, at[step], rest, path)


def _found(account: Account, step: str, identifier: str) -> Obj | None:
    kind = "coupon" if step == "coupon" else identifiers.kind(identifier)
    found = account.find(kind, identifier) if kind else None
    return json.loads(json.dumps(found)) if found else None


# Inner objects without a name of their own, where a part is there for one kind and not for another.
SOMETIMES = {None, "list"}


def _payments(account: Account, invoice: Obj) -> Obj:
    return listing(
        [one for one in account.tables["invoice_payment"].values() if one["invoice"] == invoice["id"]],
        f"/v1/invoice_payments?invoice={invoice['id']}",
    )


def _tax_ids(account: Account, customer: Obj) -> Obj:
    return listing(
        [one for one in account.tables["tax_id"].values() if one["customer"] == customer["id"]],
        f"/v1/customers/{customer['id']}/tax_ids",
    )


def _subscriptions(account: Account, customer: Obj) -> Obj:
    return listing(
        [
            one
            for one in account.tables["subscription"].values()
            if one["customer"] == customer["id"] and one["status"] not in {"canceled", "incomplete_expired"}
        ],
        f"/v1/customers/{customer['id']}/subscriptions",
    )


def _line_items(account: Account, session: Obj) -> Obj:
    return listing(
        account.aside[session["id"]]["line_items"], f"/v1/checkout/sessions/{session['id']}/line_items"
    )


INCLUDED: dict[tuple[str, str], Callable[[Account, Obj], Obj]] = {
    ("invoice", "payments"): _payments,
    ("customer", "tax_ids"): _tax_ids,
    ("customer", "subscriptions"): _subscriptions,
    ("checkout.session", "line_items"): _line_items,
}


def listing(data: list[Obj], url: str, *, more: bool = False) -> Obj:
    return {"object": "list", "data": json.loads(json.dumps(data)), "has_more": more, "url": url}
