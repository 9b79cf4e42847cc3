"""How values are written: as plain text in CSV, as they are in JSON, and without a number from inside."""

import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Date, DateTime, Integer, String, Uuid

from backoffice.console.csv_export import safe
from plugins.exports.content.kinds import KNOWN_BY, PUBLIC_ID, As, Field

Column = Sequence[Any]
_MADE_BY_US = (Integer, DateTime, Date, Uuid)


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
        if field.written is As.REFERENCE or isinstance(field.column.type, Integer | String | Boolean):
            return column
        if isinstance(field.column.type, DateTime):
            return [None if value is None else _moment(value) for value in column]
        return [None if value is None else plain(value) for value in column]

    def _aliases(self, table: str, column: Column) -> Column:
        # Letters first: a spreadsheet takes digits with an "e" among them for a number.
        key = blake2b(table.encode(), key=self._salt).digest()
        return [
            None if each is None else f"n-{blake2b(b'%d' % each, key=key, digest_size=6).hexdigest()}"
            for each in column
        ]


def cells(fields: Sequence[Field], columns: Sequence[Column]) -> Iterator[Column]:
    """The same columns as text for a spreadsheet. What people wrote is guarded, what we made need not be."""
    for field, column in zip(fields, columns, strict=True):
        if _is_ours(field):
            yield column
        else:
            yield [None if value is None else safe(as_text(value)) for value in column]


def _is_ours(field: Field) -> bool:
    if field.written is As.REFERENCE:
        return str(field.target) not in KNOWN_BY
    made = field.written is As.ALIAS or field.name == PUBLIC_ID
    return made or isinstance(field.column.type, _MADE_BY_US)


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def plain(value: Any) -> Any:
    """A value as JSON knows it. Raises `TypeError`."""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
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
