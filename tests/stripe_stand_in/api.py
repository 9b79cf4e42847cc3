"""A request to `/v1/`: who asks, whether it was asked before, what it says, and the answer."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field

from tests.stripe_stand_in import (
    cards,
    checkout,
    clocks,
    customers,
    discounts,
    events,
    identifiers,
    invoices,
    params,
    portal,
    products,
    routing,
    subscriptions,
)
from tests.stripe_stand_in.account import API_VERSION, Account, Request, shown
from tests.stripe_stand_in.errors import Obj, Refused

KEPT = 24 * 3600
# What Stripe keeps for a key: what was begun, whatever came of it.
REMEMBERED = {200, 402, 500}
# Each registers its addresses when it is imported.
RESOURCES = (
    cards,
    checkout,
    clocks,
    customers,
    discounts,
    events,
    invoices,
    portal,
    products,
    subscriptions,
)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: str
    body: bytes
    key: str | None
    idempotency_key: str | None


class Api:
    def __init__(self, account: Account) -> None:
        self.account = account
        # Of each idempotency key: what was asked with it, the answer, and when.
        self.answers: dict[str, tuple[str, Answer, float]] = {}

    def answer(self, asked: Asked) -> Answer:
        """Never raises; whatever goes wrong is an answer in Stripe's shape."""
        request = identifiers.new("req", 14)
        try:
            self._authenticate(asked.key)
            with self.account.lock:
                return self._once(asked, request)
        except Refused as refused:
            return error(refused, request)

    def _authenticate(self, key: str | None) -> None:
        if key is None:
            raise Refused(
                "You did not provide an API key. You need to provide your API key in "
                "the Authorization header, "
                "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        if not any(hmac.compare_digest(key.encode(), known.encode()) for known in self.account.options.keys):
            raise Refused(f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}", status=401)

    def _once(self, asked: Asked, request: str) -> Answer:
        key = asked.idempotency_key if asked.method == "POST" else None
        if key is None:
            return self._run(asked, request)
        if len(key) > 255:
            raise Refused("Idempotency keys have up to 255 characters.", kind="idempotency_error")
        text = b"\n".join((asked.method.encode(), asked.path.encode(), asked.body))
        fingerprint = hashlib.sha256(text).hexdigest()
        now = time.monotonic()
        before = self.answers.get(key)
        if before is not None and now - before[2] < KEPT:
            if before[0] != fingerprint:
                raise Refused(
                    "Keys for idempotent requests can only be used with the same "
                    "parameters they were first used "
                    f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            first = before[1]
            return Answer(first.status, first.body, {**first.headers, "Idempotent-Replayed": "true"})
        answer = self._run(asked, request)
        answer.headers["Idempotency-Key"] = key
        if answer.status in REMEMBERED:
            self.answers[key] = (fingerprint, answer, now)
        return answer

    def _run(self, asked: Asked, request: str) -> Answer:
        found = routing.find(asked.method, asked.path)
        if found is None:
            return error(
                Refused(f"Unrecognized request URL ({asked.method}: {asked.path}).", status=404), request
            )
        route, names = found
        try:
            text = asked.query if asked.method == "GET" else asked.body.decode()
            pairs = params.pairs_of(text)
            if asked.method != "GET" and asked.query:
                pairs += params.pairs_of(asked.query)
            params.check(pairs, route.takes)
            fields = params.Fields(params.nested(pairs))
            self.account.request = Request(request, asked.idempotency_key)
            try:
                obj = route.handler(self.account, fields, *names)
                answer = shown(self.account, obj, fields.words("expand"))
            finally:
                self.account.request = Request()
        except Refused as refused:
            return error(refused, request)
        return Answer(
            200, json.dumps(answer).encode(), {"Request-Id": request, "Stripe-Version": API_VERSION}
        )


def error(refused: Refused, request: str) -> Answer:
    body: Obj = {"error": refused.error}
    if refused.status != 401:
        body["error"]["request_log_url"] = f"https://stand-in.invalid/logs/{request}"
    headers = {"Request-Id": request, "Stripe-Version": API_VERSION}
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return Answer(refused.status, json.dumps(body).encode(), headers)
