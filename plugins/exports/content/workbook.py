"""Excel workbooks beside the other files: one of each kind, for whoever works with a spreadsheet.

One of each, and not a single one with all: a million rows of one kind are then in no way of the list of
classes, and the page leads to each by itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import Boolean, Date, DateTime, Integer

from backoffice.language.texts import gettext
from backoffice.spreadsheets.xlsx_files import Workbook
from plugins.exports.content.kinds import As, Field, Kind
from plugins.exports.content.sealing import SealedFile, SealedWriter
from plugins.exports.content.values import as_text

Filing = Callable[[str], AbstractContextManager[Callable[[bytes], None]]]
# Of the 31 letters that a sheet's name may have, some are for the number of a second sheet.
LETTERS_OF_A_NAME = 27
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True)
class Cell:
    """A value as a workbook takes it. What is no number and no time is a text, and never a formula."""

    text: str | None
    kind: str
    datetime: str | None = None
    in_file: str | None = None


class Book:
    """The workbook of one kind, as it grows."""

    def __init__(self, workbook: Workbook, fields: Sequence[Field]) -> None:
        self._workbook = workbook
        self._kinds = [_kind(field) for field in fields]

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows whose values are those of JSON."""
        for row in rows:
            self._workbook.add([_cell(value, kind) for value, kind in zip(row, self._kinds, strict=True)])


@contextmanager
def beside(file: Filing, kind: Kind) -> Iterator[Book]:
    """A workbook to write the rows of a kind to; it goes into the archive when all are there.

    It waits meanwhile where nobody can read it: an archive grows by one file at a time. Times are in UTC.
    """
    titles = [field.title for field in kind.fields]
    with TemporaryFile() as waiting:
        with (
            SealedWriter(waiting) as aside,
            Workbook(aside, titles, name=sheet_name(gettext(kind.title)), zone=UTC) as workbook,
        ):
            yield Book(workbook, kind.fields)
        length = waiting.tell()
        waiting.seek(0)
        with file(f"data/{kind.name}.xlsx") as write:
            for piece in SealedFile(waiting, length, aside.key).read_range():
                write(piece)


def sheet_name(title: str) -> str:
    """A title as Excel takes it for the name of a sheet."""
    return _NOT_IN_A_NAME.sub(" ", title)[:LETTERS_OF_A_NAME].strip(" '") or "1"


def _kind(field: Field) -> str:
    if field.written is not As.VALUE:
        return "text"
    if isinstance(field.column.type, DateTime | Date):
        return "time"
    whole = isinstance(field.column.type, Integer) and not isinstance(field.column.type, Boolean)
    return "number" if whole else "text"


def _cell(value: Any, kind: str) -> Cell:
    return Cell(as_text(value), kind, value if kind == "time" else None)
