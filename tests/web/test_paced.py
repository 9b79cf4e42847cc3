"""Visitors who dawdle wait without a thread, and not for ever."""

import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from threading import Thread

import pytest

from backoffice import serve
from backoffice.web import paced
from backoffice.web.paced import GATHERED, PacedSocket, TooSlow, arrived
from tests.factories.ports import free_port

HEAD = b"POST /join HTTP/1.1\r\nHost: localhost\r\n"
THREADS = 2


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (HEAD + b"Content-Length: 3\r\n\r\nab", False),
        (HEAD + b"Content-Length: 3\r\n\r\nabc", True),
        (HEAD + b"content-length:3\r\n\r\nab", False),
        (HEAD + b"Content-Length: 3\r\n\r\nabcGET / HT", True),
        (HEAD + b"Content-Length: three\r\n\r\n", True),
        (HEAD + b"X-Content-Length: 3\r\n\r\n", True),
        (HEAD + b"Content-Length: 30\r\nExpect: 100-continue\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
    ],
)
def test_a_request_has_arrived_or_not(data: bytes, whole: bool) -> None:
    assert arrived(data) is whole


@pytest.fixture
def line() -> Iterator[tuple[PacedSocket, socket.socket]]:
    """Both ends of a connection: the server's and the visitor's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield PacedSocket(ours), theirs


def test_what_was_gathered_is_read_first(line: tuple[PacedSocket, socket.socket]) -> None:
    ours, theirs = line
    ours.gather()
    assert not ours.has_begun
    theirs.sendall(HEAD)
    ours.gather()
    theirs.sendall(b"rest")
    ours.begin()
    assert (ours.recv(1), ours.recv(100)) == (HEAD, b"rest")


def test_a_long_request_is_read_by_a_thread(line: tuple[PacedSocket, socket.socket]) -> None:
    ours, theirs = line
    theirs.settimeout(5)
    theirs.send(HEAD + b"Content-Length: 9999999\r\n\r\n")
    while not ours.is_whole:
        theirs.send(b"x" * 1024)
        ours.gather()
    assert len(ours.recv(1)) >= GATHERED


def test_who_sends_nothing_more_is_too_slow(
    line: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced, "PATIENCE", 0.05)
    ours, theirs = line
    theirs.sendall(b"a")
    ours.begin()
    assert ours.recv(10) == b"a"
    with pytest.raises(TooSlow):
        ours.recv(10)
    with pytest.raises(TooSlow):
        ours.recv(10)


def test_a_steady_sender_is_waited_for(
    line: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece earns the time for the next."""
    monkeypatch.setattr(paced, "PATIENCE", 0.2)
    monkeypatch.setattr(paced, "PACE", 10)
    ours, theirs = line
    ours.begin()
    for _ in range(6):
        time.sleep(0.05)
        theirs.sendall(b"abcd")
        assert ours.recv(4) == b"abcd"


def test_who_does_not_take_the_answer_is_left(
    line: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced, "PATIENCE", 0.05)
    ours, _theirs = line
    ours.begin()
    with pytest.raises(TimeoutError):
        ours.sendall(b"x" * 10_000_000)


def test_who_takes_a_long_answer_steadily_gets_it_whole(
    line: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes far longer than one who takes nothing is waited for, and is given in one piece."""
    monkeypatch.setattr(paced, "PATIENCE", 0.5)
    monkeypatch.setattr(paced, "PACE", 64 * 1024)
    ours, theirs = line
    size, taken = 1 << 20, 0

    def take() -> None:
        nonlocal taken
        while piece := theirs.recv(16 * 1024):
            taken += len(piece)
            time.sleep(0.03)

    taking = Thread(target=take)
    taking.start()
    ours.begin()
    begun = time.monotonic()
    ours.sendall(b"x" * size)
    assert time.monotonic() - begun > 2 * paced.PATIENCE
    ours.shutdown(socket.SHUT_WR)
    taking.join()
    assert taken == size


# -- the server

APP = """
from backoffice.web import paced
paced.PATIENCE = 1.0

def app(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of few threads."""
    folder = tmp_path_factory.mktemp("paced")
    (folder / "paced_probe.py").write_text(APP)
    number = free_port()
    command = serve.web_command(number, host="127.0.0.1", workers=1, threads=THREADS, app="paced_probe:app")
    process = subprocess.Popen(command, cwd=folder)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                post(number, b"up?")
                break
            except OSError:
                assert time.monotonic() < deadline, "The server does not answer."
                time.sleep(0.05)
        yield number
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def post(port: int, body: bytes) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", data=body, timeout=10) as answer:
        return bytes(answer.read())


def connected(port: int, begin: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=20)
    made.sendall(begin)
    return made


SLOW = {
    "says nothing": b"",
    "stops within the head": b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Never: en",
    "stops within the body": HEAD + b"Content-Length: 1000\r\n\r\nfew",
    "stops within a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\nfew",
}


@pytest.mark.parametrize("begin", SLOW.values(), ids=SLOW)
def test_slow_senders_hold_no_thread(port: int, begin: bytes) -> None:
    """Many more of them than threads, and everybody else is served as ever."""
    lines = [connected(port, begin) for _ in range(THREADS * 10)]
    try:
        for number in range(5):
            assert post(port, b"%d" % number) == b"%d" % number
    finally:
        for each in lines:
            each.close()


@pytest.mark.parametrize("begin", [each for each in SLOW.values() if each], ids=[*SLOW][1:])
def test_who_takes_too_long_is_told(port: int, begin: bytes) -> None:
    with connected(port, begin) as line:
        answer = b""
        while piece := line.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"Send it once more.\n")


def test_a_request_in_pieces_is_answered(port: int) -> None:
    whole = HEAD + b"Content-Length: 6\r\nConnection: close\r\n\r\npieces"
    with connected(port, b"") as line:
        for at in range(0, len(whole), 20):
            line.sendall(whole[at : at + 20])
            time.sleep(0.01)
        answer = b""
        while piece := line.recv(4096):
            answer += piece
    assert answer.endswith(b"\r\n\r\npieces")


@pytest.mark.parametrize("size", [0, 1, GATHERED - 1, GATHERED, 5 * GATHERED])
def test_a_body_of_any_length_arrives_whole(port: int, size: int) -> None:
    assert len(post(port, b"x" * size)) == size


def test_several_requests_of_one_connection_are_answered_in_order(port: int) -> None:
    """Also those that were sent before the first was answered."""
    one, two = (HEAD + b"Content-Length: 3\r\n\r\n" + body for body in (b"one", b"two"))
    last = HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\nend"
    with connected(port, one + two) as line:
        answer = line.recv(4096)
        while b"two" not in answer:
            answer += line.recv(4096)
        line.sendall(last)
        while piece := line.recv(4096):
            answer += piece
    assert [answer.index(body) for body in (b"one", b"two", b"end")] == sorted(
        answer.index(body) for body in (b"one", b"two", b"end")
    )
