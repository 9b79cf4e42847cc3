"""Applications in processes of their own, and who asks them for pages."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from sqlalchemy import make_url

from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from tests.bench import django_site
from tests.factories.ports import free_port

HERE = Path(__file__).parents[2]
UNTHROTTLED = {f"BACKOFFICE_THROTTLES__{name.upper()}": "1000000/second" for name in Throttles.model_fields}


Fields = Mapping[str, str | list[str]]
# Seconds that nobody waits longer for one answer or for a start, and bytes of a file that are read at a time.
LONGEST = 180
STARTS_WITHIN = 120
CHUNK = 1 << 20


@dataclass
class Visitor:
    """A browser that keeps its connection and its cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, path: str, fields: Fields | None = None) -> tuple[int, str, str | None]:
        """Status, body and where it leads."""
        answer = self._answer(path, fields)
        return answer.status, answer.read().decode(), answer.headers.get("Location")

    def fetch(self, path: str, fields: Fields | None = None) -> tuple[int, int, float]:
        """Status, number of lines and seconds until the first of them, of a file that is not kept."""
        began = time.perf_counter()
        answer = self._answer(path, fields)
        part = answer.read1(CHUNK)
        first, lines = time.perf_counter() - began, 0
        while part:
            lines += part.count(b"\n")
            part = answer.read1(CHUNK)
        return answer.status, lines, first

    def _answer(self, path: str, fields: Fields | None) -> http.client.HTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields, doseq=True)
        method = "POST" if fields is not None else "GET"
        self._connection.request(method, path, body, headers)
        try:
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            # It has not been asked for longer than a server keeps a connection.
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        for each in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(each).items():
                self.cookies[name] = morsel.value
        return answer


@dataclass
class Served:
    """An application that is being served; a call makes a visitor to it, with the cookies given."""

    port: int
    process: subprocess.Popen[bytes]
    visitors: list[Visitor] = field(default_factory=list)

    def __call__(self, **cookies: str) -> Visitor:
        self.visitors.append(Visitor(self.port, cookies))
        return self.visitors[-1]

    def memory(self, what: str = "VmRSS") -> float:
        """MiB of its only worker: as it is, or with `VmHWM` the most that it has been."""
        worker = int(
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        )
        lines = Path(f"/proc/{worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


Visit = Callable[..., Visitor]


@contextmanager
def serving(
    runtime: Runtime, kind: str, workers: int = 1, settings: Mapping[str, str] = UNTHROTTLED
) -> Iterator[Served]:
    """One of the applications in processes of its own."""
    port = free_port()
    environment = environment_of(runtime, settings) | {"BACKOFFICE_BASE_URL": f"http://127.0.0.1:{port}"}
    line = [sys.executable, "-m", "tests.bench.grid_apps", kind, str(port), str(workers)]
    served = Served(port, subprocess.Popen(line, env=environment, cwd=HERE))
    try:
        first, end = served(), time.monotonic() + STARTS_WITHIN
        while True:
            try:
                first.ask("/healthz")
                break
            except (OSError, http.client.HTTPException):
                first.close()
                assert served.process.poll() is None, f"The application {kind} did not start."
                assert time.monotonic() < end, f"The application {kind} took too long to start."
                time.sleep(0.1)
        yield served
    finally:
        for each in served.visitors:
            each.close()
        served.process.terminate()
        try:
            served.process.wait(20)
        except subprocess.TimeoutExpired:
            served.process.kill()


def environment_of(runtime: Runtime, settings: Mapping[str, str]) -> dict[str, str]:
    """What a process of the product is told, over the database of `runtime`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    return {
        **inherited,
        **settings,
        "BACKOFFICE_DATABASE_URL": runtime.database.address,
        "BACKOFFICE_KEYRING_FILE": str(runtime.settings.keyring),
    }


class Hidden(HTMLParser):
    """The hidden inputs of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden" and found.get("name"):
            self.fields[str(found["name"])] = found.get("value") or ""


def superuser(runtime: Runtime) -> psycopg.Connection:
    """The database's own, for what no role of the product may do."""
    url = make_url(runtime.database.address).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def admin(served: Served) -> Visitor:
    """Somebody who may do everything, at Django's."""
    visitor = served()
    fields = Hidden(visitor.ask("/admin/login/")[1]).fields
    named = {"username": django_site.USER, "password": django_site.PASSWORD}
    _status, _body, there = visitor.ask("/admin/login/", {**fields, **named})
    assert there
    return visitor


def timed(ask: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def seen(visitor: Visitor, path: str, rows: int, fields: Fields | None = None) -> None:
    """Ask for a page once, and be sure that it shows what it should."""
    status, body, _ = visitor.ask(path, fields)
    assert status == 200, (path, status)
    assert body.count("<tr") >= rows, (path, body.count("<tr"))
