"""PostgreSQL's binary COPY format: half the size of text, and nothing to escape."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from struct import Struct, calcsize
from typing import Any, TypeVar

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_LENGTH = Struct("!i").pack
_BYTEA = 17
_ARRAY_OF_BYTEA = Struct("!iiiii").pack

T = TypeVar("T")


class _Rows:
    """Rows whose fields have fixed sizes, made column by column."""

    def __init__(self, fields: str) -> None:
        self._pack = Struct(f"!h{''.join(f'i{field}' for field in fields)}").pack
        self._before = [repeat(calcsize(f"!{field}")) for field in fields]
        self._count = repeat(len(fields))

    def __call__(self, *columns: Iterable[Any]) -> Iterator[bytes]:
        sized = (each for pair in zip(self._before, columns, strict=True) for each in pair)
        return map(self._pack, self._count, *sized)


named = _Rows("hiqh")
pointing = _Rows("hihq")
seat = _Rows("iqqqqh?")
# Beginnings of rows: how many fields there are, then each with its length before it.
known = Struct("!h ii iq i16s iq").pack
code = Struct("!h iq iq").pack
digest = Struct("!i16s").pack
small = Struct("!ih").pack


def varying(value: bytes | None) -> bytes:
    """A field of any length."""
    return NULL if value is None else _LENGTH(len(value)) + value


def array(values: Sequence[bytes], size: int) -> bytes:
    """A field of type `bytea[]` whose items are of one size."""
    length = _LENGTH(size)
    items = length + length.join(values) if values else b""
    head = (
        _ARRAY_OF_BYTEA(1, 0, _BYTEA, len(values), 1) if values else _ARRAY_OF_BYTEA(0, 0, _BYTEA, 0, 0)[:12]
    )
    return _LENGTH(len(head) + len(items)) + head + items
