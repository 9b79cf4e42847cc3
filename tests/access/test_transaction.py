"""A transaction runs as somebody, checked anew each time it begins."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, event, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from backoffice import clock
from backoffice.access.policy import rules
from backoffice.access.principal import Nobody, Principal, Purpose, SessionEnded
from backoffice.access.transaction import Transaction, snapshot, transaction
from backoffice.accounts.models import AccountSession
from backoffice.privacy.retention.models import RetentionRun
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Student
from backoffice.storage import database
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World, add_child

# What went by age is everybody's to read, and names nobody.
ENTITIES = tuple(entity for entity in rules() if entity is not RetentionRun)


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


@pytest.fixture
def entries(runtime: Runtime) -> Iterator[list[str]]:
    """Every time that somebody comes in as an account."""
    seen: list[str] = []
    engine = runtime.database.engine(DatabaseRole.APP)

    def note(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if "app.enter(" in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def several(who: Principal) -> Transaction:
    """A session of the database that holds one transaction after the other."""
    return Transaction(who.credential, bind=database.current().engine(who.database_role))


def end_session(who: Principal) -> None:
    with transaction(SYSTEM) as tx:
        row = update(AccountSession).where(AccountSession.id == who.session_id)
        tx.execute(row.values(ended_at=clock.now()))


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_without_a_principal_there_is_no_row(world: World, entity: type[DeclarativeBase]) -> None:
    with transaction(Nobody()) as tx:
        assert tx.scalars(select(entity)).all() == []


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_the_system_without_a_purpose_sees_no_row(world: World, entity: type[DeclarativeBase]) -> None:
    with transaction(Purpose("")) as tx:
        assert tx.scalars(select(entity)).all() == []


def test_a_principal_does_not_outlive_its_transaction(
    world: World, runtime: Runtime, teacher: Principal
) -> None:
    with transaction(teacher) as tx:
        assert tx.scalars(select(Student.id)).all() != []
        backend = tx.scalar(select(func.pg_backend_pid()))
    with runtime.database.engine(DatabaseRole.APP).connect() as connection:
        again = connection.scalar(select(func.pg_backend_pid()))
        rows = connection.execute(select(Student.id)).all()
    assert (again, rows) == (backend, [])


def test_a_transaction_of_an_ended_session_does_not_begin(world: World, teacher: Principal) -> None:
    end_session(teacher)
    with pytest.raises(SessionEnded), transaction(teacher) as tx:
        tx.scalars(select(Student.id)).all()


def test_a_session_ended_meanwhile_stops_the_next_transaction(world: World, teacher: Principal) -> None:
    with several(teacher) as tx:
        assert tx.scalars(select(Student.id)).all() != []
        tx.commit()
        end_session(teacher)
        with pytest.raises(SessionEnded):
            tx.scalars(select(Student.id)).all()


def test_the_principal_is_looked_at_anew_in_each_transaction(
    world: World, teacher: Principal, entries: list[str]
) -> None:
    with several(teacher) as tx:
        assert tx.principal.owned == {world.own_class.id}
        tx.commit()
        assert tx.scalars(select(Student.id)).all() != []
    assert len(entries) == 2


def test_a_savepoint_does_not_come_in_again(world: World, teacher: Principal, entries: list[str]) -> None:
    with transaction(teacher) as tx:
        for _ in range(3):
            with tx.begin_nested():
                assert tx.scalars(select(Student.id)).all() != []
    assert len(entries) == 1


def test_a_savepoint_that_is_undone_keeps_the_principal(world: World, teacher: Principal) -> None:
    with transaction(teacher) as tx:
        tx.begin_nested().rollback()
        assert tx.scalars(select(Classroom.id)).all() == [world.own_class.id]


def test_an_error_undoes_everything(world: World) -> None:
    rename = update(Classroom).where(Classroom.id == world.own_class.id).values(name="Never")
    with pytest.raises(ZeroDivisionError), transaction(SYSTEM) as tx:
        tx.execute(rename)
        1 / 0  # noqa: B018
    with transaction(SYSTEM) as tx:
        name = tx.scalar(select(Classroom.name).where(Classroom.id == world.own_class.id))
    assert name == world.own_class.name


def test_the_end_of_the_block_keeps_everything(world: World) -> None:
    where = Classroom.id == world.foreign_class.id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(where).values(name="Kept"))
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.name).where(where)) == "Kept"


def test_a_number_is_taken_once(world: World) -> None:
    with transaction(SYSTEM) as tx:
        assert len({tx.take_id(Student) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("who", "role"), [(Nobody(), "backoffice_app"), (Purpose("test"), "backoffice_system")]
)
def test_a_transaction_logs_in_as_its_kind(world: World, who: Nobody | Purpose, role: str) -> None:
    with transaction(who) as tx:
        assert tx.scalar(select(func.current_user())) == role


def test_a_snapshot_sees_one_moment_and_changes_nothing(world: World) -> None:
    count = select(func.count()).select_from(Student)
    with snapshot(SYSTEM) as tx:
        before = tx.scalar(count)
        with transaction(SYSTEM) as meanwhile:
            add_child(meanwhile, world.own_class, "Latecomer")
        assert tx.scalar(count) == before
        with pytest.raises(DBAPIError, match="read-only"):
            tx.execute(update(Classroom).values(name="Changed"))
        tx.rollback()
    with transaction(SYSTEM) as tx:
        assert tx.scalar(count) == (before or 0) + 1
        # Whoever borrows the connection next writes again.
        tx.execute(update(Classroom).values(name=Classroom.name))


def test_a_snapshot_is_of_its_principal(world: World, teacher: Principal) -> None:
    with snapshot(teacher) as tx:
        seen = set(tx.scalars(select(Classroom.id)))
    with transaction(teacher) as tx:
        assert set(tx.scalars(select(Classroom.id))) == seen
    assert world.foreign_class.id not in seen
