"""The provider `oidc-provider-mock` as a process of its own, on a free port of the loopback."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.factories.ports import free_port

PATIENCE = 30.0


@contextmanager
def mock_provider(*people: Mapping[str, object]) -> Iterator[str]:
    """The provider's address. `people` are those who can say there who they are, by their claims."""
    port = free_port()
    said = [part for each in people for part in ("--user-claims", json.dumps(each))]
    program = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *said]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def agree(location: str, subject: str) -> dict[str, str]:
    """Say at the provider who one is; what one is sent back with."""
    parts = urlsplit(location)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", f"{parts.path}?{parts.query}", urlencode({"sub": subject}), headers)
    answer = connection.getresponse()
    back = answer.headers["Location"] or ""
    connection.close()
    assert re.match("http://localhost", back), answer.status
    return dict(parse_qsl(urlsplit(back).query))


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise RuntimeError("The provider did not start.")
