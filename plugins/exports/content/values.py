"""How values are written: as plain text in CSV, as they are in JSON, and without a number from inside."""

import csv
import io
import json
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from hashlib import blake2b
from itertools import chain, repeat
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from pydantic_core import to_json
from sqlalchemy import Boolean, Date, DateTime, Integer, String, Uuid

from backoffice.spreadsheets.csv_files import FORMULA, safe
from backoffice.storage.batches import Column
from plugins.exports.content.kinds import KNOWN_BY, PUBLIC_ID, As, Field, is_moment, is_number

_QUOTE = '"'
_BETWEEN = ",\n"
_MADE_BY_US = (DateTime, Date, Uuid)
_AS_IT_IS = (Integer, String, Boolean)
# What CSV or JSON write otherwise than it is, and what a spreadsheet might run at the beginning of a text.
_SPECIAL = (";", _QUOTE, "\\")
_FIRST = tuple(f"\0{sign}" for sign in ("'", *FORMULA))


class Writing:
    """Writes the rows of one export, in which each name that is its own alone stays the same.

    It goes column by column: of most there is nothing to be done, and it is found out once for hundreds.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def columns(self, fields: Sequence[Field], columns: Sequence[Column]) -> list[Column]:
        """The columns with their values as JSON knows them. Raises `TypeError` of what nobody can read."""
        return [self._column(field, column) for field, column in zip(fields, columns, strict=True)]

    def _column(self, field: Field, column: Column) -> Column:
        if field.written is As.ALIAS:
            table = field.target if field.target is not None else field.column.table
            return self._aliases(str(table), column)
        if is_moment(field):
            return _moments(column)
        if field.written is As.REFERENCE or isinstance(field.column.type, _AS_IT_IS):
            return column
        return [None if value is None else plain(value) for value in column]

    def _aliases(self, table: str, column: Column) -> Column:
        numbers = column if None not in column else [each for each in column if each is not None]
        if not numbers:
            return column
        # One block for each number, no two alike: a cipher names hundreds at once, where a digest names one.
        key = blake2b(table.encode(), key=self._salt, digest_size=16).digest()
        cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
        named = cipher.update(struct.pack("<" + "q8x" * len(numbers), *numbers)).hex()
        # Letters first: a spreadsheet takes digits with an "e" among them for a number.
        names = [f"n-{named[at : at + 12]}" for at in range(0, len(named), 32)]
        if len(names) == len(column):
            return names
        left = iter(names)
        return [None if each is None else next(left) for each in column]


def _moments(column: Column) -> Column:
    """What the database writes as "2026-11-29 08:15:00.25", in UTC, as RFC 3339 has it."""
    if None in column:
        return [None if each is None else f"{each.replace(' ', 'T')}Z" for each in column]
    return f"{'Z,'.join(column)}Z".replace(" ", "T").split(",")


class Lines:
    """Columns as lines: of CSV, and of JSON."""

    def __init__(self, fields: Sequence[Field], columns: Sequence[Column]) -> None:
        self._count = len(columns[0])
        pairs = zip(fields, columns, strict=True)
        self._columns = [(field, column, _stands(field, column)) for field, column in pairs]

    def csv(self) -> str:
        """Each cell in quotes. What people wrote is guarded against being run."""
        return _lines(self._csv_parts(), self._count)

    def json(self) -> str:
        """An object on each line, with commas between them."""
        return _lines(self._json_parts(), self._count).removesuffix(_BETWEEN)

    def _csv_parts(self) -> Iterator[str | Iterable[str]]:
        before = _QUOTE
        for _field, column, stands in self._columns:
            yield before
            yield _one_or_all(column) if stands else _written(column, _cell)
            before = '","'
        yield '"\r\n'

    def _json_parts(self) -> Iterator[str | Iterable[str]]:
        before = "{"
        for field, column, stands in self._columns:
            yield f'{before}"{field.name}":'
            if is_number(field):
                yield _written(column, lambda number: number or "null")
            elif stands:
                yield from (_QUOTE, _one_or_all(column), _QUOTE)
            else:
                yield _written(column, _json)
            before = ","
        yield f"}}{_BETWEEN}"


def bare_lines(columns: Sequence[str | Column]) -> str:
    """Texts as lines of CSV, guarded, in quotes where they need them; a single one is the same in all."""
    count = max(len(each) for each in columns if not isinstance(each, str))
    cells = (safe(each) if isinstance(each, str) else _written(each, safe) for each in columns)
    lines = zip(*(repeat(each, count) if isinstance(each, str) else each for each in cells), strict=True)
    part = io.StringIO(newline="")
    csv.writer(part).writerows(lines)
    return part.getvalue()


def _lines(parts: Iterable[str | Iterable[str]], count: int) -> str:
    """So many lines made of the same parts: a text is the same in all of them, others have one for each.

    All pieces are put where they belong in one list, each column at once, and joined. Piece by piece, and
    line by line, it takes three times as long.
    """
    pieces: list[Iterable[str]] = []
    same = ""
    for part in parts:
        if isinstance(part, str):
            same += part
        else:
            pieces += [[same] * count, part]
            same = ""
    pieces.append([same] * count)
    placed = [""] * (len(pieces) * count)
    for at, piece in enumerate(pieces):
        placed[at :: len(pieces)] = piece
    return "".join(placed)


def _stands(field: Field, column: Column) -> bool:
    """Whether the values stand in both as they are, but for the quotes around them.

    What we made does, and is never empty, so that a value that is missing is found at once; so do most names.
    """
    if _is_ours(field):
        return all(column)
    try:
        text = "\0".join(("", *column))
    except TypeError:
        return False
    # What was sealed may have that sign itself, though nothing lets it in.
    suspect = text.count("\0") > len(column) or any(sign in text for sign in chain(_SPECIAL, _FIRST))
    return not suspect and text.replace("\0", "").isprintable()


def _is_ours(field: Field) -> bool:
    if field.written is As.REFERENCE:
        return str(field.target) not in KNOWN_BY
    made = field.written is As.ALIAS or field.name == PUBLIC_ID or is_number(field)
    return made or isinstance(field.column.type, _MADE_BY_US)


def _one_or_all(column: Column) -> str | Column:
    """A single text if all are the same: of one school, of one class."""
    return column[0] if column[0] == column[-1] and column.count(column[0]) == len(column) else column


def _written(column: Column, write: Callable[[Any], str]) -> str | Iterable[str]:
    """The values as texts; one text if all are the same."""
    try:
        # Of most there are a few, many times over.
        known = {each: write(each) for each in {*column}}
    except TypeError:
        return [write(each) for each in column]
    return next(iter(known.values())) if len(known) == 1 else map(known.__getitem__, column)


def _cell(value: Any) -> str:
    return safe(as_text(value)).replace(_QUOTE, _QUOTE * 2)


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
