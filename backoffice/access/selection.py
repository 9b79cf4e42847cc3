"""Which rows a verb is for: some by their identifiers, or all that fit, found anew by whoever does it."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import DeclarativeBase

from backoffice.access.lookup import rows_of
from backoffice.access.permissions import Permission
from backoffice.access.transaction import Transaction

# Narrows the rows that somebody may do this to; it opens no further ones.
Narrowing = Callable[[Transaction, Select[Any]], Select[Any]]
Which = Collection[str] | Narrowing


def selected(tx: Transaction, entity: type[DeclarativeBase], which: Which, permission: Permission) -> Any:
    """The numbers of these rows, as far as the principal holds the permission on them, as a statement."""
    rows = rows_of(tx.principal, entity, permission)
    narrowed = which(tx, rows) if callable(which) else rows.where(entity.public_id.in_(which))  # type: ignore[attr-defined]
    return narrowed.with_only_columns(entity.id)  # type: ignore[attr-defined]
