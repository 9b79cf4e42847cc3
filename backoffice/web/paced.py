"""The web server's worker: a thread is for requests that have arrived, not for visitors who dawdle.

gunicorn's own gives each connection a thread that waits for the rest of the request; as many slow senders as
there are threads stop the site. Here the rest is waited for without a thread, and no longer than a slow line
needs: `PATIENCE` seconds, and one more for every `PACE` bytes. The same holds for whoever takes the answer.
"""

import re
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker
from werkzeug.exceptions import RequestTimeout

PATIENCE = 20.0
PACE = 16 * 1024
# What is gathered of a request before it is given to a thread; the rest of a longer one is read there.
GATHERED = 128 * 1024
GOODBYE = 0.5
_AT_ONCE = 64 * 1024
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_ASKS_FIRST = re.compile(rb"\r\nexpect:", re.IGNORECASE)
REFUSAL = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Cache-Control: no-store\r\nContent-Length: 49\r\n\r\nThis took too long to arrive. Send it once more.\n"
)


class TooSlow(RequestTimeout):
    """The rest of a request did not arrive in time: a 408 of the page that reads it."""


class PacedSocket:
    """A socket that gathers a request without waiting, and later waits only so long."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._gathered = b""
        self._since: float | None = None
        self._patience = PATIENCE
        self._leaving = False
        self.ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fileno(self) -> int:
        """What a selector watches."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as of every socket
        """Wait for what the other side does, though never for ever; or not at all."""
        self._inner.settimeout(PATIENCE if flag else 0)

    # ------------------------------------------------------------------ gathering

    def gather(self) -> None:
        """Take what has arrived, without waiting."""
        self._inner.setblocking(False)
        with suppress(BlockingIOError, InterruptedError, ConnectionError):
            while len(self._gathered) < GATHERED:
                more = self._inner.recv(_AT_ONCE)
                if not more:
                    self.ended = True
                    return
                self._since = self._since or time.monotonic()
                self._gathered += more

    @property
    def is_whole(self) -> bool:
        """Whether a thread has something to do with what has been gathered."""
        return len(self._gathered) >= GATHERED or arrived(self._gathered)

    @property
    def has_begun(self) -> bool:
        """Whether there is something of a request."""
        return bool(self._gathered)

    @property
    def is_late(self) -> bool:
        """Whether the rest of a request that has begun is taking too long."""
        allowed = PATIENCE + len(self._gathered) / PACE
        return self._since is not None and time.monotonic() - self._since > allowed

    def refuse(self) -> None:
        """Say that it took too long, if the other side listens."""
        if self._gathered:
            self._inner.setblocking(False)
            with suppress(OSError):
                self._inner.send(REFUSAL)

    # ------------------------------------------------------------------ in a thread

    def begin(self) -> None:
        """A thread takes over: from now on the other side's time is counted, and only that."""
        self._since = None
        self._patience = PATIENCE

    def recv(self, size: int) -> bytes:
        """What has been gathered, then what arrives. Raises `TooSlow`."""
        if self._leaving:
            self._inner.setblocking(False)
            return self._inner.recv(size)
        if self._gathered:
            # Perhaps more than asked for: who reads keeps the rest, and the selector would not tell of it.
            gathered, self._gathered = self._gathered, b""
            return gathered
        before = self._inner.gettimeout()
        begun = self._wait(before)
        try:
            data = self._inner.recv(size)
        except TimeoutError:
            if before is not None and before < self._patience:
                raise  # somebody else's limit, shorter than ours
            self._patience = 0
            raise TooSlow from None
        finally:
            self._inner.settimeout(before)
        self._account(begun, len(data))
        return data

    def sendall(self, data: bytes) -> None:
        """Send it all. Raises `TimeoutError` when the other side does not take it."""
        before = self._inner.gettimeout()
        # Piece by piece, for each earns time: a socket's own `sendall` has one limit for the whole.
        left = memoryview(data)
        try:
            while left:
                begun = self._wait(None)
                moved = self._inner.send(left[:_AT_ONCE])
                self._account(begun, moved)
                left = left[moved:]
        finally:
            self._inner.settimeout(before)

    def say_goodbye(self) -> None:
        """Let the other side read its answer before the connection goes; in a thread, and not for long.

        gunicorn does so in its main loop, where one who does not hang up would keep everybody waiting.
        """
        until = time.monotonic() + GOODBYE
        with suppress(OSError):
            self._inner.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                self._inner.settimeout(left)
                if not self._inner.recv(_AT_ONCE):
                    break
        self._leaving = True

    def _wait(self, limit: float | None) -> float:
        # Never 0, which would mean not to wait at all where the answer is at hand.
        patience = max(self._patience, 0.001)
        self._inner.settimeout(patience if limit is None else min(limit, patience))
        return time.monotonic()

    def _account(self, begun: float, moved: int) -> None:
        earned = self._patience - (time.monotonic() - begun) + moved / PACE
        self._patience = min(earned, PATIENCE)


class PacedWorker(ThreadWorker):
    """gunicorn's threaded worker with requests gathered before they take a thread."""

    def enqueue_req(self, conn: TConn) -> None:
        """Look at a connection on which something has happened."""
        if not isinstance(conn.sock, PacedSocket):
            conn.sock = PacedSocket(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> object:
        """Answer a request that has arrived; leave the others to the selector."""
        paced: PacedSocket = conn.sock
        more = conn.parser is not None and conn.parser.unreader.buf.getvalue()
        if not more:
            paced.gather()
            if not paced.is_whole:
                if not (paced.ended or paced.is_late):
                    return _DEFER
                paced.refuse()
                return False
        conn.data_ready = True
        paced.begin()
        goes_on = super().handle(conn)
        if not goes_on:
            paced.say_goodbye()
        return goes_on

    def murder_pending(self) -> None:
        """Close connections that are late with a request, and those that have begun none for a while."""
        now = time.monotonic()
        for conn in [each for each in self.pending_conns if each.sock.is_late or _is_idle(each, now)]:
            self.pending_conns.remove(conn)
            with suppress(OSError, KeyError, ValueError):
                self.poller.unregister(conn.sock)
            conn.sock.refuse()
            conn.close()
            self.nr_conns -= 1

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a failure; one of time gets its own number."""
        if isinstance(exc, TooSlow):
            with suppress(OSError):
                client.sendall(REFUSAL)
            return
        super().handle_error(req, client, addr, exc)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:  # noqa: FBT001
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except TooSlow:
            return False  # it has its answer; what is left of its body is of no use

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)


def _is_idle(conn: TConn, now: float) -> bool:
    return not conn.sock.has_begun and conn.timeout <= now


def arrived(data: bytes) -> bool:
    """Whether a request is there as a whole, or cannot be one, or waits to be asked for more.

    This decides only when a thread looks at it, never where a request ends: that is gunicorn's to say.
    """
    head, end, body = data.partition(_HEAD_END)
    if not end:
        return False
    if _ASKS_FIRST.search(head):
        return True
    if _CHUNKED.search(head):
        return body.endswith(_HEAD_END)
    length = _LENGTH.search(head)
    return length is None or len(body) >= int(length.group(1))
