"""Statements that are prepared: those that are marked, once a connection, and planned once."""

from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, column, event, make_url, select, text
from sqlalchemy.exc import DBAPIError

from backoffice.access.transaction import transaction
from backoffice.privacy.erasure.reach import reach_of, said
from backoffice.runtime import Runtime
from backoffice.schools import queries
from backoffice.schools.models import Student
from backoffice.storage.database import Database, PatientConnection
from backoffice.storage.numbers import ManyNumbers, array_of, one_of
from backoffice.storage.prepared import PREPARED, SAID_BY_INDEX_ALONE, after
from backoffice.storage.roles import DatabaseRole
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World

MARKED = text("select cast(:value as bigint) + 1").execution_options(**PREPARED)
PLAIN = text("select cast(:value as bigint) + 2")
KNOWN = text("select statement, generic_plans, custom_plans from pg_prepared_statements")


def prepared(connection: Connection) -> list[str]:
    return [row.statement for row in connection.execute(KNOWN)]


def test_what_is_marked_is_prepared_once(runtime: Runtime) -> None:
    database = Database(runtime.database.address)
    for role in (DatabaseRole.APP, DatabaseRole.SYSTEM):
        with database.engine(role).connect() as connection:
            for value in range(20):
                assert connection.scalar(MARKED, {"value": value}) == value + 1
                assert connection.scalar(PLAIN, {"value": value}) == value + 2
            assert [each.count("+ 1") for each in prepared(connection)] == [1]
            connection.rollback()
            assert connection.scalar(MARKED, {"value": 1}) == 2
    database.dispose()


def test_what_erasing_asks_of_all_tables_is_planned_once(runtime: Runtime, world: World) -> None:
    tables = [table for each in runtime.metadatas for table in each.sorted_tables]
    known = {"school_id": frozenset({world.home.id}), "id": frozenset({2**40})}
    students: Any = Student.__table__
    reach = reach_of(students, known, tables)
    with transaction(SYSTEM) as tx:
        for _ in range(2):
            assert not any(tx.execute(reach.there, said(known)).one())
        asked = [row.statement for row in tx.execute(KNOWN) if "app.point_entry" in row.statement]
    assert len(asked) == 1


def test_seats_are_planned_once_whoever_asks_for_whomever(runtime: Runtime, world: World) -> None:
    """And each sees the own all the same: the policies of the tables are asked anew each time."""
    seen: list[set[str]] = []
    plans: Any = None
    for turn in range(8):
        role = ("leader", "outsider")[turn % 2]
        with transaction(world.sign_in(role)) as tx:
            students = tx.scalars(select(Student)).all()
            found = queries.seats_of(tx, students)
            seen.append({seat.classroom for seats in found.values() for seat in seats})
            plans = tx.execute(KNOWN).all()
    assert seen[0]
    assert seen[1]
    assert seen == [seen[0], seen[1]] * 4
    assert seen[0].isdisjoint(seen[1])
    assert any("enrollment" in row.statement for row in plans)


