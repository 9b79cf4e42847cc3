"""Locks: wrong tries lead up a ladder of waits, whose time begins with the try that locks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.settings import Throttles
from backoffice.throttles import locks
from backoffice.throttles.locks import Lock
from backoffice.throttles.tries import Claim, take
from tests.factories.world import SYSTEM

pytestmark = pytest.mark.usefixtures("runtime")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lock() -> Lock:
    """The lock of a child whom nobody has tried, with the ladder that the product comes with."""
    return Lock("PIN by student", Throttles().pin_student, uuid4().hex)


@pytest.fixture(autouse=True)
def noon() -> Iterator[time_machine.Traveller]:
    """A clock that stands still."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def taken(lock: Lock, times: int) -> int:
    """How many of so many tries get through."""
    return [lock.take() for _ in range(times)].count(None)


def wait(lock: Lock) -> timedelta:
    until = lock.take()
    assert until is not None
    return until - clock.now()


def test_the_waits_are_one_five_and_fifteen_minutes_and_a_day(
    lock: Lock, noon: time_machine.Traveller
) -> None:
    waits = []
    for _ in range(4):
        assert taken(lock, 30) == 5
        waits.append(wait(lock))
        noon.shift(waits[-1])
    assert waits == [MINUTE, 5 * MINUTE, 15 * MINUTE, timedelta(days=1)]


def test_slow_guesses_are_locked_as_long(lock: Lock, noon: time_machine.Traveller) -> None:
    for _ in range(5):
        assert lock.take() is None
        noon.shift(timedelta(minutes=3))
    noon.shift(timedelta(minutes=-3) + timedelta(seconds=59))
    assert lock.take() is not None


def test_the_tries_of_a_day_are_forgotten_after_it(lock: Lock, noon: time_machine.Traveller) -> None:
    taken(lock, 4)
    noon.shift(timedelta(days=1))
    assert taken(lock, 30) == 5
    assert wait(lock) == MINUTE


def test_who_is_held_up_takes_nothing(lock: Lock, noon: time_machine.Traveller) -> None:
    taken(lock, 100)
    noon.shift(MINUTE)
    assert taken(lock, 4) == 4
    assert lock.take() is None


def test_of_many_at_once_no_more_get_through(lock: Lock) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _each: taken(lock, 4), range(8))) == 5


def test_what_is_forgotten_begins_anew(lock: Lock) -> None:
    taken(lock, 9)
    lock.forget()
    assert taken(lock, 30) == 5
    assert wait(lock) == MINUTE


def test_one_child_locks_nobody_else(lock: Lock) -> None:
    taken(lock, 9)
    assert Lock(lock.what, lock.ladder, uuid4().hex).take() is None


def test_what_holds_is_told_until_it_ends(lock: Lock, noon: time_machine.Traveller) -> None:
    free = Lock(lock.what, lock.ladder, uuid4().hex)
    taken(lock, 5)
    free.take()
    with transaction(SYSTEM) as tx:
        assert locks.held(tx, {1: lock, 2: free}) == {1: clock.now() + MINUTE}
    noon.shift(MINUTE)
    with transaction(SYSTEM) as tx:
        assert locks.held(tx, {1: lock, 2: free}) == {}


def test_a_claim_that_is_used_up_is_told_and_unlocked() -> None:
    claim = Claim("PIN by class", "2/10 minute;3/day", uuid4().hex)
    take(claim)
    with transaction(SYSTEM) as tx:
        assert locks.used_up(tx, [claim]) == {}
    take(claim)
    with transaction(SYSTEM) as tx:
        assert locks.used_up(tx, [claim]) == {claim: clock.now() + 10 * MINUTE}
        locks.unlock(tx, claims=[claim])
    take(claim)
    take(claim)
