"""What a sealed column holds in the database, and what Python sees of it."""

import json
from typing import Any

import pytest
from sqlalchemy import Column, insert, select, text

from backoffice import clock, registry
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditDetail
from backoffice.audit.trail import record
from backoffice.schools.models import Student
from backoffice.storage import keyring
from backoffice.storage.base import Base
from backoffice.storage.keyring import KeyringError
from backoffice.storage.sealed import Sealed
from tests.factories.world import SYSTEM, World

assert registry.__name__
SEALED = [
    column
    for table in Base.metadata.tables.values()
    for column in table.columns
    if isinstance(column.type, Sealed)
]


def bare(column: str, student: int) -> Any:
    """What the database itself holds."""
    with transaction(SYSTEM) as tx:
        return tx.scalar(text(f"select {column} from app.student where id = :id"), {"id": student})


def test_a_sealed_column_is_ciphertext_in_the_database(world: World) -> None:
    child = world.own_class.children[0]
    sealed = bare("given_name", child.id)
    assert keyring.current().open(sealed, context="student.given_name").decode() == child.given


def test_a_sealed_column_is_bytes_in_the_database(world: World) -> None:
    child = world.own_class.children[0]
    assert bare("pg_typeof(given_name)::text", child.id) == "bytea"


def test_a_sealed_column_is_text_in_python(world: World) -> None:
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        given = tx.scalar(select(Student.given_name).where(Student.id == child.id))
    assert given == child.given


@pytest.mark.parametrize("column", SEALED, ids=str)
def test_a_seal_belongs_to_its_table_and_column(column: Column[Any]) -> None:
    assert isinstance(column.type, Sealed)
    assert column.type.context == f"{column.table.name}.{column.name}"


def test_a_value_copied_to_another_column_does_not_read(world: World) -> None:
    child = world.own_class.children[1]
    tx_copy = text("update app.student set family_name = given_name where id = :id")
    with pytest.raises(KeyringError), transaction(SYSTEM) as tx:
        tx.execute(tx_copy, {"id": child.id})
        tx.scalar(select(Student.family_name).where(Student.id == child.id))


def test_nothing_stays_nothing(world: World) -> None:
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Student)
        tx.execute(
            insert(Student).values(
                id=number,
                school_id=world.home.id,
                given_name="Plato",
                family_name=None,
                name_tokens=[],
                created_at=clock.now(),
            )
        )
    assert bare("family_name", number) is None


@pytest.mark.parametrize("name", ["", "O'Brien; drop table", "王小明", "👩‍🏫", "a" * 10_000])
def test_any_text_comes_back_as_it_was(world: World, name: str) -> None:
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        row = tx.execute(select(Student).where(Student.id == child.id)).scalar_one()
        row.family_name = name
        tx.flush()
        tx.expire(row)
        assert row.family_name == name
        tx.rollback()


def test_a_document_is_sealed_whole(world: World) -> None:
    with transaction(SYSTEM) as tx:
        record(tx, "test.document", school_id=world.home.id, student=41, words=["b", "a"])
        newest = select(AuditDetail).order_by(AuditDetail.entry_id.desc()).limit(1)
        read = tx.execute(newest).scalar_one().detail
        sealed = tx.scalar(text("select detail from app.audit_detail order by entry_id desc limit 1"))
    opened = json.loads(keyring.current().open(sealed, context="audit_detail.detail"))
    assert read == opened == {"actor": {"purpose": "test"}, "student": 41, "words": ["b", "a"]}


def test_no_sealed_column_is_sampled(world: World) -> None:
    sampled = text("""
        select c.relname || '.' || a.attname from pg_attribute a
          join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
         where c.relnamespace = 'app'::regnamespace and a.attnum > 0 and not a.attisdropped
           and a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype) and a.attstattarget is distinct from 0""")
    with transaction(SYSTEM) as tx:
        assert tx.scalars(sampled).all() == []
