"""Everything sealed that a database holds: opened, to compare, and by key, to count."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import LargeBinary, select, type_coerce

from backoffice.access.transaction import transaction
from backoffice.keys.queries import SealedTable, sealed_tables
from backoffice.runtime import Runtime
from backoffice.storage import keyring
from backoffice.storage.sealed import Sealed
from tests.factories.world import SYSTEM

Place = tuple[str, str, tuple[Any, ...]]


def values(runtime: Runtime) -> Iterator[tuple[Place, bytes, str]]:
    """Every sealed value as it is stored, where it stands, and the context that opens it."""
    for sealed in sealed_tables(runtime.metadatas):
        yield from _of_table(sealed)


def _of_table(sealed: SealedTable) -> Iterator[tuple[Place, bytes, str]]:
    raw = [type_coerce(column, LargeBinary) for column in sealed.columns]
    with transaction(SYSTEM) as tx:
        rows = tx.execute(select(*sealed.key, *raw).execution_options(yield_per=1000))
        for row in rows:
            key = tuple(row[: len(sealed.key)])
            for column, value in zip(sealed.columns, row[len(sealed.key) :], strict=True):
                if value is not None:
                    assert isinstance(column.type, Sealed)
                    yield (str(sealed.table), column.name, key), bytes(value), column.type.context


def plain(runtime: Runtime) -> dict[Place, bytes]:
    """Every sealed value, opened."""
    ring = keyring.current()
    return {place: ring.open(value, context=context) for place, value, context in values(runtime)}


def keys_used(runtime: Runtime) -> Counter[int]:
    """How many values lie under which key."""
    return Counter(int.from_bytes(value[:2]) for _place, value, _context in values(runtime))
