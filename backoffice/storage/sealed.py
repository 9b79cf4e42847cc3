"""Column types whose values are ciphertext in the database and plain in Python."""

import json
from typing import Any, overload

from sqlalchemy import Column, Dialect, LargeBinary, Table, event
from sqlalchemy.types import TypeDecorator

from backoffice.storage import keyring


def seal_text(text: str, *, context: str) -> bytes:
    """Text sealed for a column, "table.column", where a statement is not of the ORM."""
    return keyring.current().seal(text.encode(), context=context)


@overload
def open_text(sealed: bytes, *, context: str) -> str: ...
@overload
def open_text(sealed: bytes | None, *, context: str) -> str | None: ...
def open_text(sealed: bytes | None, *, context: str) -> str | None:
    """What `seal_text` sealed, or what a column of the ORM did; None of nothing. Raises `KeyringError`."""
    return None if sealed is None else keyring.current().open(bytes(sealed), context=context).decode()


class Sealed(TypeDecorator[str]):
    """Text sealed by the keyring. Table and column are part of the seal, set when a table is declared."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str = "") -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else self._seal(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Open on the way out. Raises `KeyringError`."""
        return None if value is None else self._open(value).decode()

    def _seal(self, plain: bytes) -> bytes:
        return keyring.current().seal(plain, context=self.context)

    def _open(self, sealed: bytes) -> bytes:
        return keyring.current().open(bytes(sealed), context=self.context)


class SealedJSON(Sealed):
    """A JSON document, sealed whole."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else self._seal(json.dumps(value, sort_keys=True).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Open on the way out. Raises `KeyringError`."""
        return None if value is None else json.loads(self._open(value))


class SealedBytes(Sealed):
    """Bytes, such as a piece of a file."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else self._seal(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Open on the way out. Raises `KeyringError`."""
        return None if value is None else self._open(value)


@event.listens_for(Column, "after_parent_attach")
def _name_the_context(column: Column[Any], table: Any) -> None:
    if isinstance(column.type, Sealed) and isinstance(table, Table):
        column.type = type(column.type)(f"{table.name}.{column.name}")
