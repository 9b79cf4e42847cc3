"""Kinds of rows: for each table the columns that are taken along, how they are written, and what is not.

No number from inside the database is written. Where a row points at another, there stands what that one is
known by outside, or, where it has no such name, one made for this export alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Column, DateTime, Integer, Table

from backoffice.privacy.inventory import held_in, title_of
from backoffice.storage.columns import Form
from backoffice.wording import spoken
from plugins.exports.content import left_out
from plugins.exports.content.scope import Scope

PUBLIC_ID = "public_id"
# By what people know the rows of tables without a public identifier.
KNOWN_BY: Mapping[str, str] = {"app.identity_provider": "title"}
# Numbers of rows that no foreign key holds.
REFERS: Mapping[str, str] = {"app.point_entry.undoes": "app.point_entry"}


class As(StrEnum):
    """How a column is written."""

    VALUE = "value"
    REFERENCE = "reference"
    # A name that is only this export's own.
    ALIAS = "alias"


@dataclass(frozen=True)
class Field:
    """A column that is taken along: `name` is its heading. `target` is the table that a reference is into."""

    name: str
    column: Column[object]
    written: As
    target: Table | None = None

    @property
    def title(self) -> str:
        """What people read as its heading."""
        return spoken(self.name)

    @property
    def purpose(self) -> str:
        """What it is for."""
        held = held_in(self.column)
        return held.purpose if held else ""


@dataclass(frozen=True)
class LeftOut:
    """A table or one of its columns that is not taken along, and why. `of` is what people call the table."""

    name: str
    of: str
    what: str
    why: str


@dataclass(frozen=True)
class Kind:
    """The rows of one table. `name` is the name of its files."""

    table: Table
    name: str
    fields: tuple[Field, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def title(self) -> str:
        """What people call them."""
        return title_of(self.table)


def kind_of(table: Table, scope: Scope) -> Kind:
    """What of a table is taken along."""
    fields, without = [], []
    for column in table.columns:
        why = _why_not(table, column, scope)
        if why is None:
            fields.append(_field(table, column))
        else:
            without.append(left_out_column(table, column, why))
    return Kind(table, name_of(table), tuple(fields), tuple(without))


def is_number(field: Field) -> bool:
    """Whether its values are whole numbers; as text, since nobody counts with them here."""
    return field.written is As.VALUE and isinstance(field.column.type, Integer)


def is_moment(field: Field) -> bool:
    """Whether its values are moments; as the database writes them."""
    return field.written is As.VALUE and isinstance(field.column.type, DateTime)


def left_out_column(table: Table, column: Column[object], why: str) -> LeftOut:
    """One column that is not taken along."""
    held = held_in(column)
    what = held.purpose if held else column.name
    return LeftOut(f"{name_of(table)}.{column.name}", title_of(table), what, why)


def left_out_table(table: Table, why: str) -> LeftOut:
    """A table of which nothing is taken along, or not all rows."""
    return LeftOut(name_of(table), title_of(table), "", why)


def name_of(table: Table) -> str:
    """The plain name of a kind: "students", "rosters-roster-imports"."""
    words = _many(table.name).replace("_", "-")
    schema = table.schema or ""
    plugin = schema.removeprefix("plugin_").replace("_", "-")
    return words if plugin == schema else f"{plugin}-{words}"


def refers_to(column: Column[object]) -> Table | None:
    """The table of whose rows a column holds the numbers, however many keys lie between."""
    named = REFERS.get(f"{column.table}.{column.name}")
    if named is not None:
        return column.table.metadata.tables[named]
    return next(_followed(column, frozenset()), None)


def _followed(column: Column[object], seen: frozenset[Column[object]]) -> Iterator[Table]:
    for key in sorted(column.foreign_keys, key=lambda key: (key.column.name != "id", str(key.column))):
        target = key.column
        if target.name == "id":
            yield target.table
        elif target not in seen:
            yield from _followed(target, seen | {column})


def _why_not(table: Table, column: Column[object], scope: Scope) -> str | None:
    """Why a column is not taken along."""
    held = held_in(column)
    explicit = left_out.COLUMNS.get(f"{table}.{column.name}")
    if explicit or held is None:
        return explicit or left_out.OF_STAFF
    if scope.for_family and column.name in left_out.FAMILY.get(str(table), frozenset()):
        return left_out.OF_STAFF
    why = left_out.CLASSES.get(held.kind) or left_out.FORMS.get(held.form)
    if why is None and held.form is Form.NUMBER and _written(table, column)[0] is As.VALUE:
        return left_out.NUMBER
    return why


def _field(table: Table, column: Column[object]) -> Field:
    written, target = _written(table, column)
    name = column.name
    if written is As.ALIAS and name == "id":
        name = "number"
    return Field(name.removesuffix("_id") if target is not None else name, column, written, target)


def _written(table: Table, column: Column[object]) -> tuple[As, Table | None]:
    held = held_in(column)
    if held is None or held.form is not Form.NUMBER:
        return As.VALUE, None
    if column.name == "id":
        return (As.VALUE if PUBLIC_ID in table.columns else As.ALIAS), None
    target = refers_to(column)
    if target is None:
        return As.VALUE, None
    known = PUBLIC_ID in target.columns or str(target) in KNOWN_BY
    return (As.REFERENCE if known else As.ALIAS), target


@lru_cache(maxsize=1024)
def _many(name: str) -> str:
    if re.search(r"[^s]s\Z", name):
        return name
    if re.search(r"(ss|sh|ch|x)\Z", name):
        return f"{name}es"
    return f"{name[:-1]}ies" if re.search(r"[^aeiou]y\Z", name) else f"{name}s"
