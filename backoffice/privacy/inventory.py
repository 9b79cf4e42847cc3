"""The inventory of data: for every mapped column what it is for, what it holds and how long it stays."""

from collections.abc import Iterable

from sqlalchemy import Column, MetaData, Table

from backoffice.storage.columns import Class, Form, Held
from backoffice.storage.sealed import Sealed
from backoffice.wording import spoken

# What is about somebody, or would let somebody in.
PRIVATE = frozenset(Class) - {Class.OPERATIONAL}


def unclassified(metadatas: Iterable[MetaData]) -> list[str]:
    """The mapped columns without purpose, class and retention, as `schema.table.column`."""
    return sorted(name(column) for column in mapped(metadatas) if held_in(column) is None)


def mapped(metadatas: Iterable[MetaData]) -> list[Column[object]]:
    """Every mapped column."""
    return [column for metadata in metadatas for table in metadata.sorted_tables for column in table.columns]


def held_in(column: Column[object]) -> Held | None:
    """The column's entry, if it is complete."""
    held = column.info.get("held")
    return held if isinstance(held, Held) and held.purpose.strip() else None


def form_of(column: Column[object], held: Held) -> Form:
    """In which form a column's values lie in the database; only what its type seals is sealed."""
    if isinstance(column.type, Sealed):
        return Form.SEALED
    return Form.PLAIN if held.form is Form.SEALED else held.form


def title_of(table: Table) -> str:
    """What people call a table."""
    return table.info.get("title") or spoken(table.name)


def name(column: Column[object]) -> str:
    """`schema.table.column`."""
    return f"{column.table}.{column.name}"
