"""Calling an address that somebody else has named: once, within seconds, and nowhere but where it may lead.

The name is looked up once and the connection made to what was found, so that nothing else can be found for it
in between. Nothing of the answer is used but its status, and no redirect is followed.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from http.client import HTTPConnection, HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from threading import Thread
from typing import Any

from plugins.notifications.hooks.addresses import IPAddress, Target, Unsafe, may_be_called, target_of

ANSWERS_WITHIN = 5.0  # seconds, for everything
LARGEST = 8 * 1024


class NoAnswer(Exception):
    """It could not be called, was too slow, or said what nobody understands."""


def call(address: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> int:
    """The status that an address answers with when it is sent this JSON. Raises `NoAnswer`."""
    ends = time.perf_counter() + ANSWERS_WITHIN
    try:
        target = target_of(address, private=private)
        found = _looked_up(target, ends)
        if not all(may_be_called(each, private=private, is_secure=target.is_secure) for each in found):
            raise Unsafe
        return _called(target, found, body, headers, ends)
    except (OSError, HTTPException, ValueError) as error:
        # Without the cause: its text may name the address.
        raise NoAnswer(type(error).__name__) from None


def _called(
    target: Target, found: Sequence[IPAddress], body: bytes, headers: Mapping[str, str], ends: float
) -> int:
    line = _connected(target, found, ends)
    connection = HTTPConnection(target.host, target.port)
    # It is there already, so that none is made by name.
    connection.sock = line
    connection.response_class = _short_answer(ends)
    try:
        line.settimeout(_left(ends))
        named = {"Host": target.named, "Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", target.path, body, {**named, **headers})
        return connection.getresponse().status
    finally:
        connection.close()
        line.close()


def _looked_up(target: Target, ends: float) -> Sequence[IPAddress]:
    # In a thread of its own: a look-up cannot be told how long it may take.
    future: Future[Sequence[IPAddress]] = Future()

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            future.set_result([ipaddress.ip_address(str(row[4][0])) for row in rows])
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits for it gets it
            future.set_exception(error)

    Thread(target=look_up, daemon=True).start()
    found = tuple(dict.fromkeys(future.result(_left(ends))))
    if not found:
        raise OSError
    return found


def _connected(target: Target, found: Sequence[IPAddress], ends: float) -> socket.socket:
    failed: OSError = OSError()
    for each in found:
        try:
            line = socket.create_connection((str(each), target.port), _left(ends))
        except TimeoutError:
            raise
        except OSError as error:
            failed = error
            continue
        return _encrypted(line, target, ends) if target.is_secure else line
    raise failed


def _encrypted(line: socket.socket, target: Target, ends: float) -> socket.socket:
    try:
        line.settimeout(_left(ends))
        return ssl.create_default_context().wrap_socket(line, server_hostname=target.host)
    except BaseException:
        line.close()
        raise


def _left(ends: float) -> float:
    left = ends - time.perf_counter()
    if left <= 0:
        raise TimeoutError
    return left


class _Incoming(RawIOBase):
    """What comes in, up to a size and until a moment: a byte now and then does not make it longer."""

    def __init__(self, line: socket.socket, ends: float) -> None:
        super().__init__()
        self._line, self._ends, self._room = line, ends, LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(_left(self._ends))
        came = self._line.recv_into(memoryview(buffer)[: max(self._room, 1)])
        self._room -= came
        if self._room < 0:
            raise OSError("too large")
        return came


def _short_answer(ends: float) -> Any:
    class Line:
        """As much of a socket as an answer is read from."""

        def __init__(self, line: socket.socket) -> None:
            self._line = line

        def makefile(self, _mode: str) -> BufferedReader:
            return BufferedReader(_Incoming(self._line, ends), buffer_size=1024)

    class Answer(HTTPResponse):
        def __init__(self, line: socket.socket, **options: Any) -> None:
            super().__init__(Line(line), **options)  # type: ignore[arg-type]

    return Answer
