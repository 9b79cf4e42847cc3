"""The stand-in as a server on the loopback: the API, the pages and the controls."""

import contextlib
import json
import socket
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.stripe_stand_in import catalogue, clocks, events, pages, params, portal
from tests.stripe_stand_in.account import Account, Options
from tests.stripe_stand_in.api import Answer, Api, Asked, error
from tests.stripe_stand_in.controls import Controls
from tests.stripe_stand_in.deliveries import Deliveries
from tests.stripe_stand_in.errors import Refused

HOST = "127.0.0.1"
TICK = 1.0
LONGEST = 1_000_000
FAILED = {429: ("rate_limit", "invalid_request_error"), 401: (None, "invalid_request_error")}


class StandIn:
    """One account with its deliveries, controls and server; `serve` returns when `stop` was called."""

    def __init__(
        self,
        *,
        port: int,
        options: Options,
        webhook: tuple[str, str] | None = None,
        items: tuple[catalogue.Item, ...] = catalogue.DEFAULT,
        timeout: float = 10,
    ) -> None:
        self.account = Account(options)
        self.deliveries = Deliveries(self.account, timeout=timeout)
        self.controls = Controls(self.account, self.deliveries, items)
        self.api = Api(self.account)
        self.server = Server((HOST, port), Handler)
        self.server.stand_in = self
        self.account.address = f"http://{HOST}:{self.server.server_address[1]}"
        events.DELIVERIES.append(self.deliveries)
        catalogue.seed(self.account, items)
        portal.default_configuration(self.account)
        if webhook is not None:
            address, secret = webhook
            self.deliveries.open(events.make_endpoint(self.account, address, ["*"]), secret)
        self.over = threading.Event()

    def serve(self) -> None:
        threading.Thread(target=self._tick, daemon=True).start()
        self.server.serve_forever(poll_interval=0.1)
        self.server.server_close()

    def stop(self) -> None:
        self.over.set()
        self.server.shutdown()

    def _tick(self) -> None:
        while not self.over.wait(TICK):
            with self.account.lock:
                clocks.tick(self.account)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True
    stand_in: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to tell of."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name
        """Say nothing: addresses of pages are keys to them."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST:
            self._send(error(Refused("The request is too long.", status=413), "req_none"))
            return
        body = self.rfile.read(length)
        if path.startswith("/v1/"):
            self._api(path, query, body)
        elif path.startswith("/_stand_in/"):
            self._control(path, body)
        else:
            self._send(
                self._safely(lambda: pages.answer(self.server.stand_in.account, self.command, path, body))
            )

    def _safely(self, do: Any) -> Answer:
        try:
            found: Answer = do()
        except Exception as problem:  # noqa: BLE001 whatever it is, the client gets an answer in the right shape
            traceback.print_exc()
            return error(
                Refused(f"The stand-in failed ({type(problem).__name__}).", status=500, kind="api_error"),
                "req_none",
            )
        return found

    def _control(self, path: str, body: bytes) -> None:
        def do() -> Answer:
            try:
                found = self.server.stand_in.controls.answer(self.command, path, body)
            except Refused as refused:
                return error(refused, "req_control")
            return Answer(200, json.dumps(found).encode())

        self._send(self._safely(do))

    def _api(self, path: str, query: str, body: bytes) -> None:
        stand_in = self.server.stand_in
        bearer = self.headers.get("Authorization") or ""
        asked = Asked(
            self.command,
            path,
            query,
            body,
            bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else None,
            self.headers.get("Idempotency-Key"),
        )
        failure = stand_in.controls.failure(self.command, path)
        answer: Answer | None = None
        if failure is None or failure.after:
            answer = self._safely(lambda: stand_in.api.answer(asked))
        if failure is not None:
            if failure.hang:
                stand_in.over.wait(failure.hang)
                answer = None if failure.status is None else answer
            if failure.status is not None:
                code, kind = FAILED.get(failure.status, (None, "api_error"))
                answer = error(
                    Refused("The stand-in was told to fail.", status=failure.status, kind=kind, code=code),
                    "req_failed",
                )
        self._note(asked, answer.status if answer else None)
        if answer is None:
            # Neither an answer nor the end of one: the line goes dead.
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer)

    def _note(self, asked: Asked, status: int | None) -> None:
        stand_in = self.server.stand_in
        text = asked.query if asked.method == "GET" else asked.body.decode(errors="replace")
        stand_in.controls.asked.append(
            {
                "at": time.time(),
                "method": asked.method,
                "path": asked.path,
                "fields": params.nested(params.pairs_of(text)),
                "idempotency_key": asked.idempotency_key,
                "stripe_version": self.headers.get("Stripe-Version"),
                "status": status,
            }
        )

    def _send(self, answer: Answer) -> None:
        headers = {
            "Content-Type": "application/json",
            **answer.headers,
            "Content-Length": str(len(answer.body)),
        }
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()
