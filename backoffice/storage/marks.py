"""Many marks as one parameter: however many there are, the statement stays the same."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Dialect, TypeDecorator, Uuid, bindparam


class Marks(TypeDecorator[Collection[UUID]]):
    """`uuid[]`, sent in PostgreSQL's own notation: the driver takes longer over each than making it took."""

    impl = ARRAY(Uuid)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """As PostgreSQL reads an array."""
        del dialect
        return _in_hex


_MARKS = Marks()


def array_of(marks: Collection[UUID]) -> ColumnElement[Any]:
    """These marks as one parameter."""
    return bindparam(None, marks, type_=_MARKS, unique=True)


def _in_hex(marks: Collection[UUID]) -> str:
    # A UUID takes three times as long to put its dashes in.
    return f"{{{','.join([each.hex for each in marks])}}}"


def written(values: Collection[Any]) -> str:
    """Numbers or UUIDs as PostgreSQL reads an array."""
    return f"{{{','.join(map(str, values))}}}"
