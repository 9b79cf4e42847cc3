"""Looking for what is left of somebody, by other ways than those by which erasing finds it.

Erasing follows foreign keys and what plugins say they hold. Here every column is asked that could hold one of
the numbers, marks or tokens, whatever it says of itself, but for those that the inventory keeps for good.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, ColumnElement, Table, Uuid, bindparam, func, or_, select

from backoffice.access.transaction import Transaction
from backoffice.privacy.holdings import Subject
from backoffice.privacy.inventory import held_in
from backoffice.schools import names
from backoffice.schools.models import Student
from backoffice.storage import about
from backoffice.storage.columns import Keep
from backoffice.storage.numbers import one_of

LOG_TAIL = 256 * 1024
_TABLES = {
    "app.student": Subject.STUDENT,
    "app.classroom": Subject.CLASSROOM,
    "app.account": Subject.ACCOUNT,
    "app.school": Subject.SCHOOL,
}


@dataclass(frozen=True)
class Known:
    """By what somebody made-up would be found: numbers and public identifiers by kind, an address, words."""

    numbers: Mapping[Subject, int]
    outside: Collection[str]
    address: str
    given: str
    family: str

    @property
    def marks(self) -> list[UUID]:
        """By which sealed texts say whom they are about."""
        of_numbers = (each for kind, number in self.numbers.items() for each in about.marks(kind, [number]))
        return [*of_numbers, *map(about.outside, self.outside), about.address(self.address)]


def left_of(tx: Transaction, known: Known, tables: Iterable[Table]) -> list[str]:
    """The tables in which something is, as `schema.table`; and "search" if its name is found."""
    found = [table.fullname for table in tables if _is_in(tx, known, table)]
    school = known.numbers.get(Subject.SCHOOL)
    if school is not None:
        column: Any = Student.name_tokens
        tokens = names.tokens(known.given, known.family, school_id=school)
        alike = column.op("&&", is_comparison=True)(bindparam(None, tokens, type_=column.type, unique=True))
        if tx.scalar(select(func.count()).select_from(Student).where(alike)):
            found.append("search")
    return sorted(found)


def logs_with(folder: Path | None, words: Iterable[str]) -> list[str]:
    """The log files whose ends say one of the words."""
    if folder is None or not folder.is_dir():
        return []
    wanted = [word.casefold().encode() for word in words]
    return sorted(
        file.name
        for file in folder.iterdir()
        if file.is_file()
        if any(word in _tail(file).lower() for word in wanted)
    )


def _tail(file: Path) -> bytes:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - LOG_TAIL))
        return opened.read()


def _is_in(tx: Transaction, known: Known, table: Table) -> bool:
    conditions = list(_conditions(known, table))
    if not conditions:
        return False
    return bool(tx.scalar(select(func.count()).select_from(table).where(or_(*conditions))))


def _conditions(known: Known, table: Table) -> Iterator[ColumnElement[bool]]:
    for column in table.columns:
        held = held_in(column)
        if held is not None and held.keep is Keep.FOR_GOOD:
            continue
        kind = _kind_of(column)
        if kind is not None and kind in known.numbers:
            yield one_of(column, [known.numbers[kind]])
        if column.name == "about":
            marks = bindparam(None, known.marks, type_=ARRAY(Uuid), unique=True)
            yield column.op("&&", is_comparison=True)(marks)


def _kind_of(column: Column[Any]) -> Subject | None:
    """Of which kind of subject a column holds numbers: by its key, else by its name."""
    if column.name == "id":
        return _TABLES.get(column.table.fullname)
    for key in column.foreign_keys:
        if key.column.name == "id" and (kind := _TABLES.get(key.column.table.fullname)):
            return kind
    return next((kind for kind in _TABLES.values() if column.name.endswith(f"{kind}_id")), None)
