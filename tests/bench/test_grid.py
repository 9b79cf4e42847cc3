"""Pages of the console's grid beside a bare one and Flask-Admin's own, on the same rows, in turns.

Also how many readers are served at once, and how long a child takes from the code to the own page.
"""

import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role, Student
from backoffice.settings import Throttles
from tests.factories.crowd import OF_A_SCHOOL, Crowd, make_crowd
from tests.factories.visitor import form_token
from tests.factories.world import SYSTEM, World
from tests.outbox.sink import free_port

ROWS = int(os.environ.get("ROWS", "100000"))
ROUNDS = 30
DEEP = 10_000
PAGE = 50
UNTHROTTLED = {f"BACKOFFICE_THROTTLES__{name.upper()}": "1000000/second" for name in Throttles.model_fields}


@dataclass
class Visitor:
    """A browser that keeps its connection and its cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str | None]:
        """Status, body and where it leads."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields)
        self._connection.request("POST" if fields is not None else "GET", path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for each in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(each).items():
                self.cookies[name] = morsel.value
        return answer.status, text, answer.headers.get("Location")


@pytest.fixture(scope="module")
def crowd(runtime: Runtime, world: World) -> Crowd:
    made = make_crowd(runtime, world, ROWS)
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                account_id=world.people["outsider"].id,
                school_id=made.school_id,
                role=Role.LEADER,
                created_at=clock.now(),
            )
        )
    return made


Visit = Callable[..., Visitor]


@contextmanager
def serving(
    runtime: Runtime, kind: str, workers: int = 1, throttles: Mapping[str, str] = UNTHROTTLED
) -> Iterator[Visit]:
    """One of the applications in processes of its own; makes visitors to it, with the cookies given."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    environment |= {**throttles} | {
        "BACKOFFICE_DATABASE_URL": runtime.database.address,
        "BACKOFFICE_KEYRING_FILE": str(runtime.settings.keyring),
        "BACKOFFICE_BASE_URL": f"http://127.0.0.1:{port}",
    }
    line = [sys.executable, "-m", "tests.bench.grid_apps", kind, str(port), str(workers)]
    visitors: list[Visitor] = []

    def visit(**cookies: str) -> Visitor:
        visitors.append(Visitor(port, cookies))
        return visitors[-1]

    started = subprocess.Popen(line, env=environment, cwd=Path(__file__).parents[2])
    try:
        for _ in range(200):
            try:
                visit().ask("/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                break
        yield visit
    finally:
        for each in visitors:
            each.close()
        started.terminate()
        started.wait(20)


def timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def seen(visitor: Visitor, path: str, rows: int, fields: dict[str, str] | None = None) -> None:
    """Ask for a page once, and be sure that it shows what it should."""
    status, body, _ = visitor.ask(path, fields)
    assert status == 200, (path, status)
    assert body.count("<tr") >= rows, (path, body.count("<tr"))


def in_turns(pages: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each, all of them in each round."""
    for ask in pages.values():
        for _ in range(5):
            ask()
    return {
        name: [each[name] for each in rounds]
        for rounds in [[{n: timed(a) for n, a in pages.items()} for _ in range(ROUNDS)]]
        for name in pages
    }


def told(title: str, times: dict[str, list[float]], floor: str = "bare") -> str:
    cells = [
        f"{name} {statistics.median(each):.1f} ms"
        + (
            ""
            if name == floor
            else f" ({statistics.median(a / b for a, b in zip(each, times[floor], strict=True)):.1f}x)"
        )
        for name, each in times.items()
    ]
    return f"{title:32} " + "; ".join(cells)


def test_pages_of_the_grid(runtime: Runtime, world: World, crowd: Crowd) -> None:
    """First page, a deep one, a class, a name: for whoever sees all, and for a school's leader."""
    with transaction(SYSTEM) as tx:
        deep = min(DEEP * PAGE, ROWS) - 2 * PAGE
        ordered = select(Student.public_id).order_by(Student.school_id, Student.id)
        after = tx.scalar(ordered.offset(deep).limit(1))
    lines = [f"{ROWS:,} students; rounds in turns: {ROUNDS}; median, and of the rounds' ratios to bare"]
    with (
        serving(runtime, "bare") as bare,
        serving(runtime, "stock") as stock,
        serving(runtime, "ours") as ours,
    ):
        floor, base = bare(), stock()
        district = ours(account=world.token("leader"))
        leader = ours(account=world.token("outsider"))
        school = crowd.school_id
        listing = "/console/students/"
        page = deep // PAGE
        for title, bare_path, stock_path, visitor, path, rows in (
            ("first page, district", "/", "/students/", district, listing, PAGE),
            (f"page {page:,}, district", f"/?after={after}", f"/students/?page={page}", district,
             f"{listing}?after={after}", PAGE),
            ("one class", f"/?classroom={crowd.classroom}", None, leader,
             f"{listing}?classroom={crowd.classroom}", 25),
            ("first page, school of 1,000", f"/?school={school}", None, leader, listing, PAGE),
        ):  # fmt: skip
            seen(floor, bare_path, rows)
            seen(visitor, path, rows)
            pages: dict[str, Callable[[], object]] = {
                "bare": lambda at=bare_path: floor.ask(at),  # type: ignore[misc]
                "ours": lambda who=visitor, at=path: who.ask(at),  # type: ignore[misc]
            }
            if stock_path:
                seen(base, stock_path, rows)
                pages["stock"] = lambda at=stock_path: base.ask(at)  # type: ignore[misc]
            lines.append(told(title, in_turns(pages)))
        token = form_token(leader.ask(listing)[1])
        found = {"csrf_token": token, "q": crowd.given}
        seen(floor, f"/?q={crowd.given}&school={school}", 1)
        seen(leader, f"{listing}search", 1, found)
        pages = {
            "bare": lambda: floor.ask(f"/?q={crowd.given}&school={school}"),
            "ours": lambda: leader.ask(f"{listing}search", found),
            "stock": lambda: base.ask(f"/students/?search={crowd.given}"),
        }
        lines.append(told("a name, in a school of 1,000", in_turns(pages)))
    print("\n" + "\n".join(lines))
    assert OF_A_SCHOOL >= PAGE


