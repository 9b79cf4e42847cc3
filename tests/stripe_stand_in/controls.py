"""What tests ask of the stand-in itself, below `/_stand_in/`. JSON in, JSON out."""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.stripe_stand_in import catalogue, clocks
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.deliveries import Deliveries, How
from tests.stripe_stand_in.errors import Obj, Refused

KEPT = 20_000


@dataclass
class Failure:
    """The next `times` requests whose path begins so are answered with `status`, or hang for so many seconds.

    With `after` the request is carried out first, and only its answer is lost.
    """

    path: str
    times: int
    status: int | None = None
    hang: float = 0
    after: bool = False
    method: str | None = None

    def meets(self, method: str, path: str) -> bool:
        return self.times > 0 and path.startswith(self.path) and self.method in (None, method)


@dataclass
class Controls:
    account: Account
    deliveries: Deliveries
    items: tuple[catalogue.Item, ...] = catalogue.DEFAULT
    asked: deque[Obj] = field(default_factory=lambda: deque(maxlen=KEPT))
    failures: list[Failure] = field(default_factory=list)

    def failure(self, method: str, path: str) -> Failure | None:
        """The one that meets this request, counted down."""
        with self.account.lock:
            for one in self.failures:
                if one.meets(method, path):
                    one.times -= 1
                    return one
        return None

    def answer(self, method: str, path: str, body: bytes) -> Obj:
        """`Refused` with 404 for an address that is none."""
        action = ACTIONS.get((method, path.removeprefix("/_stand_in/")))
        if action is None:
            raise Refused("The stand-in has no such control.", status=404)
        try:
            given = json.loads(body) if body else {}
        except ValueError:
            raise Refused("Controls take JSON.") from None
        return action(self, given)


def _requests(controls: Controls, given: Obj) -> Obj:
    with controls.account.lock:
        return {"requests": list(controls.asked)}


def _forget(controls: Controls, given: Obj) -> Obj:
    with controls.account.lock:
        controls.asked.clear()
        controls.deliveries.log.clear()
    return {}


def _fail(controls: Controls, given: Obj) -> Obj:
    with controls.account.lock:
        controls.failures.append(
            Failure(
                path=str(given.get("path", "/v1/")),
                times=int(given.get("times", 1)),
                status=given.get("status"),
                hang=float(given.get("hang", 0)),
                after=bool(given.get("after")),
                method=given.get("method"),
            )
        )
    return {}


def _mend(controls: Controls, given: Obj) -> Obj:
    with controls.account.lock:
        controls.failures.clear()
    return {}


def _pause(controls: Controls, given: Obj) -> Obj:
    controls.deliveries.pause(paused=True)
    return {}


def _go_on(controls: Controls, given: Obj) -> Obj:
    controls.deliveries.pause(paused=False)
    return {}


def _deliver(controls: Controls, given: Obj) -> Obj:
    """Deliver an event once more, in whatever way is asked for; it must be there."""
    with controls.account.lock:
        event = controls.account.get("event", str(given.get("event")))
    how = How(
        old=bool(given.get("old")),
        bad_signature=bool(given.get("bad_signature")),
        unsigned=bool(given.get("unsigned")),
        shift=int(given.get("shift", 0)),
        changes=tuple(dict(given.get("changes") or {}).items()),
        late=float(given.get("late", 0)),
        once=bool(given.get("once", True)),
    )
    return {"told": controls.deliveries.again(event, how)}


def _drop(controls: Controls, given: Obj) -> Obj:
    """Lose whatever waits to be delivered, as an outage does."""
    lost = controls.deliveries.pending()
    for one in controls.deliveries.endpoints.values():
        one.clear()
    return {"lost": lost}


def _log(controls: Controls, given: Obj) -> Obj:
    return {"deliveries": list(controls.deliveries.log), "pending": controls.deliveries.pending()}


def _wait(controls: Controls, given: Obj) -> Obj:
    """Until nothing waits any more, or so many seconds; says what still does."""
    until = time.monotonic() + float(given.get("seconds", 10))
    while controls.deliveries.pending() and time.monotonic() < until:
        time.sleep(0.01)
    return {"pending": controls.deliveries.pending()}


def _objects(controls: Controls, given: Obj) -> Obj:
    with controls.account.lock:
        tables = {kind: list(table.values()) for kind, table in controls.account.tables.items()}
        copy: Obj = json.loads(json.dumps(tables))
    return copy


def _seed(controls: Controls, given: Obj) -> Obj:
    """The catalogue: what `file` says, else what the stand-in began with."""
    items = catalogue.read(Path(given["file"])) if given.get("file") else controls.items
    with controls.account.lock:
        catalogue.seed(controls.account, items)
        prices = {one["lookup_key"]: one["id"] for one in controls.account.tables["price"].values()}
    return {"prices": prices}


def _advance(controls: Controls, given: Obj) -> Obj:
    """Let the account's own time run ahead, for customers without a test clock."""
    seconds = int(given.get("seconds", 0))
    if seconds < 0:
        raise Refused("Time goes forward only.")
    with controls.account.lock:
        return {"now": clocks.advance(controls.account, seconds)}


ACTIONS: dict[tuple[str, str], Callable[[Controls, Obj], Obj]] = {
    ("GET", "requests"): _requests,
    ("POST", "forget"): _forget,
    ("POST", "fail"): _fail,
    ("POST", "mend"): _mend,
    ("POST", "deliveries/pause"): _pause,
    ("POST", "deliveries/resume"): _go_on,
    ("POST", "deliveries/again"): _deliver,
    ("POST", "deliveries/drop"): _drop,
    ("GET", "deliveries"): _log,
    ("POST", "deliveries/wait"): _wait,
    ("GET", "objects"): _objects,
    ("POST", "seed"): _seed,
    ("POST", "advance"): _advance,
}
