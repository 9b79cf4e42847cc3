"""Webhooks: signed as Stripe signs them, in order, tried again when they are not taken."""

import hashlib
import heapq
import hmac
import http.client
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from tests.stripe_stand_in import old_shape
from tests.stripe_stand_in.account import Account
from tests.stripe_stand_in.errors import Obj

# Factors of `retry_seconds`; after the last an event is given up.
BACK_OFF = (1, 2, 4, 8, 16, 32)
KEPT = 20_000


@dataclass(frozen=True, kw_only=True)
class How:
    """What is unusual about a delivery."""

    old: bool = False
    bad_signature: bool = False
    unsigned: bool = False
    # Seconds that the signature's time is off; below zero is the past.
    shift: int = 0
    # Put over the event's outer fields.
    changes: tuple[tuple[str, object], ...] = ()
    # Seconds to wait first.
    late: float = 0
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class Delivery:
    event: str
    how: How = field(default_factory=How)
    tries: int = 0


def signature(secret: str, body: bytes, at: int) -> str:
    """The header: HMAC-SHA256 over time and body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Endpoint(threading.Thread):
    """One address that is told of events, with a thread and an order of its own."""

    def __init__(self, account: Account, made: Obj, secret: str, *, timeout: float, log: deque[Obj]) -> None:
        super().__init__(daemon=True, name=f"deliveries to {made['id']}")
        self.account = account
        self.made = made
        self.secret = secret
        self.timeout = timeout
        self.log = log
        self.changed = threading.Condition()
        self.waiting: list[tuple[float, int, Delivery]] = []
        self.count = 0
        self.busy = False
        self.paused = False
        self.connection: http.client.HTTPConnection | None = None

    def wants(self, kind: str) -> bool:
        enabled = self.made["enabled_events"]
        return self.made["status"] == "enabled" and ("*" in enabled or kind in enabled)

    def put(self, delivery: Delivery, wait: float = 0) -> None:
        with self.changed:
            self.count += 1
            heapq.heappush(self.waiting, (time.monotonic() + wait, self.count, delivery))
            self.changed.notify_all()

    def pause(self, *, paused: bool) -> None:
        with self.changed:
            self.paused = paused
            self.changed.notify_all()

    def pending(self) -> int:
        with self.changed:
            return len(self.waiting) + self.busy

    def clear(self) -> None:
        with self.changed:
            self.waiting.clear()

    def run(self) -> None:
        while True:
            with self.changed:
                while self.paused or not self.waiting or self.waiting[0][0] > time.monotonic():
                    soon = None if self.paused or not self.waiting else self.waiting[0][0] - time.monotonic()
                    self.changed.wait(soon)
                _, _, delivery = heapq.heappop(self.waiting)
                self.busy = True
            try:
                self._deliver(delivery)
            finally:
                with self.changed:
                    self.busy = False

    def _deliver(self, delivery: Delivery) -> None:
        with self.account.lock:
            event = self.account.find("event", delivery.event)
            if event is None or self.made["status"] != "enabled":
                return
            sent = old_shape.event(self.account, event) if delivery.how.old else event
            body = json.dumps({**sent, **dict(delivery.how.changes)}, indent=2).encode()
        status, problem = self._post(body, delivery.how)
        taken = status is not None and 200 <= status < 300
        self.log.append(
            {
                "event": delivery.event,
                "type": event["type"],
                "endpoint": self.made["id"],
                "attempt": delivery.tries + 1,
                "status": status,
                "problem": problem,
            }
        )
        with self.account.lock:
            if taken:
                event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
        if not taken and not delivery.how.once and delivery.tries < len(BACK_OFF):
            wait = BACK_OFF[delivery.tries] * self.account.options.retry_seconds
            self.put(replace(delivery, tries=delivery.tries + 1), wait)

    def _post(self, body: bytes, how: How) -> tuple[int | None, str | None]:
        at = int(time.time()) + how.shift
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks) stand-in",
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
        }
        if not how.unsigned:
            secret = "whsec_somebody_elses" if how.bad_signature else self.secret
            headers["Stripe-Signature"] = signature(secret, body, at)
        parts = urlsplit(self.made["url"])
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        while True:
            fresh = self.connection is None
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
                self.connection.request("POST", target or "/", body, headers)
                answer = self.connection.getresponse()
                answer.read()
            except TimeoutError:
                self._hang_up()
                return None, "timed out"
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                if fresh:
                    return None, type(error).__name__
                # The other side had closed what was kept open.
                continue
            return answer.status, None

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Deliveries:
    """All endpoints, and what was delivered to them."""

    def __init__(self, account: Account, *, timeout: float = 10) -> None:
        self.account = account
        self.timeout = timeout
        self.endpoints: dict[str, Endpoint] = {}
        self.log: deque[Obj] = deque(maxlen=KEPT)
        self.paused = False
        account.deliver = self.tell

    def open(self, made: Obj, secret: str) -> None:
        endpoint = Endpoint(self.account, made, secret, timeout=self.timeout, log=self.log)
        endpoint.paused = self.paused
        self.endpoints[made["id"]] = endpoint
        endpoint.start()

    def tell(self, event: Obj) -> int:
        """Have an event delivered to whoever wants it; says to how many."""
        told = [one for one in self.endpoints.values() if one.wants(event["type"])]
        for one in told:
            one.put(Delivery(event=event["id"]))
        return len(told)

    def again(self, event: Obj, how: How) -> int:
        told = [one for one in self.endpoints.values() if one.wants(event["type"])]
        for one in told:
            one.put(Delivery(event=event["id"], how=how), how.late)
        return len(told)

    def pause(self, *, paused: bool) -> None:
        self.paused = paused
        for one in self.endpoints.values():
            one.pause(paused=paused)

    def pending(self) -> int:
        return sum(one.pending() for one in self.endpoints.values())
