"""What legal holds keep: every row that would go if what is held were erased.

So there is one question for all that erases: does it take a row that goes with something held? A class with
a held child does, since the child's place goes with the class; so does the account of a held child's parent,
with which the link to the child goes.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    exists,
    false,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import DeclarativeBase

from backoffice.access.transaction import Transaction
from backoffice.audit.models import AuditDetail
from backoffice.privacy.erasure import beside, trail
from backoffice.privacy.erasure.plan import MODELS, Plan, plan_for
from backoffice.privacy.erasure.reach import Each, Numbers, Part, cascading, parts_of, parts_of_each
from backoffice.privacy.holdings import Holder, Subject, Target
from backoffice.privacy.holds.models import STOPS, LegalHold
from backoffice.storage import functions
from backoffice.storage.marks import array_of
from backoffice.storage.numbers import one_of
from backoffice.storage.prepared import after

_KEPT, _FROZEN = "what legal holds keep", "nobody proposes one"


@dataclass(frozen=True)
class Installed:
    """All tables that there are, and what else holds something about somebody."""

    tables: tuple[Table, ...] = ()
    holders: tuple[Holder, ...] = ()


_installed = Installed()


def install(tables: Iterable[Table], holders: Iterable[Holder]) -> None:
    """Make these the tables and the holders of the process."""
    global _installed  # noqa: PLW0603 - a process has one set of tables
    _installed = Installed(tuple(tables), tuple(holders))


def installed() -> Installed:
    """The tables and the holders of the process."""
    return _installed


def freeze_holds(tx: Transaction) -> None:
    """Have nobody propose a hold until the transaction ends, and look up those that there are by then."""
    if _FROZEN not in tx.info:
        tx.info[_KEPT] = tuple(_look(tx, frozen=True))
        tx.info[_FROZEN] = True


def is_kept(tx: Transaction, plan: Plan) -> bool:
    """Whether a plan would take something that a hold keeps. As the system only."""
    pairs = [
        (target, held) for target in plan.targets for held in _targets(tx) if not _far_apart(target, held)
    ]
    shared = [each for target, held in pairs for each in _shared(target, held)]
    return bool(shared) and bool(tx.scalar(select(or_(*shared))))


def kept_among(tx: Transaction, school: int, students: Collection[int]) -> list[int]:
    """Those of these students of whom a hold keeps something. As the system only."""
    whole = Target(Subject.STUDENT, tuple(students), school)
    if not is_kept(tx, Plan((whole,))):
        return []
    root: Any = MODELS[Subject.STUDENT].__table__
    each = root.alias()
    known: dict[str, Numbers] = {"school_id": frozenset((school,)), "id": Each(each.c.id)}
    goes = {part.table: part for part in parts_of_each(root, known, _installed.tables)}
    near = [held for held in _targets(tx) if not _far_apart(whole, held)]
    shared = [condition for held in near for condition in _shared_by(goes, _parts(held))]
    these = select(each.c.id).where(each.c.school_id == school, one_of(each.c.id, students), or_(*shared))
    return list(tx.scalars(these.order_by(each.c.id)))


def is_subject_kept(tx: Transaction, subject: Subject, number: int) -> bool:
    """Whether erasing this would take something that a hold keeps. As the system only."""
    if not _targets(tx):
        return False
    plan = plan_for(tx, subject, number)
    return plan is not None and is_kept(tx, plan)


def kept_rows(tx: Transaction, model: type[DeclarativeBase]) -> ColumnElement[bool] | None:
    """The condition that a row of a table, or one that would go with it, is kept by a hold.

    None where none is. Of a subject only whether it is held itself: `is_subject_kept` asks about the rest. As
    the system only.
    """
    table: Any = model.__table__
    return _kept(table, _targets(tx), below=model not in MODELS.values())


def _kept(table: Table, targets: Sequence[Target], *, below: bool) -> ColumnElement[bool] | None:
    found = [each for held in targets for each in _kept_of(table, held)]
    for lower in _installed.tables if below else ():
        for key in cascading(lower):
            if key.referred_table is table and (within := _kept(lower, targets, below=True)) is not None:
                own = [pair.column for pair in key.elements]
                theirs = select(*(pair.parent for pair in key.elements)).where(within)
                found.append((tuple_(*own) if len(own) > 1 else own[0]).in_(theirs))
    # A key that may be empty makes a condition neither true nor false.
    return func.coalesce(or_(*found), false()) if found else None


def _targets(tx: Transaction) -> Sequence[Target]:
    """Everything that would go with what is held. Looked up once in a transaction."""
    found: Sequence[Target] | None = tx.info.get(_KEPT)
    if found is None:
        found = tx.info[_KEPT] = tuple(_look(tx))
    return found


def _look(tx: Transaction, *, frozen: bool = False) -> Iterator[Target]:
    stops = select(LegalHold.subject, LegalHold.subject_id).where(LegalHold.state.in_(STOPS)).distinct()
    first = after(functions.HOLDS_LOCKED) if frozen else {}
    for subject, number in tx.rows(stops.execution_options(**first)):
        assert number is not None
        plan = plan_for(tx, Subject(subject), number)
        if plan is not None:
            yield from plan.targets


def _far_apart(one: Target, other: Target) -> bool:
    """Whether no row can be of both: they are of different schools."""
    schools, others = _school_of(one), _school_of(other)
    return bool(schools and others) and schools.isdisjoint(others)


def _school_of(target: Target) -> frozenset[int]:
    if target.subject is Subject.SCHOOL:
        return frozenset(target.numbers)
    return frozenset() if target.school is None else frozenset((target.school,))


def _parts(target: Target) -> Mapping[Table, Part]:
    model: Any = MODELS[target.subject]
    return {part.table: part for part in parts_of(model.__table__, target.key, _installed.tables)}


def _condition(part: Part) -> ColumnElement[bool]:
    return or_(*(way.condition(part.table) for way in part.ways))


def _shared(target: Target, held: Target) -> Iterator[ColumnElement[bool]]:
    return _shared_by(_parts(target), _parts(held))


def _shared_by(goes: Mapping[Table, Part], stays: Mapping[Table, Part]) -> Iterator[ColumnElement[bool]]:
    for table in goes.keys() & stays.keys():
        both = and_(_condition(goes[table]), _condition(stays[table]))
        yield exists(select(1).select_from(table).where(both))


def _kept_of(table: Table, held: Target) -> Iterator[ColumnElement[bool]]:
    part = _parts(held).get(table)
    if part is not None:
        yield _condition(part)
    for each in (*beside.HELD, *(it for holder in _installed.holders for it in holder.personal_data)):
        if each.model.__table__ is table and each.subject is held.subject and each.rows is not None:
            yield each.rows(held)
    if table is AuditDetail.__table__:
        yield from _details_about(held)


def _details_about(held: Target) -> Iterator[ColumnElement[bool]]:
    """Details of the trail that are about what is held: sealed, so that no key leads to them."""
    if held.subject is Subject.SCHOOL:
        yield one_of(AuditDetail.school_id, held.numbers)
    elif held.subject in trail.KINDS:
        about: Any = AuditDetail.about
        yield about.op("&&", is_comparison=True)(array_of(held.marks))
