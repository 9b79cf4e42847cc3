"""The inventory of data: for every mapped column what it is for, what it holds and how long it stays."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, MetaData

from backoffice.storage.columns import Class, Held, Keep


@dataclass(frozen=True)
class InventoryEntry:
    """One column. `table` is `schema.name`."""

    table: str
    column: str
    purpose: str
    kind: Class
    keep: Keep


def entries(metadatas: Iterable[MetaData]) -> list[InventoryEntry]:
    """Every classified column, by table and column. What is not classified, `unclassified` lists."""
    found = [
        InventoryEntry(str(column.table), column.name, held.purpose, held.kind, held.keep)
        for column in mapped(metadatas)
        if (held := held_in(column)) is not None
    ]
    return sorted(found, key=lambda entry: (entry.table, entry.column))


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


def name(column: Column[object]) -> str:
    """`schema.table.column`."""
    return f"{column.table}.{column.name}"
