"""Which rows a verb is for: some by their identifiers, or all that fit, found anew by whoever does it."""

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.orm import DeclarativeBase

from backoffice.access.lookup import rows_of
from backoffice.access.permissions import Permission
from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

OTHERS_FIT = lazy("Other rows fit now. Look at them again.")
# Narrows the rows that somebody may do this to; it opens no further ones.
Narrowing = Callable[[Transaction, Select[Any]], Select[Any]]
# The primary keys of rows.
Keys = Sequence[Row[Any]]
# The keys of what else of these rows was shown with them, because it is changed with them.
Beside = Callable[[Transaction, Sequence[int]], Sequence[Sequence[int]]]


@dataclass(frozen=True)
class Fitting:
    """All rows that fit: those that somebody was shown, `most` at once, and no others.

    `seen` is the `digest_of` the keys that were shown, and of what was shown `beside` them. `begins` is
    called in the verb's transaction once they are found to be the same, with their number.
    """

    narrowed: Narrowing
    most: int
    seen: str
    begins: Callable[[Transaction, int], None] | None = None
    beside: Beside | None = None


Which = Collection[str] | Fitting


def selected(
    tx: Transaction,
    entity: type[DeclarativeBase],
    which: Which,
    permission: Permission,
    *,
    lock: Callable[[Sequence[int]], None] | None = None,
) -> Sequence[int]:
    """The numbers of these rows, as far as the principal holds the permission on them.

    Read once, so that what is done is done to these: call it when what decides about them is locked. `lock`
    keeps what is beside them from changing, before that is compared with what was shown. Raises `Rejected` if
    other rows fit than were shown.
    """
    rows = rows_of(tx.principal, entity, permission)
    if isinstance(which, Fitting):
        keys = keys_of(tx, which.narrowed(tx, rows), which.most)
        numbers = [key.id for key in keys or ()]
        if lock is not None:
            lock(numbers)
        if keys is None or not hmac.compare_digest(seen_of(tx, keys, which.beside), which.seen):
            raise Rejected.whole(OTHERS_FIT)
        if which.begins is not None:
            which.begins(tx, len(keys))
        return numbers
    asked = rows.where(entity.public_id.in_(which))  # type: ignore[attr-defined]
    numbers = sorted(tx.scalars(asked.with_only_columns(entity.id)))  # type: ignore[attr-defined]
    if lock is not None:
        lock(numbers)
    return numbers


def keys_of(tx: Transaction, statement: Select[Any], most: int) -> Keys | None:
    """The keys of the statement's rows in order, or None if they are more than `most`; reads no more."""
    key = statement.column_descriptions[0]["entity"].__mapper__.primary_key
    found = tx.execute(statement.with_only_columns(*key).order_by(None).limit(most + 1)).all()
    return sorted(found) if len(found) <= most else None


def seen_of(tx: Transaction, keys: Keys, beside: Beside | None) -> str:
    """The digest of these rows and of what is shown beside them."""
    return digest_of([*keys, *(beside(tx, [key.id for key in keys]) if beside else ())])


def digest_of(keys: Sequence[Sequence[Any]]) -> str:
    """What stands for these rows in a form: it tells them from any others, and nobody what they are."""
    written = "; ".join(",".join(map(str, key)) for key in keys)
    return keyring.current().digest(KeyPurpose.TOKEN, f"rows that fit\0{written}".encode()).hex()
