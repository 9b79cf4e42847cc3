"""What the walks stand on: whatever is written is told and put back, and nothing else is told."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from backoffice.runtime import Runtime
from tests.contract.snapshot import Snapshots, snapshots
from tests.factories.world import World

LETTER = "insert into app.account_letter (kind, account_id, created_at) select 'locked', id, now() from "
GONE = "with gone as (delete from app.account_letter returning account_id as id) "
WRITTEN: tuple[tuple[str, list[str]], ...] = (
    ("update app.classroom set name = name where id = {room}", []),
    ("update app.account_session set last_seen_at = now()", []),
    ("update app.classroom set shared_devices = not shared_devices where id = {room}", ["changed classroom"]),
    ("update app.account_session set proven_at = now()", ["changed account_session"]),
    ("delete from app.point_entry where classroom_id = {room}", ["removed point_entry"] * 2),
    (LETTER + "app.account where founder", ["added account_letter"]),
    # As many rows as before, and one of them another.
    (GONE + LETTER + "gone", ["added account_letter", "removed account_letter"]),
)


@pytest.fixture(scope="module")
def taken(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    world.token("teacher")
    with snapshots(runtime) as made:
        made.keep()
        yield made


@pytest.fixture
def connection(runtime: Runtime) -> Iterator[psycopg.Connection[Any]]:
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as made:
        made.execute("set session_replication_role = replica")
        yield made


@pytest.mark.parametrize(("statement", "expected"), WRITTEN, ids=range(len(WRITTEN)))
def test_what_is_written_is_told_and_put_back(
    taken: Snapshots, world: World, connection: psycopg.Connection[Any], statement: str, expected: list[str]
) -> None:
    for _ in range(2):
        assert connection.execute(statement.format(room=world.own_class.id).encode()).rowcount
        told = [f"{change.kind} {change.table.partition('.')[2]}" for change in taken.settle()]
        assert Counter(told) == Counter(expected)
        assert taken.settle() == taken.changes() == []


def test_what_is_rolled_back_was_never_there(taken: Snapshots, connection: psycopg.Connection[Any]) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("delete from app.classroom")
    assert taken.settle() == []


def test_what_was_kept_anew_is_the_state_to_return_to(
    taken: Snapshots, world: World, connection: psycopg.Connection
) -> None:
    toggled = f"update app.classroom set shared_devices = not shared_devices where id = {world.own_class.id}"
    connection.execute(toggled.encode())
    taken.keep()
    assert taken.changes() == []
    connection.execute(toggled.encode())
    assert len(taken.settle()) == 1
    assert taken.changes() == []
