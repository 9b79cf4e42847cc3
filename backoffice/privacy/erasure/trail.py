"""What the trail remembers of somebody who is erased: that something was done, and never to whom or by whom.

An entry stays, and so does its commitment. Its detail goes with the last one whom it is about; one about
others too is sealed again without the number of whoever is erased, and says that it no longer matches. Its
nonce goes with that, so that no guess of who it was can be tested against the commitment.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Delete,
    Select,
    and_,
    any_,
    bindparam,
    column,
    delete,
    func,
    select,
    tuple_,
)

from backoffice.access.transaction import Transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import kind_of, subjects_of
from backoffice.privacy.erasure.plan import Plan
from backoffice.privacy.holdings import Subject
from backoffice.storage import about
from backoffice.storage.marks import Marks, array_of
from backoffice.storage.numbers import one_of

KINDS = {
    Subject.STUDENT: about.STUDENT,
    Subject.CLASSROOM: about.CLASSROOM,
    Subject.ACCOUNT: about.ACCOUNT,
}


def forget(tx: Transaction, plan: Plan) -> int:
    """Take all that a plan erases out of the details of the trail; how many were touched."""
    marks = marks_of(plan)
    whole = _of_schools(tx, plan.of(Subject.SCHOOL))
    found = found_in(tx, marks)
    if not found:
        return whole
    gone = gone_with(plan)
    alone = _rows(tx, delete(AuditDetail).where(_these(found), _only(marks)))
    emptied, touched = dict[int, datetime](), 0
    # In an order: two erasures that have a detail in common wait for one another in one direction.
    about_them = select(AuditDetail).where(_these(found))
    for row in tx.scalars(about_them.order_by(AuditDetail.entry_id).with_for_update()):
        rest = without(row.detail, gone)
        if subjects_of({**rest, "actor": {}}):
            row.detail, row.about, row.redacted = rest, subjects_of(rest), True
            row.address = row.address if rest["actor"] else None
            touched += 1
        else:
            emptied[row.entry_id] = row.at
    tx.flush()
    dropped = _rows(tx, delete(AuditDetail).where(_these(emptied))) if emptied else 0
    return whole + alone + touched + dropped


def gone_with(plan: Plan) -> dict[str, frozenset[int]]:
    """Whom a plan erases, by the kinds and numbers by which the trail names them."""
    return {kind: frozenset(plan.named_as(subject)) for subject, kind in KINDS.items()}


def marks_of(plan: Plan) -> list[bytes]:
    """The marks by which details are found that are about whom a plan erases."""
    return [mark for each in plan.targets if each.subject in KINDS for mark in each.marks]


def found_in(tx: Transaction, marks: Collection[bytes]) -> dict[int, datetime]:
    """The entries whose details are about these, and from when each is."""
    return {row.entry_id: row.at for row in tx.execute(_details(), {"marks": marks})}


@lru_cache(maxsize=1)
def _details() -> Select[int, datetime]:
    found = func.app.details_about(bindparam("marks", type_=Marks())).table_valued(
        column("entry_id", BigInteger), column("at", DateTime(timezone=True)), name="found"
    )
    return select(found.c.entry_id, found.c.at)


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
    return tx.scalar(select(func.count()).where(_of_entries_of(schools))) or 0


def forget_some(tx: Transaction, schools: Collection[int], most: int) -> int:
    """Delete so many details of entries of these schools at most; how many there were."""
    if not schools:
        return 0
    key = tuple_(AuditDetail.entry_id, AuditDetail.at)
    some = select(AuditDetail.entry_id, AuditDetail.at).where(_of_entries_of(schools)).limit(most)
    return _rows(tx, delete(AuditDetail).where(key.in_(some.correlate(None))))


def _of_schools(tx: Transaction, schools: Collection[int]) -> int:
    if not schools:
        return 0
    return _rows(tx, delete(AuditDetail).where(_of_entries_of(schools)))


def _of_entries_of(schools: Collection[int]) -> ColumnElement[bool]:
    entries = select(AuditEntry.id, AuditEntry.at).where(one_of(AuditEntry.school_id, schools))
    return tuple_(AuditDetail.entry_id, AuditDetail.at).in_(entries)


def _these(found: Mapping[int, datetime]) -> ColumnElement[bool]:
    # By their moments too, so that the days on which nothing was done are not looked into.
    moments = bindparam(None, sorted(set(found.values())), type_=ARRAY(DateTime(timezone=True)), unique=True)
    return and_(one_of(AuditDetail.entry_id, found), AuditDetail.at == any_(moments))


def _only(marks: Sequence[bytes]) -> ColumnElement[bool]:
    """About nobody else: nothing of it needs to be opened."""
    about_whom: Any = AuditDetail.about
    return about_whom.op("<@", is_comparison=True)(array_of(marks))  # type: ignore[no-any-return]


def _rows(tx: Transaction, statement: Delete) -> int:
    return int(tx.execute(statement).rowcount)  # type: ignore[attr-defined]
