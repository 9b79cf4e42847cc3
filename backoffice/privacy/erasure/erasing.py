"""Carrying out an erasure: into the ledger, out of the database, looked through again, and a receipt.

Each step is a transaction that notes how far the erasure is. Killed between two of them, it goes on where it
was; killed within one, nothing of it has happened. From the ledger on there is no way back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, func, null, or_, select, update
from sqlalchemy.orm import DeclarativeBase

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.privacy.erasure import beside, ledger, letters, passing_on, receipts, trail
from backoffice.privacy.erasure.ledger import Issued, LedgerFile, Line
from backoffice.privacy.erasure.models import Erasure, Stage
from backoffice.privacy.erasure.plan import MODELS, Plan, plan_for
from backoffice.privacy.erasure.reach import Part, parts_of
from backoffice.privacy.holdings import Holder, PersonalData, Subject, Target
from backoffice.schools.models import Classroom, Student
from backoffice.storage.numbers import one_of

# In a stored plan, how many lines of the ledger it made.
MARKS = "marks"
LOCKED = (Subject.DISTRICT, Subject.SCHOOL, Subject.CLASSROOM, Subject.STUDENT, Subject.ACCOUNT)


class NotAllErased(Exception):
    """Something of the subject is still there after its erasure; names tables and numbers of rows."""


@dataclass(frozen=True)
class Eraser:
    """What carrying out needs: as whom, all tables that there are, who else holds something, the ledger."""

    who: Purpose
    tables: Sequence[Table]
    installed: Sequence[Holder]
    ledger: LedgerFile
    backups_kept: timedelta

    def carry_out(self, number: int) -> Stage:
        """Take an erasure as far as it goes; the stage that it is in then. Safe to repeat.

        Raises `LedgerError`, `NotAllErased`.
        """
        steps = {Stage.CONFIRMED: self._note, Stage.NOTED: self._erase, Stage.ERASED: self._verify}
        while True:
            with transaction(self.who) as tx:
                row = tx.scalars(select(Erasure).where(Erasure.id == number).with_for_update()).one()
                step = steps.get(Stage(row.stage))
                if step is None:
                    return Stage(row.stage)
                step(tx, row)

    def _note(self, tx: Transaction, row: Erasure) -> None:
        assert row.subject_id is not None
        if row.plan is None:
            # Kept before anything stands in the file: made anew after a failure, it could spare somebody
            # whom the file already has.
            plan = plan_for(tx, Subject(row.subject), row.subject_id)
            if plan is None:
                row.stage, row.subject_id, row.found = Stage.LAPSED, None, None
            else:
                row.plan = plan.stored()
            return
        plan, now = Plan.read(row.plan), clock.now()
        lines = [Line(mark, kind, row.public_id, now) for kind, mark in marks_of(tx, plan)]
        row.stage, row.noted_at, row.plan = Stage.NOTED, now, {**row.plan, MARKS: len(lines)}
        ledger.note(tx, lines)
        tx.flush()
        # Last: what stands in the file is erased, whatever becomes of this process.
        self.ledger.add(lines)

    def _erase(self, tx: Transaction, row: Erasure) -> None:
        plan = Plan.read(row.plan or {})
        self._lock(tx, plan)
        for passing in plan.passings:
            passing_on.pass_on(tx, passing, without=plan.of(Subject.ACCOUNT))
        row.counts = receipts.counted(self._sweep(tx, plan))
        row.stage, row.erased_at = Stage.ERASED, clock.now()

    def _lock(self, tx: Transaction, plan: Plan) -> None:
        """Wait for whoever is at work on what goes; in the order in which they wait themselves."""
        for target in sorted(plan.targets, key=lambda each: LOCKED.index(each.subject)):
            model: Any = MODELS[target.subject]
            rows = select(model.id).where(one_of(model.id, target.numbers)).order_by(model.id)
            tx.execute(rows.with_for_update())

    def _sweep(self, tx: Transaction, plan: Plan) -> Counter[str]:
        """Take away all that a plan erases; how many rows of each table."""
        counts: Counter[str] = Counter()
        for held, condition in self.conditions(plan):
            counts += self._take(tx, held, condition)
        counts["app.audit_detail"] += trail.forget(tx, plan)
        for target in plan.targets:
            for part in self.parts(target):
                counts[part.table.fullname] += _emptied(tx, part)
        return counts

    def _take(self, tx: Transaction, held: PersonalData, condition: ColumnElement[bool]) -> Counter[str]:
        """Take away what no key leads to, with all that hangs on it."""
        model: Any = held.model
        if held.blank:
            emptied = update(model).where(condition, _filled(held)).values(dict.fromkeys(held.blank, null()))
            return Counter({f"{_name(model)} emptied": _rowcount(tx.execute(emptied))})
        numbers = tx.scalars(select(model.id).where(condition)).all()
        parts = parts_of(model.__table__, {"id": numbers}, self.tables) if numbers else ()
        return Counter({part.table.fullname: _emptied(tx, part) for part in parts})

    def _verify(self, tx: Transaction, row: Erasure) -> None:
        plan = Plan.read(row.plan or {})
        left = self.left(tx, plan)
        if left:
            # Written by somebody who was at it meanwhile, such as a line of the trail.
            swept = self._sweep(tx, plan)
            row.counts = receipts.counted(swept + Counter(receipts.counts_of(row)))
            left = self.left(tx, plan)
        if left:
            said = ", ".join(f"{count} in {table}" for table, count in sorted(left.items()))
            raise NotAllErased(f"Left after erasing: {said}.")
        marks = int((row.plan or {}).get(MARKS, 0))
        record(tx, "erasures.verify", school_id=row.school_id, erasure=row.id)
        row.stage, row.verified_at = Stage.VERIFIED, clock.now()
        receipts.issue(row, plan, marks=marks, backups_kept=self.backups_kept)
        found = row.found
        row.plan, row.found, row.subject_id = None, None, None
        tx.flush()
        letters.tell_owner(tx, row, plan, found)
        assert row.receipt is not None
        assert row.signature is not None
        self.ledger.add([Issued(row.receipt, row.signature, row.school_id)])

    def left(self, tx: Transaction, plan: Plan) -> dict[str, int]:
        """What is there of everything that a plan erases, by table; nothing after its erasure."""
        asked = [(_name(held.model), _there(held, condition)) for held, condition in self.conditions(plan)]
        for target in plan.targets:
            for part in self.parts(target):
                asked += [(part.table.fullname, each) for each in part.counts()]
        found: Counter[str] = Counter()
        # All in one statement: a hundred questions and answers take longer than what is asked.
        answers = tx.execute(select(*(each.scalar_subquery() for _table, each in asked))).one()
        for (table, _each), count in zip(asked, answers, strict=True):
            found[table] += count
        gone = {kind: frozenset(plan.of(subject)) for subject, kind in trail.KINDS.items()}
        found["app.audit_detail"] += len(trail.found_in(tx, gone))
        found["app.audit_detail"] += trail.left_of(tx, plan.of(Subject.SCHOOL))
        return {table: count for table, count in found.items() if count}

    def parts(self, target: Target) -> list[Part]:
        """The tables that a target reaches, by foreign keys, in the order in which they are emptied."""
        model: Any = MODELS[target.subject]
        return parts_of(model.__table__, target.key, self.tables)

    def conditions(self, plan: Plan) -> Iterator[tuple[PersonalData, ColumnElement[bool]]]:
        """What no foreign key reaches, and by which condition."""
        holdings = [*beside.HELD, *(each for holder in self.installed for each in holder.personal_data)]
        for target in plan.targets:
            for held in holdings:
                if held.subject is target.subject and held.rows is not None:
                    yield held, held.rows(target)


def carry_out_all(eraser: Eraser, numbers: Iterable[int]) -> None:
    """Take each of these as far as it goes; one that fails keeps none of the others waiting.

    Raises the first failure when all have been tried.
    """
    failed: Exception | None = None
    for number in numbers:
        try:
            eraser.carry_out(number)
        except Exception as error:  # noqa: BLE001 - raised below
            failed = failed or error
    if failed is not None:
        raise failed


def marks_of(tx: Transaction, plan: Plan) -> Iterator[tuple[str, UUID]]:
    """Kind and mark of everything that goes: the subjects, and all that is in schools that go."""
    for target in plan.targets:
        model: Any = MODELS[target.subject]
        yield from _marked(
            tx, target.subject, select(model.public_id).where(one_of(model.id, target.numbers))
        )
        if target.subject is Subject.SCHOOL:
            for subject, inner in ((Subject.CLASSROOM, Classroom), (Subject.STUDENT, Student)):
                there = select(inner.public_id).where(one_of(inner.school_id, target.numbers))
                yield from _marked(tx, subject, there)


def _marked(tx: Transaction, kind: str, public_ids: Any) -> Iterator[tuple[str, UUID]]:
    return ((kind, ledger.mark_of(kind, each)) for each in tx.scalars(public_ids))


def _there(held: PersonalData, condition: ColumnElement[bool]) -> Select[int]:
    statement = select(func.count()).select_from(held.model).where(condition)
    return statement.where(_filled(held)) if held.blank else statement


def _filled(held: PersonalData) -> ColumnElement[bool]:
    return or_(*(getattr(held.model, name).is_not(None) for name in held.blank))


def _emptied(tx: Transaction, part: Part) -> int:
    return sum(_rowcount(tx.execute(each)) for each in part.deletes())


def _name(model: type[DeclarativeBase]) -> str:
    return str(model.__table__)


def _rowcount(result: Any) -> int:
    return int(result.rowcount)
