"""How values are written: as plain text in CSV, as they are in JSON, and without a number from inside."""

import json
import secrets
import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from pydantic_core import to_json
from sqlalchemy import Boolean, Date, DateTime, Integer, String, Uuid

from backoffice.spreadsheets.csv_files import safe
from plugins.exports.content.kinds import KNOWN_BY, PUBLIC_ID, As, Field

Column = Sequence[Any]
_QUOTE = '"'
_MADE_BY_US = (Integer, DateTime, Date, Uuid)
# Moments the database has written already.
_AS_IT_IS = (Integer, String, Boolean, DateTime)


class Writing:
    """Writes the rows of one export, in which each name that is its own alone stays the same.

    It goes column by column: of most there is nothing to be done, and it is found out once for hundreds.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def columns(self, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> list[Column]:
        """The columns of some rows as JSON knows their values. Raises `TypeError` of what nobody can read."""
        return [
            self._column(field, column) for field, column in zip(fields, zip(*rows, strict=True), strict=True)
        ]

    def _column(self, field: Field, column: Column) -> Column:
        if field.written is As.ALIAS:
            table = field.target if field.target is not None else field.column.table
            return self._aliases(str(table), column)
        if field.written is As.REFERENCE or isinstance(field.column.type, _AS_IT_IS):
            return column
        return [None if value is None else plain(value) for value in column]

    def _aliases(self, table: str, column: Column) -> Column:
        numbers = [each for each in column if each is not None]
        if not numbers:
            return column
        # One block for each number, no two alike: a cipher names hundreds at once, where a digest names one.
        key = blake2b(table.encode(), key=self._salt, digest_size=16).digest()
        cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
        named = cipher.update(struct.pack("<" + "q8x" * len(numbers), *numbers)).hex()
        # Letters first: a spreadsheet takes digits with an "e" among them for a number.
        names = (f"n-{named[at : at + 12]}" for at in range(0, len(named), 32))
        return [None if each is None else next(names) for each in column]


def csv_lines(fields: Sequence[Field], columns: Sequence[Column]) -> str:
    """The columns as lines of CSV, each cell in quotes.

    What people wrote is guarded against being run; what we made need not be.
    """
    texts, forms = _as_text(fields, columns, _cell, '"%s"')
    line = f"{','.join(forms)}\r\n"
    return "".join(map(line.__mod__, zip(*texts, strict=True)))


def json_rows(fields: Sequence[Field], columns: Sequence[Column]) -> str:
    """The columns as objects of JSON, a line for each, with commas between them."""
    texts, forms = _as_text(fields, columns, _json, "%s")
    named = (f'"{field.name}":{form}' for field, form in zip(fields, forms, strict=True))
    row = f"{{{','.join(named)}}}"
    return ",\n".join(map(row.__mod__, zip(*texts, strict=True)))


def _as_text(
    fields: Sequence[Field], columns: Sequence[Column], write: Callable[[Any], str], number: str
) -> tuple[list[Column], list[str]]:
    """The columns as text, and the form in which each value stands in its line.

    What we made ourselves needs no writing, only its quotes; `number` is how a number stands.
    """
    texts, forms = [], []
    for field, column in zip(fields, columns, strict=True):
        if _is_ours(field) and None not in column:
            texts.append(column)
            forms.append(number if _is_number(field) else '"%s"')
        else:
            texts.append(_written(column, write))
            forms.append("%s")
    return texts, forms


def _written(column: Column, write: Callable[[Any], str]) -> Column:
    try:
        # Of most there are a few, many times over.
        known = {each: write(each) for each in {*column}}
    except TypeError:
        return [write(each) for each in column]
    return [known[each] for each in column]


def _cell(value: Any) -> str:
    return f'"{safe(as_text(value)).replace(_QUOTE, _QUOTE * 2)}"'


def _json(value: Any) -> str:
    return to_json(value).decode()


def _is_number(field: Field) -> bool:
    return field.written is As.VALUE and isinstance(field.column.type, Integer)


def _is_ours(field: Field) -> bool:
    if field.written is As.REFERENCE:
        return str(field.target) not in KNOWN_BY
    made = field.written is As.ALIAS or field.name == PUBLIC_ID
    return made or isinstance(field.column.type, _MADE_BY_US)


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
