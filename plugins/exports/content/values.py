"""How values are written: as plain text in CSV, as they are in JSON, and without a number from inside."""

import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from plugins.exports.content.kinds import As, Field


class Writing:
    """Writes the rows of one export, in which each name that is its own alone stays the same."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def row(self, fields: Sequence[Field], values: Iterable[Any]) -> list[Any]:
        """The values of a row as JSON knows them. Raises `TypeError` of what nobody could read."""
        return [self._value(field, value) for field, value in zip(fields, values, strict=True)]

    def _value(self, field: Field, value: Any) -> Any:
        if value is None:
            return None
        if field.written is As.ALIAS:
            table = field.target if field.target is not None else field.column.table
            return self._alias(str(table), value)
        return plain(value)

    def _alias(self, table: str, number: int) -> str:
        digest = hmac.digest(self._salt, f"{table}\0{number}".encode(), sha256)
        # Letters first: a spreadsheet takes digits with an "e" among them for a number.
        return f"n-{digest[:6].hex()}"


def plain(value: Any) -> Any:
    """A value as JSON knows it. Raises `TypeError`."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
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
