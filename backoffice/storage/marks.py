"""Many marks as one parameter: however many there are, the statement stays the same."""

import struct
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import ARRAY, ColumnElement, Dialect, TypeDecorator, Uuid, bindparam

# Marks as they are kept, or as the bytes that they are.
Many = Collection[UUID] | Collection[bytes]

_UUID = psycopg.adapters.types["uuid"].oid
# How PostgreSQL's `array_send` begins: dimensions, whether anything is null, of which type they are; of the
# only dimension how many, and from which number on they are counted.
_BEGINNING = struct.Struct("!iiIii")
_NONE = struct.pack("!iiI", 0, 0, _UUID)
# Before each element: how many bytes it has.
_LENGTH = struct.pack("!i", 16)


class Packed(bytes):
    """A `uuid[]` in PostgreSQL's binary notation."""


class _PackedDumper(Dumper):
    format = Format.BINARY
    oid = psycopg.adapters.types["uuid"].array_oid

    def dump(self, obj: Packed) -> Buffer:
        return obj


psycopg.adapters.register_dumper(Packed, _PackedDumper)


class Marks(TypeDecorator[Many]):
    """`uuid[]`, sent as PostgreSQL itself would send it.

    The driver takes longer over each mark than making it took, and the server reads them in a quarter of the
    time that their text would take.
    """

    impl = ARRAY(Uuid)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Packed]:
        """As PostgreSQL reads an array."""
        del dialect
        return _packed


_MARKS = Marks()


def array_of(marks: Many) -> ColumnElement[Any]:
    """These marks as one parameter."""
    return bindparam(None, marks, type_=_MARKS, unique=True)


def _packed(marks: Many) -> Packed:
    if len(marks) == 0:
        return Packed(_NONE)
    each = marks if isinstance(next(iter(marks)), bytes) else [mark.bytes for mark in marks]  # type: ignore[union-attr]
    return Packed(_BEGINNING.pack(1, 0, _UUID, len(marks), 1) + _LENGTH.join([b"", *each]))


def written(values: Collection[Any]) -> str:
    """Numbers, UUIDs or identifiers as PostgreSQL reads an array."""
    return f"{{{','.join(map(str, values))}}}"
