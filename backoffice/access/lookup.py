"""Finding one thing by its public identifier, or finding that it does not exist for this principal."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import DeclarativeBase

from backoffice.access.permissions import Permission
from backoffice.access.policy import Narrowed, kept_statement, rules, scope, visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction

T = TypeVar("T", bound=DeclarativeBase)


class Closed(Exception):
    """The principal may see the thing and otherwise do this, but it is kept as it is: an archived class."""


class NotFound(Exception):
    """There is no such thing, or none for this principal: the two are not told apart."""


def find(
    tx: Transaction,
    entity: type[T],
    public_id: str,
    *options: Any,
    permission: Permission | None = None,
    lock: bool = False,
) -> T:
    """The one row with this public identifier that the principal may see. Raises `NotFound`, `Closed`.

    With `permission`, one on which the principal holds it. `options` are loader options; `lock` keeps
    the row from changing until the transaction ends.
    """
    statement = select(entity).where(entity.public_id == public_id).options(*options)  # type: ignore[attr-defined]
    if lock:
        statement = statement.with_for_update(of=entity)
    found: T | None = tx.scalars(visible(tx.principal, statement, permission)).one_or_none()
    if found is None:
        rule = rules().get(entity)
        if (
            rule
            and rule.closes(permission)
            and tx.scalar(
                visible(tx.principal, select(entity), permission, closed=True)
                .where(entity.public_id == public_id)  # type: ignore[attr-defined]
                .with_only_columns(entity.public_id)  # type: ignore[attr-defined]
            )
        ):
            raise Closed
        raise NotFound
    return found


def reread(tx: Transaction, entity: type[T], public_id: str, permission: Permission | None) -> T:
    """The same as the database has it by now, whatever was read of it before. Raises as `find` does."""
    tx.expunge_all()
    return find(tx, entity, public_id, permission=permission)


def is_held_on_all(
    tx: Transaction, entity: type[DeclarativeBase], permission: Permission, things: Sequence[Any]
) -> bool:
    """Whether the principal holds the permission in all schools of these: the database need not say so again.

    If not, it may hold it on all of them still.
    """
    rule = rules().get(entity)
    if rule is None or not rule.school or rule.once or rule.closes(permission):
        return False
    return {getattr(each, rule.school, None) for each in things} <= scope(tx.principal, permission).schools


def held_on(
    tx: Transaction, entity: type[DeclarativeBase], permission: Permission, things: Sequence[Any]
) -> set[str]:
    """On which of these the principal holds the permission, as public identifiers; in one statement at most.

    The things are entities or rows with a public identifier, best with the column of their school as well.
    """
    if is_held_on_all(tx, entity, permission, things):
        return {each.public_id for each in things}
    column = entity.public_id  # type: ignore[attr-defined]
    found = rows_of(tx.principal, entity, permission)
    found = found.where(column.in_([each.public_id for each in things]))
    return set(tx.scalars(found.with_only_columns(column)))


def kept_rows_of(
    principal: Principal,
    entity: type[DeclarativeBase],
    permission: Permission | None = None,
    *,
    planned_once: bool = False,
) -> Narrowed:
    """The same as `rows_of`, as one statement for all who see by the same ways, and what it is told."""
    return kept_statement(principal, _whole(entity), permission, planned_once=planned_once)


@cache
def _whole(entity: type[DeclarativeBase]) -> Select[Any]:
    return select(entity)


def rows_of(principal: Principal, entity: type[T], permission: Permission | None = None) -> Select[T]:
    """All rows that the principal may see, or on which it holds `permission`; to be narrowed further."""
    return visible(principal, select(entity), permission)
