"""Asking an identity provider over the network, from a web thread that others wait for.

Encrypted except on loopback, a small answer within seconds, no redirect, and few at once in a process: a
provider that hangs must not take all threads.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from backoffice.settings import is_loopback

ANSWERS_WITHIN = 5.0  # seconds, for a whole answer
WAITS_FOR_TURN = 1.0
LARGEST = 256 * 1024
_turns = threading.BoundedSemaphore(4)


class NoAnswer(Exception):
    """The provider cannot be reached, is too slow, or says what nobody understands. `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def is_safe(address: object) -> bool:
    """Whether an address may be asked, or somebody sent to it: over https, or on this machine."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))


def ask(
    address: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object that an address answers with. Raises `NoAnswer`."""
    if not is_safe(address):
        raise NoAnswer("an address without https")
    if not _turns.acquire(timeout=WAITS_FOR_TURN):
        raise NoAnswer("too many at once")
    try:
        status, content = _asked(address, method, headers or {}, body)
    except TimeoutError:
        raise NoAnswer("too slow") from None
    except ssl.SSLError:
        raise NoAnswer("no trusted certificate") from None
    except (OSError, HTTPException):
        raise NoAnswer("not reached") from None
    finally:
        _turns.release()
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise NoAnswer("no JSON") from None
    if not isinstance(said, dict):
        raise NoAnswer("no JSON object")
    return status, said


def _asked(address: str, method: str, headers: Mapping[str, str], body: str | None) -> tuple[int, bytes]:
    ends, parts = time.perf_counter() + ANSWERS_WITHIN, urlsplit(address)
    connection = (
        HTTPSConnection(parts.netloc, timeout=ANSWERS_WITHIN, context=ssl.create_default_context())
        if parts.scheme == "https"
        else HTTPConnection(parts.netloc, timeout=ANSWERS_WITHIN)
    )
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, target, body, {"Accept": "application/json", **headers})
        line: socket.socket = connection.sock
        response = connection.getresponse()
        return response.status, _read(response, line, ends)
    finally:
        connection.close()


def _read(response: HTTPResponse, line: socket.socket, ends: float) -> bytes:
    # Each wait has what is left of the time: a byte now and then does not make it longer.
    content, piece = b"", b"more"
    # Until the end of the stream, or of the length that was named: of that, a read says nothing.
    while piece and response.length != 0 and not response.isclosed():
        left = ends - time.perf_counter()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        piece = response.read1(LARGEST)
        content += piece
        if len(content) > LARGEST:
            raise NoAnswer("too large")
    return content
