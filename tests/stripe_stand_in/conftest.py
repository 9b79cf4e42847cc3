"""A stand-in for each module, someone who takes its webhooks, and a browser without eyes."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from tests.stripe_stand_in.errors import Obj
from tests.stripe_stand_in.running import SECRET, StandIn, running


@dataclass
class Taker:
    """Takes webhooks, with the library's own check of the signature."""

    address: str = ""
    taken: list[Obj] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    # What is answered to the next ones, whatever they are.
    statuses: list[int] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return [one["type"] for one in self.taken]

    def last(self, kind: str) -> Obj:
        return next(one for one in reversed(self.taken) if one["type"] == kind)

    def take(self, body: str, signature: str | None) -> int:
        if self.statuses:
            return self.statuses.pop(0)
        try:
            stripe.WebhookSignature.verify_header(body, signature, SECRET, 300)
        except stripe.SignatureVerificationError as error:
            self.refused.append(str(error))
            return 400
        self.taken.append(json.loads(body))
        return 200


@pytest.fixture(scope="module")
def listening() -> Iterator[Taker]:
    taker = Taker()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(taker.take(body, self.headers["Stripe-Signature"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    taker.address = f"http://127.0.0.1:{server.server_address[1]}/webhooks/stripe"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield taker
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def stand_in(listening: Taker) -> Iterator[StandIn]:
    with running(webhook_url=listening.address, retry_seconds=0.05, timeout_seconds=2) as found:
        yield found


@pytest.fixture
def taker(listening: Taker, stand_in: StandIn) -> Taker:
    """With nothing taken yet."""
    stand_in.control.resume()
    stand_in.control.mend()
    assert stand_in.control.delivered()
    stand_in.control.forget()
    listening.taken.clear()
    listening.refused.clear()
    listening.statuses.clear()
    return listening


@pytest.fixture
def client(stand_in: StandIn, taker: Taker) -> stripe.StripeClient:
    return stand_in.client(max_network_retries=0)


@pytest.fixture
def prices(stand_in: StandIn) -> dict[str, str]:
    return stand_in.control.seed()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **more: Any) -> None:
        """Where it leads to is what a test looks at."""


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    leads_to: str | None


def visit(address: str, **fields: str) -> Page:
    """Open a page, or send its form where there are fields."""
    data = urllib.parse.urlencode(fields).encode() if fields else None
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(address, data, timeout=30) as answer:
            return Page(answer.status, answer.read().decode("latin-1"), answer.headers["Location"])
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, error.read().decode("latin-1"), error.headers["Location"])
