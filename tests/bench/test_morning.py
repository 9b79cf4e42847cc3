"""A school's morning: 1,500 children come in within one minute, each from code to own page.

They arrive at even distances whether or not those before them are through, all behind one address, on devices
that nobody has seen before, with the throttles as they ship.
"""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from backoffice.runtime import Runtime
from tests.bench.kept import kept
from tests.bench.serving import Visit, serving, superuser
from tests.bench.test_grid import crowd, runtime
from tests.contract.pages import form_token
from tests.factories.crowd import Crowd

__all__ = ["crowd", "kept", "runtime"]
A_MINUTE = 60.0
AT_ONCE = 120
WORKERS = 2


class Morning:
    """What was asked and answered."""

    def __init__(self) -> None:
        self.requests: dict[str, list[float]] = {"code": [], "names": [], "name": [], "own page": []}
        self.whole: list[float] = []
        self.failures: Counter[str] = Counter()
        self._alone = threading.Lock()

    def note(self, step: str, milliseconds: float) -> None:
        """One answer and how long it took."""
        with self._alone:
            self.requests[step].append(milliseconds)

    def told(self, title: str, seconds: float) -> str:
        """A line for each step, and what went wrong."""
        lines = [
            f"{title}: {len(self.whole):,} in within {seconds:.1f} s; failures {dict(self.failures) or 0}"
        ]
        for step, took in [*self.requests.items(), ("code to own page", self.whole)]:
            took.sort()
            at99 = took[int(len(took) * 0.99)]
            lines.append(
                f"  {step:17} median {statistics.median(took):7.1f} ms, p99 {at99:7.1f}, {took[-1]:7.1f}"
            )
        return "\n".join(lines)


def comes_in(visit: Visit, code: str, student: str, morning: Morning) -> None:
    """One child, from the page of the code to the own page."""
    child, step = visit(), "code"
    try:
        fields = {"csrf_token": form_token(child.ask("/join")[1]), "code": code}
        began = time.perf_counter()

        def ask(path: str, sent: dict[str, str] | None, wanted: int) -> str:
            asked = time.perf_counter()
            status, body, _ = child.ask(path, sent)
            morning.note(step, (time.perf_counter() - asked) * 1000)
            assert status == wanted, f"{step}: {status}"
            return body

        ask("/join", fields, 303)
        step = "names"
        body = ask("/join", None, 200)
        step = "name"
        ask("/join", {**fields, "csrf_token": form_token(body), "student": student}, 303)
        step = "own page"
        ask("/student", None, 200)
        morning.whole.append((time.perf_counter() - began) * 1000)
    except (AssertionError, OSError) as failed:
        morning.failures[str(failed) if isinstance(failed, AssertionError) else step] += 1
    finally:
        child.close()


def at_even_distances(count: int, seconds: float) -> Iterator[int]:
    """Numbers from 0, each when its time has come."""
    begin = time.perf_counter()
    for number in range(count):
        time.sleep(max(begin + number * seconds / count - time.perf_counter(), 0))
        yield number


def test_a_school_comes_in_within_a_minute(runtime: Runtime, crowd: Crowd) -> None:
    morning = Morning()
    with superuser(runtime) as connection:
        # What a run of this hour has counted: all children come from the same address again.
        connection.execute("delete from app.throttle")
    with serving(runtime, "ours", workers=WORKERS, settings={}) as visit:
        comes_in(visit, *crowd.morning[0], Morning())
        began = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as children:
            for number in at_even_distances(len(crowd.morning), A_MINUTE):
                children.submit(comes_in, visit, *crowd.morning[number], morning)
        took = time.perf_counter() - began
    print("\n" + morning.told(f"{len(crowd.morning):,} children, {WORKERS} workers", took))
    assert not morning.failures
