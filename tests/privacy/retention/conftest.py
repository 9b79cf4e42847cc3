"""A clock that stands still, and sessions of any age."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import delete, insert, select

from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.privacy.retention import in_force, policy
from backoffice.runtime import Runtime
from tests.factories.retention import forget_policies, forget_runs, other_file
from tests.factories.world import SYSTEM, World

NOW = datetime(2027, 6, 15, 9, 30, tzinfo=UTC)
Sessions = Callable[..., list[int]]
Write = Callable[..., str]


@pytest.fixture
def now() -> Iterator[datetime]:
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def sessions(world: World) -> Iterator[Sessions]:
    """Makes sessions that were last used at these moments; their numbers."""
    made: list[int] = []

    def make(*moments: datetime, **values: object) -> list[int]:
        with transaction(SYSTEM) as tx:
            numbers = list(tx.take_ids(AccountSession, len(moments)))
            for number, moment in zip(numbers, moments, strict=True):
                row = {
                    "id": number,
                    "public_id": f"s{number:015d}",
                    "account_id": world.people["teacher"].id,
                    "token_digest": number.to_bytes(32, "big"),
                    "security_epoch": 1,
                    "started_at": moment,
                    "last_seen_at": moment,
                    "idle_minutes": 60,
                    "expires_at": moment,
                    "proven_at": moment,
                }
                tx.execute(insert(AccountSession).values(**row | values))
        made.extend(numbers)
        return numbers

    yield make
    with transaction(SYSTEM) as tx:
        tx.execute(delete(AccountSession).where(AccountSession.id.in_(made)))


@pytest.fixture
def left() -> Callable[[list[int]], list[int]]:
    """Which of these sessions are still there."""

    def those(numbers: list[int]) -> list[int]:
        with transaction(SYSTEM) as tx:
            there = select(AccountSession.id).where(AccountSession.id.in_(numbers))
            return sorted(tx.scalars(there))

    return those


@pytest.fixture(autouse=True)
def no_runs(runtime: Runtime) -> None:
    """Each test begins with nothing told."""
    forget_runs(runtime)


@pytest.fixture
def write(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Changes passages of the file, as this process finds it from then on; the SHA-256 of what it says.

    Nothing was decided or proposed before, and nothing is after.
    """
    forget_policies(runtime)
    load = policy.load

    def write(*changes: tuple[str, str]) -> str:
        monkeypatch.setattr(policy, "load", partial(load, other_file(tmp_path, *changes)))
        policy.on_disk.cache_clear()
        in_force.forget()
        return policy.on_disk().digest

    yield write
    monkeypatch.undo()
    policy.on_disk.cache_clear()
    forget_policies(runtime)