def test_what_isolation_and_seals_cost(runtime: Runtime, world: World, crowd: Crowd) -> None:
    """The same pages of ours, and of ours laid open."""
    listing = "/console/students/"
    lines = [f"{ROWS:,} students; with isolation and seals, and without"]
    with serving(runtime, "ours") as ours, serving(runtime, "open") as laid_open:
        for title, who, path in (
            ("first page, district", "leader", listing),
            ("one class", "outsider", f"{listing}?classroom={crowd.classroom}"),
        ):
            theirs, open_to_all = ours(account=world.token(who)), laid_open(account=world.token(who))
            for each in (theirs, open_to_all):
                seen(each, path, 25)
            pages: dict[str, Callable[[], object]] = {
                "open": lambda by=open_to_all, at=path: by.ask(at),  # type: ignore[misc]
                "ours": lambda by=theirs, at=path: by.ask(at),  # type: ignore[misc]
            }
            times = in_turns(pages)
            share = statistics.median(1 - a / b for a, b in zip(times["open"], times["ours"], strict=True))
            lines.append(f"{told(title, times, floor='open')}: {share:.0%} of the request")
    print("\n" + "\n".join(lines))


def at_once(ports: list[Visitor], path: str, seconds: float) -> tuple[float, list[float]]:
    """Pages a second of so many visitors at once, and what each page took."""
    took: list[list[float]] = [[] for _ in ports]
    end = time.perf_counter() + seconds

    def go(at: int) -> None:
        while time.perf_counter() < end:
            took[at].append(timed(lambda: ports[at].ask(path)))

    threads = [threading.Thread(target=go, args=(at,)) for at in range(len(ports))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    flat = sorted(value for each in took for value in each)
    return len(flat) / seconds, flat


@pytest.mark.parametrize("readers", [8, 50])
def test_many_readers_at_once(runtime: Runtime, world: World, crowd: Crowd, readers: int) -> None:
    """Two workers each; the same first page by everybody."""
    del crowd
    lines = [f"{readers} readers at once, two workers, first page of {ROWS:,}"]
    rates = {}
    for kind, path in (("bare", "/"), ("ours", "/console/students/"), ("stock", "/students/")):
        with serving(runtime, kind, workers=2) as visit:
            token = world.token("leader")
            visitors = [visit(account=token) for _ in range(readers)]
            for each in visitors:
                seen(each, path, PAGE)
            rates[kind], took = at_once(visitors, path, 6)
            lines.append(
                f"{kind:6} {rates[kind]:7.1f} pages a second, median {statistics.median(took):.0f} ms,"
                f" 95 % within {took[int(len(took) * 0.95)]:.0f} ms ({rates['bare'] / rates[kind]:.1f}x)"
            )
    print("\n" + "\n".join(lines))


def test_a_child_signs_in(runtime: Runtime, world: World, crowd: Crowd) -> None:
    """Code, name, own page: without a PIN, with throttles counting."""
    del world

    def ours(visit: Visit) -> Callable[[], None]:
        def run() -> None:
            child = visit()
            token = form_token(child.ask("/join")[1])
            begun.append(time.perf_counter())
            fields = {"csrf_token": token, "code": crowd.code}
            assert child.ask("/join", fields)[0] == 303
            status, body, _ = child.ask("/join")
            assert (status, crowd.student in body) == (200, True)
            fields["csrf_token"] = form_token(body)
            assert child.ask("/join", fields | {"student": crowd.student})[0] == 303
            assert child.ask("/student")[0] == 200
            ended.append(time.perf_counter())

        return run

    begun: list[float] = []
    ended: list[float] = []
    floors: list[float] = []
    with serving(runtime, "bare") as bare, serving(runtime, "ours") as visit:
        run = ours(visit)

        def floor() -> None:
            child = bare()
            asked = urlencode({"code": crowd.code})
            started = time.perf_counter()
            assert crowd.student in child.ask(f"/names?{asked}")[1]
            token = child.ask(f"/begin?{asked}&student={crowd.student}")[1]
            assert "<h1>" in child.ask(f"/own?token={token}")[1]
            floors.append((time.perf_counter() - started) * 1000)

        for _ in range(300):
            floor()
            run()
    took = sorted((b - a) * 1000 for a, b in zip(begun, ended, strict=True))
    floors.sort()
    p99, floor99 = took[int(len(took) * 0.99)], floors[int(len(floors) * 0.99)]
    print(
        f"\na child from code to own page, {len(took)} times: median {statistics.median(took):.1f} ms,"
        f" p99 {p99:.1f} ms; bare {statistics.median(floors):.1f} ms, p99 {floor99:.1f} ms"
        f" (p99 {p99 / floor99:.1f}x, median {statistics.median(took) / statistics.median(floors):.1f}x)"
    )
