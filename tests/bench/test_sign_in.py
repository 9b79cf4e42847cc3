"""Whether the time of an answer tells that an address has an account: 200 that have one, 200 that have none.

Each is tried once, with a wrong password, over HTTP against a server in a process of its own, in turns whose
order is drawn anew each round; so whatever else the machine does falls on all of them.
"""

import random
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services import people
from backoffice.runtime import Runtime
from tests.bench.serving import Visitor, serving, timed
from tests.factories.visitor import form_token
from tests.factories.world import COST, PASSWORD, SYSTEM, World, _second_factor

EACH = 200
WITHIN = 0.05
KNOWN, FACTOR, UNKNOWN = "known", "known, second factor", "unknown"
WARM = 5


@dataclass(frozen=True)
class Served:
    """A running server, and a browser that has its form's token."""

    visitor: Visitor
    token: str

    def post(self, path: str, **fields: str) -> tuple[int, str, str | None]:
        """Send a form."""
        return self.visitor.ask(path, {"csrf_token": self.token, **fields})


@pytest.fixture(scope="module")
def addresses(world: World) -> Mapping[str, list[str]]:
    """The addresses of each kind, one like the other to look at."""
    del world
    found: dict[str, list[str]] = {KNOWN: [], FACTOR: [], UNKNOWN: []}
    for number in range(EACH + WARM):
        for kind, letter in ((KNOWN, "k"), (FACTOR, "f"), (UNKNOWN, "u")):
            email = f"{letter}{number:04}@people.example"
            found[kind].append(email)
            if kind is UNKNOWN:
                continue
            public_id = people.create_account(
                principal=SYSTEM, email=email, name="Tim Timing", password=PASSWORD, cost=COST
            )
            if kind is FACTOR:
                with transaction(SYSTEM) as tx:
                    account = tx.scalars(select(Account.id).where(Account.public_id == public_id)).one()
                    _second_factor(tx, account)
    return found


@pytest.fixture
def served(runtime: Runtime, world: World) -> Iterator[Served]:
    del world
    with serving(runtime, "ours") as visit:
        visitor = visit()
        yield Served(visitor, form_token(visitor.ask("/sign-in")[1]))


def in_turns(
    addresses: Mapping[str, list[str]], try_it: Callable[[str], object]
) -> Mapping[str, list[float]]:
    """Milliseconds by kind of address, each address once; the first few warm the server up."""
    times: dict[str, list[float]] = {kind: [] for kind in addresses}
    draw = random.Random(5)
    for number in range(EACH + WARM):
        for kind in draw.sample(list(addresses), len(addresses)):
            took = timed(lambda at=addresses[kind][number]: try_it(at))  # type: ignore[misc]
            if number >= WARM:
                times[kind].append(took)
    return times


def told(title: str, times: Mapping[str, list[float]]) -> None:
    """A line for each kind: median, 95 % within, and the ratio of its median to that of no account."""
    floor = statistics.median(times[UNKNOWN])
    print(f"\n{title}: {EACH} addresses of each kind, one try each, in turns")
    for kind, took in times.items():
        median, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
        ratio = median / floor
        within = (
            "" if kind is UNKNOWN else f", within {WITHIN:.0%}: {'yes' if abs(ratio - 1) <= WITHIN else 'NO'}"
        )
        print(f"  {kind:22} median {median:6.2f} ms, 95 % within {p95:6.2f} ms, ratio {ratio:.3f}{within}")


def test_a_wrong_password(served: Served, addresses: Mapping[str, list[str]]) -> None:
    pages = set()

    def try_it(email: str) -> None:
        status, page, _ = served.post("/sign-in", email=email, password="not the password of anybody")
        pages.add((status, "do not match" in page))

    told("a wrong password", in_turns(addresses, try_it))
    assert pages == {(422, True)}


def test_a_forgotten_password(served: Served, addresses: Mapping[str, list[str]]) -> None:
    answers = set()

    def try_it(email: str) -> None:
        answers.add(served.post("/reset", email=email)[::2])

    both = {kind: addresses[kind] for kind in (KNOWN, UNKNOWN)}
    told("a forgotten password", in_turns(both, try_it))
    assert len(answers) == 1
    assert next(iter(answers))[0] in {200, 303}
