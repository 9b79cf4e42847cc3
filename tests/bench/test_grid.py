"""What isolation and seals cost, how many readers are served at once, how long a child takes to come in."""

import statistics
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from backoffice.runtime import Runtime
from tests.bench.kept import ROWS, Kept, kept
from tests.bench.serving import Visit, Visitor, admin, seen, serving, timed
from tests.factories.crowd import Crowd
from tests.factories.visitor import form_token
from tests.factories.world import World

__all__ = ["kept"]
ROUNDS = 30
PAGE = 50


@pytest.fixture
def runtime(kept: Kept) -> Runtime:
    """Over the kept crowd."""
    return kept.runtime


@pytest.fixture
def world(kept: Kept) -> World:
    """The people of the kept crowd."""
    return kept.world


@pytest.fixture
def crowd(kept: Kept) -> Crowd:
    """Whom the kept database holds."""
    return kept.crowd


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


def test_what_isolation_and_seals_cost(runtime: Runtime, world: World, crowd: Crowd) -> None:
    """The same pages of ours, and of ours laid open."""
    listing = "/console/students/"
    lines = [f"{ROWS:,} students; with isolation and seals, and without"]
    with serving(runtime, "ours") as ours, serving(runtime, "open") as laid_open:
        for title, who, path in (
            ("first page, district", "leader", listing),
            ("one class", "school_leader", f"{listing}?classroom={crowd.classroom}"),
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
    for kind, path in (
        ("bare", "/"),
        ("ours", "/console/students/"),
        ("stock", "/students/"),
        ("django", "/admin/django_site/student/"),
    ):
        with serving(runtime, kind, workers=2) as visit:
            cookies = admin(visit).cookies if kind == "django" else {"account": world.token("leader")}
            visitors = [visit(**cookies) for _ in range(readers)]
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
