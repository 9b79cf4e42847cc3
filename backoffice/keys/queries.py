"""What the database says about seals: which values lie under other keys, and who may still write some."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    MetaData,
    Table,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)

from backoffice.access.transaction import Transaction
from backoffice.storage import catalog
from backoffice.storage.lists import side_by_side
from backoffice.storage.roles import DatabaseRole
from backoffice.storage.sealed import Sealed, SealedBytes

# Rows of a batch: short transactions, and memory that does not grow with the table.
ROWS, ROWS_WITH_FILES = 1000, 8
SHORTEST_SEAL = 2 + 12 + 16


@dataclass(frozen=True)
class SealedTable:
    """A table with sealed columns."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """The primary key."""
        return tuple(self.table.primary_key.columns)

    @property
    def rows_at_once(self) -> int:
        """How many rows make a batch."""
        return ROWS_WITH_FILES if any(isinstance(c.type, SealedBytes) for c in self.columns) else ROWS


@dataclass(frozen=True)
class SealedRow:
    """A row as it is stored: its key, and its sealed values in the order of the columns."""

    key: tuple[Any, ...]
    values: tuple[bytes | None, ...]


def sealed_tables(metadatas: Iterable[MetaData]) -> list[SealedTable]:
    """Every mapped table with sealed columns."""
    found = [
        SealedTable(table, tuple(column for column in table.columns if isinstance(column.type, Sealed)))
        for metadata in metadatas
        for table in metadata.sorted_tables
    ]
    return [each for each in found if each.columns]


def prefix(number: int) -> bytes:
    """With what a value begins that the seal key of this number has sealed."""
    return number.to_bytes(2)


def take_rows(
    tx: Transaction, sealed: SealedTable, *, beside: int, after: tuple[Any, ...] | None
) -> list[SealedRow]:
    """The next rows with a value under another key than `beside`, locked for this transaction.

    Rows that somebody works on are passed over: waiting for them while holding others could make somebody's
    request fail of a deadlock.
    """
    statement = (
        select(*sealed.key, *(type_coerce(column, LargeBinary) for column in sealed.columns))
        .where(_under_another(sealed.columns, beside))
        .order_by(*sealed.key)
        .limit(sealed.rows_at_once)
        .with_for_update(skip_locked=True, key_share=True)
    )
    if after is not None:
        place = tuple_(
            *(literal(value, column.type) for value, column in zip(after, sealed.key, strict=True))
        )
        statement = statement.where(tuple_(*sealed.key) > place)
    width = len(sealed.key)
    return [
        SealedRow(tuple(row[:width]), tuple(None if each is None else bytes(each) for each in row[width:]))
        for row in tx.execute(statement)
    ]


def put_rows(tx: Transaction, sealed: SealedTable, rows: Sequence[SealedRow]) -> None:
    """Write the values of rows that this transaction holds locked, in one statement."""
    names = [f"k{n}" for n in range(len(sealed.key))] + [f"v{n}" for n in range(len(sealed.columns))]
    types = [column.type for column in sealed.key] + [LargeBinary()] * len(sealed.columns)
    lists = zip(*((*row.key, *row.values) for row in rows), strict=True)
    named = zip(names, zip(types, lists, strict=True), strict=True)
    new = side_by_side("new", dict(named))
    tx.execute(
        update(sealed.table)
        .values({column: new.c[f"v{n}"] for n, column in enumerate(sealed.columns)})
        .where(*(column == new.c[f"k{n}"] for n, column in enumerate(sealed.key)))
    )


def rows_under_another(tx: Transaction, sealed: SealedTable, *, beside: int) -> int:
    """How many rows have a value under another key than `beside`."""
    statement = select(func.count()).select_from(sealed.table).where(_under_another(sealed.columns, beside))
    return tx.scalar(statement) or 0


def unmapped_with_seals(
    tx: Transaction, metadatas: Iterable[MetaData], *, numbers: Sequence[int]
) -> list[str]:
    """Columns of no installed plugin that hold, or may hold, values under one of these keys."""
    mapped = {(str(t), c.name) for metadata in metadatas for t in metadata.sorted_tables for c in t.columns}
    found = []
    for column in catalog.columns(tx.connection()):
        if column.type != "bytea" or (column.table, column.name) in mapped:
            continue
        schema, _, table = column.table.partition(".")
        bare = Table(table, MetaData(schema=schema), Column(column.name, LargeBinary))
        readable = tx.scalar(
            text("""
            select has_schema_privilege(:role, n.oid, 'usage')
                   and has_column_privilege(:role, c.oid, :column, 'select')
              from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = :schema and c.relname = :table
            """),
            {
                "role": DatabaseRole.SYSTEM.value,
                "schema": schema,
                "table": table,
                "column": column.name,
            },
        )
        value = bare.c[column.name]
        like_seals = select(value).where(
            func.length(value) >= SHORTEST_SEAL,
            func.substr(value, 1, 2).in_([prefix(number) for number in numbers]),
        )
        if not readable or tx.execute(like_seals.limit(1)).first() is not None:
            found.append(f"{column.table}.{column.name}")
    return found


def transaction_number(tx: Transaction) -> int:
    """A number higher than that of every transaction that has written until now."""
    return int(tx.scalar(text("select pg_current_xact_id()::text::bigint")))


def all_ended_before(tx: Transaction, number: int) -> bool:
    """Whether every transaction that began to write before the one of this number is over."""
    oldest = text("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return int(tx.scalar(oldest)) > number


def _under_another(columns: Iterable[Column[Any]], number: int) -> ColumnElement[bool]:
    known = literal(prefix(number), LargeBinary)
    return or_(*(func.substr(type_coerce(column, LargeBinary), 1, 2) != known for column in columns))
