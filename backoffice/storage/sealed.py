"""Column types whose values are ciphertext in the database and plain in Python."""

import json
from collections.abc import Callable, Sequence
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

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes | None], Any]:
        """Open on the way out. Raises `KeyringError`.

        In the place of `process_result_value`, which is three calls more for each value: a list has a hundred
        of them, and a file as many as there are students.
        """
        context, read = self.context, self.read

        def open_one(value: bytes | None) -> Any:
            return None if value is None else read(keyring.current().open(value, context=context))

        return open_one

    def opened(self, column: Sequence[bytes | None]) -> list[Any]:
        """The values of very many rows, opened. Raises `KeyringError`."""
        opened, read = keyring.current().opening(self.context), self.read
        return [None if value is None else read(opened(value)) for value in column]

    def _seal(self, plain: bytes) -> bytes:
        return keyring.current().seal(plain, context=self.context)

    @staticmethod
    def read(plain: bytes) -> Any:
        """The value that was sealed as these bytes."""
        return plain.decode()


class SealedJSON(Sealed):
    """A JSON document, sealed whole."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else self._seal(json.dumps(value, sort_keys=True).encode())

    @staticmethod
    def read(plain: bytes) -> Any:
        """The value that was sealed as these bytes."""
        return json.loads(plain)


class SealedBytes(Sealed):
    """Bytes, such as a piece of a file."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else self._seal(value)

    @staticmethod
    def read(plain: bytes) -> bytes:
        """The bytes themselves."""
        return plain


@event.listens_for(Column, "after_parent_attach")
def _name_the_context(column: Column[Any], table: Any) -> None:
    if isinstance(column.type, Sealed) and isinstance(table, Table):
        column.type = type(column.type)(f"{table.name}.{column.name}")
