"""Reading a list that somebody brings: CSV in any usual spelling, a workbook, or rows that were pasted.

Everything stays in memory. What cannot be read, or is larger than a list is, is refused with a sentence.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from backoffice.imports import sheets
from backoffice.imports.limits import (
    LARGEST_FILE,
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_LETTERS,
    MOST_ROWS,
    Unreadable,
)
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy

# A delimiter for a list of one column: nobody types it.
_NONE = "\x1f"
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
NO_LIST = lazy("This is no list that can be read. Save it as CSV, or as an Excel or OpenDocument sheet.")
OLD_WORKBOOK = lazy("This is an old or locked workbook. Save it as .xlsx without a password, or as CSV.")
EMPTY = lazy("There is nothing in this list.")


@dataclass(frozen=True)
class Table:
    """The lines of a list that have something in them, with their numbers in the file."""

    lines: Sequence[tuple[int, Sequence[str]]]
    # Whether it came as text, in which our own files guard what looks like a formula.
    text: bool

    @property
    def width(self) -> int:
        """How many columns there are."""
        return max(len(cells) for _line, cells in self.lines)


def read_file(content: bytes) -> Table:
    """The list in a file, whatever kind its bytes say it is. Raises `Unreadable`."""
    if len(content) > LARGEST_FILE:
        raise Unreadable(
            gettext("The file is larger than %(most)s MB. Bring it in parts.", most=LARGEST_FILE >> 20)
        )
    if content.startswith(_ZIP):
        return _table(enumerate(sheets.rows_of(content), start=1), text=False)
    if content.startswith(_OLE):
        raise Unreadable(OLD_WORKBOOK)
    return read_text(_decoded(content))


def read_text(text: str) -> Table:
    """The list in a text: lines of cells, parted as their first line is. Raises `Unreadable`."""
    if "\0" in text:
        raise Unreadable(NO_LIST)
    # Lines end where those of CSV do, and nowhere else where Unicode would break a text.
    lines, passed = io.StringIO(text.removeprefix("\ufeff"), newline=""), 0
    first = ""
    while not first and (line := lines.readline()):
        first, passed = line.strip("\r\n"), passed + 1
    if len(first.strip()) == len("sep=;") and first.lower().startswith("sep="):
        # Excel's own word for it.
        return _table(_records(lines, first.strip()[-1], passed), text=True)
    lines.seek(0)
    return _table(_records(lines, _delimiter(first)), text=True)


def _decoded(content: bytes) -> str:
    name = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    if name is None and b"\0" in content:
        name = _of_two_bytes(content[:64])
    try:
        if name is not None:
            return content.decode(name)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content.decode("cp1252")
    except UnicodeDecodeError:
        raise Unreadable(NO_LIST) from None


def _of_two_bytes(start: bytes) -> str:
    """Which order text has whose letters are of two bytes, by the zeros of Latin ones."""
    for name, zeros, others in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        if zeros.count(0) * 4 > len(zeros) * 3 and 0 not in others:
            return name
    raise Unreadable(NO_LIST)


def _delimiter(first: str) -> str:
    """What parts the cells of the first line, but for what stands in quotes."""
    bare = "".join(first.split('"')[::2])
    most = max(_DELIMITERS, key=bare.count)
    return most if most in bare else _NONE


def _records(lines: Iterable[str], delimiter: str, passed: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The records of these lines, before which so many have passed, with the line that each begins on."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = passed + 1
    try:
        for cells in reader:
            yield begins, cells
            begins = passed + reader.line_num + 1
    except csv.Error:
        raise Unreadable(
            gettext(
                "Line %(line)s cannot be read. Look for a quotation mark that is not closed there.",
                line=amount(begins),
            )
        ) from None


def _table(lines: Iterable[tuple[int, Sequence[str]]], *, text: bool) -> Table:
    found: list[tuple[int, Sequence[str]]] = []
    left = MOST_LETTERS
    for number, cells in lines:
        # Those of empty lines too: a workbook is read no further than it is counted here.
        left -= sum(map(len, cells))
        if left < 0:
            raise Unreadable(
                gettext(
                    "There are more than %(most)s letters. Bring the list in parts.",
                    most=amount(MOST_LETTERS),
                )
            )
        if not any(map(str.strip, cells)):
            continue
        if len(cells) > MOST_COLUMNS and any(map(str.strip, cells[MOST_COLUMNS:])):
            raise Unreadable(
                gettext(
                    "There are more than %(most)s columns. Leave out those not needed.", most=MOST_COLUMNS
                )
            )
        if max(map(len, cells)) > LONGEST_CELL:
            raise Unreadable(
                gettext(
                    "A cell of line %(line)s has more than %(most)s letters. Shorten it.",
                    line=amount(number),
                    most=LONGEST_CELL,
                )
            )
        if len(found) > MOST_ROWS:
            raise Unreadable(
                gettext("There are more than %(most)s rows. Bring the list in parts.", most=amount(MOST_ROWS))
            )
        found.append((number, list(cells[:MOST_COLUMNS])))
    if not found:
        raise Unreadable(EMPTY)
    return Table(found, text)
