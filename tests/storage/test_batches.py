"""Many rows come as columns, in order, with their seals open; whoever has enough leaves in the middle."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Integer, Select, cast, func, insert, literal, select
from sqlalchemy.exc import DataError, InternalError

from backoffice.access.transaction import snapshot, transaction
from backoffice.schools.models import PointEntry
from backoffice.storage.batches import BATCH, batches
from backoffice.storage.prepared import PREPARED, after
from tests.factories.world import SYSTEM, World

MANY = 2 * BATCH + 1


@pytest.fixture(scope="module")
def _points(world: World) -> None:
    """More points than two batches hold, with a comment each and a school of their own."""
    child = world.own_class.children[1]
    with transaction(SYSTEM) as tx:
        one = tx.scalars(select(PointEntry).where(PointEntry.student_id == child.id).limit(1)).one()
        same = {name: getattr(one, name) for name in ("school_id", "classroom_id", "action_id", "awarded_at")}
        rows = [
            {**same, "student_id": child.id, "value": 1, "comment": f"Praise {n}" if n % 2 else None}
            for n in range(MANY)
        ]
        tx.execute(insert(PointEntry), rows)


@pytest.mark.usefixtures("_points")
def test_they_are_those_of_the_statement_in_its_order() -> None:
    asked = select(PointEntry.id, PointEntry.comment, PointEntry.awarded_at).order_by(PointEntry.id)
    with snapshot(SYSTEM) as tx:
        found = [*batches(tx.connection(), asked)]
        wanted = tx.execute(asked).all()
    assert [row for columns in found for row in zip(*columns, strict=True)] == [tuple(row) for row in wanted]
    assert {"Praise 1", None} <= {*found[-2][1], *found[-1][1]} | {*found[0][1]}
    sizes = [len(columns[0]) for columns in found]
    assert len(sizes) > 2
    assert {*sizes[:-1]} == {BATCH}


def _more_than_fits() -> Select[tuple[int]]:
    """More rows than lie between the database and whoever reads: it has not sent all when the first comes."""
    return select(func.generate_series(1, 1_000_000).label("number"))


def test_what_a_plugin_reads_in_pieces_is_read_so_in_an_erasure_as_well() -> None:
    """All of its statements are prepared, and what is read in pieces cannot be."""
    numbers = select(func.generate_series(1, 3 * BATCH).label("number"))
    with transaction(SYSTEM) as tx:
        connection = tx.connection(execution_options=PREPARED)
        assert sum(len(found[0]) for found in batches(connection, numbers)) == 3 * BATCH
        for asked in (
            numbers,
            numbers.execution_options(**after("select set_config('application_name', 'pieces', true)")),
        ):
            pieces = tx.execute(asked.execution_options(yield_per=BATCH)).partitions()
            assert [len(piece) for piece in pieces] == [BATCH] * 3
        assert tx.scalar(select(func.current_setting("application_name"))) == "pieces"


def test_of_no_rows_there_is_no_batch() -> None:
    with snapshot(SYSTEM) as tx:
        assert [*batches(tx.connection(), select(PointEntry.id).where(PointEntry.id < 0))] == []


@pytest.mark.usefixtures("_points")
def test_at_the_end_something_else_can_be_asked() -> None:
    with snapshot(SYSTEM) as tx:
        assert sum(len(found[0]) for found in batches(tx.connection(), select(PointEntry.id))) > MANY
        assert [*batches(tx.connection(), select(literal(1)))] == [[(1,)]]
        assert tx.scalars(select(func.count(PointEntry.id))).one() > MANY


@pytest.mark.usefixtures("_points")
def test_whoever_has_enough_breaks_it_off_and_the_connection_serves_on() -> None:
    with snapshot(SYSTEM) as tx:
        with closing(batches(tx.connection(), _more_than_fits())) as found:
            assert len(next(found)[0]) == BATCH
        with pytest.raises(InternalError, match="aborted"):
            tx.scalars(select(literal(1)))
        driver: Any = tx.connection().connection.driver_connection
        process = driver.info.backend_pid
        tx.rollback()
    with snapshot(SYSTEM) as tx:
        assert tx.scalars(select(func.pg_backend_pid())).one() == process


def test_what_goes_wrong_is_told_as_everywhere(world: World) -> None:
    def divided() -> Iterator[Any]:
        with snapshot(SYSTEM) as tx:
            yield from batches(tx.connection(), select(1 / cast(func.floor(func.random()), Integer)))

    with pytest.raises(DataError, match="division by zero"):
        list(divided())


def test_what_goes_wrong_after_the_first_of_them_is_told_too_and_the_connection_serves_on() -> None:
    number = func.generate_series(1, MANY).column_valued("number")
    with snapshot(SYSTEM) as tx:
        driver: Any = tx.connection().connection.driver_connection
        process = driver.info.backend_pid
        found = batches(tx.connection(), select(literal(1) / (cast(number, Integer) - MANY + 1)))
        assert len(next(found)[0]) == BATCH
        with pytest.raises(DataError, match="division by zero"):
            list(found)
        tx.rollback()
    with snapshot(SYSTEM) as tx:
        assert tx.scalars(select(func.pg_backend_pid())).one() == process


def test_the_last_may_be_as_many_as_the_others() -> None:
    numbers = select(func.generate_series(1, 2 * BATCH).label("number"))
    with snapshot(SYSTEM) as tx:
        assert [len(found[0]) for found in batches(tx.connection(), numbers)] == [BATCH, BATCH]
        assert tx.scalars(select(literal(1))).one() == 1
