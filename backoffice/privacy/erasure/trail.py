"""What the trail remembers of somebody who is erased: that something was done, and never to whom or by whom.

An entry stays, and so does its commitment. Its detail goes with the last one whom it is about; one about
others too is sealed again without the number of whoever is erased, and says that it no longer matches. Its
nonce goes with that, so that no guess of who it was can be tested against the commitment.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Delete, Uuid, any_, bindparam, delete, func, select

from backoffice.access.transaction import Transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import kind_of, subjects_of
from backoffice.privacy.erasure.plan import Plan
from backoffice.privacy.holdings import Subject
from backoffice.storage import about
from backoffice.storage.numbers import one_of

KINDS = {
    Subject.STUDENT: about.STUDENT,
    Subject.CLASSROOM: about.CLASSROOM,
    Subject.ACCOUNT: about.ACCOUNT,
}


def forget(tx: Transaction, plan: Plan) -> int:
    """Take all that a plan erases out of the details of the trail; how many were touched."""
    gone = {kind: frozenset(plan.named_as(subject)) for subject, kind in KINDS.items()}
    whole = _of_schools(tx, plan.of(Subject.SCHOOL))
    entries = found_in(tx, gone)
    alone = _rows(tx, delete(AuditDetail).where(one_of(AuditDetail.entry_id, entries), _only(marks_of(gone))))
    emptied, touched = [], 0
    # In an order: two erasures that have a detail in common wait for one another in one direction.
    about_them = select(AuditDetail).where(one_of(AuditDetail.entry_id, entries))
    for row in tx.scalars(about_them.order_by(AuditDetail.entry_id).with_for_update()):
        rest = without(row.detail, gone)
        if subjects_of({**rest, "actor": {}}):
            row.detail, row.about, row.redacted = rest, subjects_of(rest), True
            row.address = row.address if rest["actor"] else None
            touched += 1
        else:
            emptied.append(row.entry_id)
    tx.flush()
    dropped = _rows(tx, delete(AuditDetail).where(one_of(AuditDetail.entry_id, emptied)))
    return whole + alone + touched + dropped


def marks_of(numbers: Mapping[str, Collection[int]]) -> list[UUID]:
    """The marks of these, by kind."""
    return [mark for kind, these in numbers.items() for mark in about.marks(kind, these)]


def found_in(tx: Transaction, numbers: Mapping[str, Collection[int]]) -> list[int]:
    """The entries whose details are about these, by kind."""
    wanted = bindparam("marks", marks_of(numbers), type_=ARRAY(Uuid))
    return list(tx.scalars(select(func.app.details_about(wanted).column_valued("entry_id"))))


def without(detail: Mapping[str, Any], gone: Mapping[str, Collection[int]]) -> dict[str, Any]:
    """A detail without the numbers of whoever is erased; an actor that is has no session either."""
    rest: dict[str, Any] = {}
    for name, value in detail.items():
        if name == "actor":
            left = without(value, gone)
            rest[name] = value if left == value else {}
        elif (kind := kind_of(name, value)) is None:
            rest[name] = value
        elif isinstance(value, list | tuple):
            rest[name] = [each for each in value if each not in gone[kind]]
        elif value not in gone[kind]:
            rest[name] = value
    return rest


def left_of(tx: Transaction, schools: Collection[int]) -> int:
    """How many details of entries of these schools there are."""
    if not schools:
        return 0
    entries = select(AuditEntry.id).where(one_of(AuditEntry.school_id, schools))
    return tx.scalar(select(func.count()).where(AuditDetail.entry_id.in_(entries))) or 0


def forget_some(tx: Transaction, schools: Collection[int], most: int) -> int:
    """Delete so many details of entries of these schools at most; how many there were."""
    if not schools:
        return 0
    some = (
        select(AuditDetail.entry_id)
        .join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
        .where(one_of(AuditEntry.school_id, schools))
        .limit(most)
        .correlate(None)
    )
    return _rows(
        tx, delete(AuditDetail).where(AuditDetail.entry_id == any_(func.array(some.scalar_subquery())))
    )


def _of_schools(tx: Transaction, schools: Collection[int]) -> int:
    if not schools:
        return 0
    entries = select(AuditEntry.id).where(one_of(AuditEntry.school_id, schools))
    return _rows(tx, delete(AuditDetail).where(AuditDetail.entry_id.in_(entries)))


def _only(marks: Sequence[UUID]) -> ColumnElement[bool]:
    """About nobody else: nothing of it needs to be opened."""
    column: Any = AuditDetail.about
    return column.op("<@", is_comparison=True)(bindparam(None, marks, type_=ARRAY(Uuid), unique=True))  # type: ignore[no-any-return]


def _rows(tx: Transaction, statement: Delete) -> int:
    return int(tx.execute(statement).rowcount)  # type: ignore[attr-defined]
