"""The last changes of a record, and the one that somebody wants to put back."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from backoffice.access.lookup import NotFound
from backoffice.access.policy import visible
from backoffice.access.seen import Changed
from backoffice.access.transaction import Transaction
from backoffice.accounts import founders
from backoffice.changes.keeping import OF
from backoffice.changes.models import Change, JobChange, PluginChange
from backoffice.schools.queries import names_of

MOST = 20

C = TypeVar("C", bound=Change)


def last_changes(tx: Transaction, row: DeclarativeBase) -> Sequence[Change]:
    """The last changes of a record that the principal may change, newest first."""
    model, columns = OF[type(row)]
    of_row = (getattr(model, column) == getattr(row, own) for column, own in columns.items())
    statement = select(model).where(*of_row).order_by(model.id.desc()).limit(MOST)
    found: Sequence[Change] = tx.scalars(visible(tx.principal, statement)).all()  # type: ignore[assignment]
    return found


def changed_by(tx: Transaction, row: DeclarativeBase, field: str, now: Any) -> Changed | None:
    """Who gave a field the value that it has now, and when, while that is kept."""
    last = next((each for each in last_changes(tx, row) if each.field == field), None)
    if last is None or last.difference["after"] != now:
        return None
    own = last.by is not None and last.by == tx.principal.account_id
    return Changed(people_of(tx, [last]).get(last.by or 0), last.at, own)


def change_of(tx: Transaction, model: type[C], public_id: str) -> C:
    """The change with this identifier, if the principal may change what it is of. Raises `NotFound`."""
    found = tx.scalars(visible(tx.principal, select(model).where(model.public_id == public_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


def people_of(tx: Transaction, changes: Sequence[Change]) -> dict[int, str]:
    """The names of those who made these changes, as far as the principal may see them."""
    accounts = {change.by for change in changes if change.by is not None}
    if not accounts:
        return {}
    if any(isinstance(change, (PluginChange, JobChange)) for change in changes):
        return {number: name for number, name in founders.names(tx).items() if number in accounts}
    return names_of(tx, accounts)