UNDER = text("select cast(:value as bigint) + 3, current_setting('enable_sort')").execution_options(
    **SAID_BY_INDEX_ALONE
)


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "by a pooler"])
def test_how_it_is_read_is_said_as_it_is_sent(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, direct: bool
) -> None:
    """And of this transaction alone; in one trip, and prepared if it is to be, where no pooler is between."""
    trips: list[int] = []
    together = psycopg.Connection.pipeline

    def noted(connection: Any) -> Any:
        trips.append(1)
        return together(connection)

    monkeypatch.setattr(psycopg.Connection, "pipeline", noted)
    database = Database(runtime.database.address)
    with database.engine(DatabaseRole.APP).connect() as connection:
        if not direct:
            driver: Any = connection.connection.driver_connection
            driver.prepare_threshold = None
        for value in range(8):
            for asked in (UNDER, UNDER.execution_options(**PREPARED)):
                assert connection.execute(asked, {"value": value}).one() == (value + 3, "off")
                connection.commit()
                assert connection.scalar(text("select current_setting('enable_sort')")) == "on"
        assert len(trips) == (16 if direct else 0)
        assert sum("+ 3" in each for each in prepared(connection)) == direct
        with pytest.raises(DBAPIError):
            connection.execute(UNDER, {"value": 2**63 - 1})
        connection.rollback()
        assert connection.execute(UNDER, {"value": 4}).one() == (7, "off")
    database.dispose()


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "by a pooler"])
def test_what_is_said_behind_a_statement_holds_from_then_on(runtime: Runtime, direct: bool) -> None:
    off, on = (f"select set_config('enable_seqscan', '{value}', true)" for value in ("off", "on"))
    asked = text("select current_setting('enable_seqscan'), 4 / cast(:value as integer)")
    database = Database(runtime.database.address)
    with database.engine(DatabaseRole.SYSTEM).connect() as connection:
        if not direct:
            driver: Any = connection.connection.driver_connection
            driver.prepare_threshold = None
        for options in ({}, PREPARED):
            between = asked.execution_options(**options, **after(off, on))
            assert connection.execute(between, {"value": 2}).one() == ("off", 2)
            assert connection.execute(asked, {"value": 2}).one() == ("on", 2)
            with pytest.raises(DBAPIError):
                connection.execute(between, {"value": 0})
            connection.rollback()
            assert connection.execute(between, {"value": 1}).one() == ("off", 4)
            connection.rollback()
    database.dispose()


def test_many_numbers_are_read_and_the_same_set_while_they_are(runtime: Runtime) -> None:
    asked = text("select cast(:them as bigint[])::text as them").columns(column("them", ManyNumbers()))
    database = Database(runtime.database.address)
    with database.engine(DatabaseRole.APP).connect() as connection:
        read = [connection.scalar(asked, {"them": them}) for them in ([3, 1, 2**40], [3, 1, 2**40], [], None)]
    database.dispose()
    assert read == [{1, 3, 2**40}, {1, 3, 2**40}, set(), None]
    assert read[0] is read[1]


def test_numbers_that_are_not_looked_at_are_the_same_numbers(runtime: Runtime, world: World) -> None:
    with transaction(world.sign_in("leader")) as tx:
        every = set(tx.scalars(select(Student.id)))
        some = set(sorted(every)[:3])
        assert len(some) == 3
        for wanted in (some, every, {min(every)}, set()):
            asked = select(Student.id).where(one_of(Student.id, wanted, planned_once=True))
            assert set(tx.scalars(asked)) == wanted
        assert tx.scalar(select(array_of({3, 1, 2}, planned_once=True))) == [1, 2, 3]


def test_a_connection_that_has_just_answered_is_not_asked(runtime: Runtime, app: Flask, world: World) -> None:
    engine = runtime.database.engine(DatabaseRole.APP)
    asked: list[int] = []
    ask = engine.dialect.do_ping
    client = signed_in(app, world, "teacher")
    assert client.get("/console/").status_code == 200

    def noted(connection: Any) -> bool:
        asked.append(connection.info.backend_pid)
        return ask(connection)

    engine.dialect.do_ping = noted  # type: ignore[method-assign,assignment]
    rested: list[Any] = []
    event.listen(engine, "checkin", lambda connection, _record: rested.append(connection))
    try:
        for _ in range(3):
            assert client.get("/console/").status_code == 200
        assert asked == []
        # Somebody rests longer.
        last = rested[-1]
        assert isinstance(last, PatientConnection)
        last.rests_since -= 60
        assert client.get("/console/").status_code == 200
        assert asked == [last.info.backend_pid]
    finally:
        engine.dialect.do_ping = ask  # type: ignore[method-assign]


def test_one_that_the_server_has_closed_is_replaced_at_once(
    runtime: Runtime, app: Flask, world: World
) -> None:
    """Be it a moment after it answered."""
    client = signed_in(app, world, "teacher")
    assert client.get("/console/").status_code == 200
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as superuser:
        ended = superuser.execute(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
            " where usename = 'backoffice_app' and datname = current_database()"
        ).fetchone()
    assert ended
    assert ended[0]
    assert client.get("/console/").status_code == 200
