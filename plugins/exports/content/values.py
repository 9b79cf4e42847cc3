"""How values are written: as plain text in CSV, as they are in JSON, and without a number from inside."""

import csv
import io
import json
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from itertools import chain, islice, repeat
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from pydantic_core import to_json
from sqlalchemy import Boolean, Date, DateTime, Integer, String, Uuid

from backoffice.spreadsheets.csv_files import FORMULA, safe
from backoffice.storage.batches import Column
from plugins.exports.content.kinds import KNOWN_BY, PUBLIC_ID, As, Field, is_number
from plugins.exports.content.rows import is_the_subject
from plugins.exports.content.scope import Scope

_QUOTE = '"'
_COMMA = ","
# What stands between the objects of a list.
BETWEEN = ",\n"
_MADE_BY_US = (DateTime, Date, Uuid)
_AS_IT_IS = (DateTime, Integer, String, Boolean)
# What CSV or JSON write otherwise than it is, and what a spreadsheet might run at the beginning of a text.
_SPECIAL = (";", _QUOTE, "\\")
_SPECIAL_BARE = (*_SPECIAL, _COMMA)
_SPECIAL_FIRST = ("'", *FORMULA)


class Writing:
    """Writes the rows of one export, in which each name that is its own alone stays the same.

    It goes column by column: of most there is nothing to be done, and it is found out once for hundreds.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._salt = secrets.token_bytes(32)
        self._namers: dict[str, CipherContext] = {}

    def columns(self, fields: Sequence[Field], columns: Sequence[Column]) -> list[Column]:
        """The columns with their values as JSON knows them. Raises `TypeError` of what nobody can read."""
        return [self._column(field, column) for field, column in zip(fields, columns, strict=True)]

    def _column(self, field: Field, column: Column) -> Column:
        if field.written is As.ALIAS:
            table = field.target if field.target is not None else field.column.table
            return self._aliases(str(table), column)
        if is_the_subject(field, self._scope):
            return self._subjects(column)
        if field.written is As.REFERENCE or isinstance(field.column.type, _AS_IT_IS):
            return column
        return [None if value is None else plain(value) for value in column]

    def _aliases(self, table: str, column: Column) -> Column:
        # No row has the number 0.
        numbers = column if all(column) else [each for each in column if each is not None]
        if not numbers:
            return column
        # A block for each number: a cipher names hundreds at once, where a digest names one. Half a block is
        # no other's even among a district's millions; three eighths might be.
        blocks = self._namer(table).update(struct.pack("<" + "q8x" * len(numbers), *numbers))
        parts = b"".join(struct.unpack("8s8x" * len(numbers), blocks)).hex(",", 8)
        # Letters first: a spreadsheet takes digits with an "e" among them for a number.
        names = f"n-{parts.replace(',', ',n-')}".split(",")
        if len(names) == len(column):
            return names
        left = iter(names)
        return [None if each is None else next(left) for each in column]

    def _namer(self, table: str) -> CipherContext:
        if table not in self._namers:
            key = blake2b(table.encode(), key=self._salt, digest_size=16).digest()
            # Each number is a block of its own, and the same name wherever it stands.
            self._namers[table] = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
        return self._namers[table]

    def _subjects(self, column: Column) -> Column:
        known = self._scope.public_id
        if column.count(None) == len(column):
            return [known] * len(column)
        return [known if each is None else each or None for each in column]


@dataclass(frozen=True)
class _Seen:
    """A column of a batch that is about to be written."""

    field: Field
    column: Column
    # One value for all: of one school, of one class.
    same: bool
    # It is written as it is, but for the quotes around it.
    stands: bool


class Lines:
    """Columns as lines: of CSV, and of JSON."""

    def __init__(self, fields: Sequence[Field], columns: Sequence[Column]) -> None:
        self._count = len(columns[0])
        self._columns = [_seen(field, column) for field, column in zip(fields, columns, strict=True)]

    def csv(self) -> str:
        """Each cell in quotes. What people wrote is guarded against being run."""
        return _lines(self._csv_parts(), self._count)

    def json(self) -> str:
        """An object on each line, with a comma behind it."""
        return _lines(self._json_parts(), self._count)

    def _csv_parts(self) -> Iterator[str | Iterable[str]]:
        before = _QUOTE
        for each in self._columns:
            yield before
            yield each.column if each.stands else _written(each, _cell)
            before = '","'
        yield '"\r\n'

    def _json_parts(self) -> Iterator[str | Iterable[str]]:
        before = "{"
        for each in self._columns:
            yield f'{before}"{each.field.name}":'
            if is_number(each.field):
                yield each.column if each.stands else _written(each, _json_number)
            elif each.stands:
                yield from (_QUOTE, each.column, _QUOTE)
            else:
                yield _written(each, _json)
            before = ","
        yield f"}}{BETWEEN}"


def bare_lines(columns: Sequence[str | Column]) -> str:
    """Texts as lines of CSV, guarded, in quotes where they need them; a single one is the same in all."""
    count = max(len(each) for each in columns if not isinstance(each, str))
    if all(_is_plain([each] if isinstance(each, str) else each, _SPECIAL_BARE) for each in columns):
        parts = chain.from_iterable((_COMMA, each) for each in columns)
        return _lines(chain(islice(parts, 1, None), ["\r\n"]), count)
    cells = (repeat(safe(each), count) if isinstance(each, str) else map(safe, each) for each in columns)
    part = io.StringIO(newline="")
    csv.writer(part).writerows(zip(*cells, strict=True))
    return part.getvalue()


def _lines(parts: Iterable[str | Iterable[str]], count: int) -> str:
    """So many lines made of the same parts: a text is the same in all of them, others have one for each.

    All pieces are put where they belong in one list, each column at once, and joined. Piece by piece, and
    line by line, it takes three times as long.
    """
    pieces: list[str | Iterable[str]] = [""]
    for part in parts:
        if isinstance(part, str) and isinstance(pieces[-1], str):
            pieces[-1] += part
        else:
            pieces.append(part)
    placed = [each if isinstance(each, str) else "" for each in pieces] * count
    for at, piece in enumerate(pieces):
        if not isinstance(piece, str):
            placed[at :: len(pieces)] = piece
    return "".join(placed)


def _seen(field: Field, column: Column) -> _Seen:
    if column[0] == column[-1] and column.count(column[0]) == len(column):
        return _Seen(field, column, same=True, stands=False)
    return _Seen(field, column, same=False, stands=_stands(field, column))


def _stands(field: Field, column: Column) -> bool:
    """Whether the values stand in both as they are, but for the quotes around them.

    What we made does, and is never empty, so that a value that is missing is found at once; so do most names.
    """
    if _is_ours(field):
        return all(column)
    return _is_plain(column, _SPECIAL)


def _is_plain(column: Column, special: Sequence[str]) -> bool:
    """Whether all are texts that are written as they are."""
    try:
        text = "\0".join(("", *column))
    except TypeError:
        return False
    # What was sealed may have that sign itself, though nothing lets it in.
    if text.count("\0") > len(column) or any(sign in text for sign in special):
        return False
    # A single sign is looked for much more quickly than one behind another, and is seldom there.
    if any(sign in text and f"\0{sign}" in text for sign in _SPECIAL_FIRST):
        return False
    return text.replace("\0", "").isprintable()


def _is_ours(field: Field) -> bool:
    if field.written is As.REFERENCE:
        return str(field.target) not in KNOWN_BY
    made = field.written is As.ALIAS or field.name == PUBLIC_ID or is_number(field)
    return made or isinstance(field.column.type, _MADE_BY_US)


def _written(each: _Seen, write: Callable[[Any], str]) -> str | Iterable[str]:
    """The values as texts; one text if all are the same."""
    if each.same:
        return write(each.column[0])
    try:
        # Of most there are a few, many times over.
        known = {value: write(value) for value in {*each.column}}
    except TypeError:
        return [write(value) for value in each.column]
    return map(known.__getitem__, each.column)


def _cell(value: Any) -> str:
    return safe(as_text(value)).replace(_QUOTE, _QUOTE * 2)


def _json_number(text: str | None) -> str:
    return text or "null"


def _json(value: Any) -> str:
    return to_json(value).decode()


def plain(value: Any) -> Any:
    """A value as JSON knows it. Raises `TypeError`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str | int | float | dict):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(each) for each in value]
    raise TypeError(f"A value of the type {type(value).__name__} is no text.")


def as_text(value: Any) -> str:
    """A value of JSON in one cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(as_text, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)
