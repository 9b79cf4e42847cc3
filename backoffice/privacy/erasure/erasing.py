"""Carrying out an erasure: into the ledger, out of the database, looked through again, and a receipt.

Each step is a transaction that notes how far the erasure is. Killed between two of them, it goes on where it
was; killed within one, nothing of it has happened. From the ledger on there is no way back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import compress
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, null, or_, select, update
from sqlalchemy.orm import DeclarativeBase

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.privacy.erasure import beside, ledger, letters, passing_on, receipts, trail
from backoffice.privacy.erasure.ledger import Issued, LedgerFile, Line
from backoffice.privacy.erasure.models import AskedAs, Erasure, MergedMark, Stage
from backoffice.privacy.erasure.plan import MODELS, Plan, plan_for, seated_in, with_latecomers
from backoffice.privacy.erasure.reach import Part, parts_of
from backoffice.privacy.holdings import Holder, PersonalData, Subject, Target
from backoffice.schools.models import Classroom, Student
from backoffice.storage.numbers import one_of

# In a stored plan, how many lines of the ledger it made.
MARKS = "marks"
# PostgreSQL answers at most 1,664 questions in one statement; the schools of a district have more.
AT_ONCE = 500
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
            if row.stage not in steps:
                return Stage(row.stage)

    def _note(self, tx: Transaction, row: Erasure) -> None:
        assert row.subject_id is not None
        if row.plan is None:
            # Kept before anything stands in the file: made anew after a failure, it could spare somebody
            # whom the file already has.
            # Whoever merges at this moment comes before, and is seen, or after, and is refused.
            subject = Subject(row.subject)
            model: Any = MODELS[subject]
            tx.execute(select(model.id).where(model.id == row.subject_id).with_for_update())
            plan = plan_for(tx, subject, row.subject_id)
            if plan is None:
                row.stage, row.subject_id, row.found = Stage.LAPSED, None, None
            else:
                row.plan = plan.stored()
            return
        row.stage, row.noted_at = Stage.NOTED, clock.now()
        plan = Plan.read(row.plan)
        self._enter(tx, row, plan, list(marks_of(tx, plan)))

    def _enter(self, tx: Transaction, row: Erasure, plan: Plan, marks: Sequence[tuple[str, UUID]]) -> None:
        """Have the ledger take marks of what is in a plan, and the erasure the plan."""
        lines = [Line(mark, kind, row.public_id, clock.now()) for kind, mark in marks]
        noted = int((row.plan or {}).get(MARKS, 0))
        row.plan = {**plan.stored(), MARKS: noted + len(lines)}
        ledger.note(tx, lines)
        tx.flush()
        # Last: what stands in the file is erased, whatever becomes of this process.
        ledger.add(tx, self.ledger, lines)

    def _erase(self, tx: Transaction, row: Erasure) -> None:
        plan = Plan.read(row.plan or {})
        self._lock(tx, plan)
        if row.asked_as != AskedAs.LEDGER:
            # Somebody came in after the plan was made, or the other class of a child went meanwhile: the
            # ledger has them first, and then it begins anew. What a replay erases again, the ledger has.
            whole = with_latecomers(tx, plan)
            marks = list(marks_of(tx, whole))
            known = ledger.erased_among(tx, (mark for _kind, mark in marks))
            late = [(kind, mark) for kind, mark in marks if mark not in known]
            if late:
                self._enter(tx, row, whole, late)
                return
        for passing in plan.passings:
            passing_on.pass_on(tx, passing, without=plan.of(Subject.ACCOUNT))
        passing_on.leave_guest_rooms(tx, plan.of(Subject.ACCOUNT))
        row.counts = receipts.counted(self._sweep(tx, plan))
        row.stage, row.erased_at = Stage.ERASED, clock.now()

    def _lock(self, tx: Transaction, plan: Plan) -> None:
        """Wait for whoever is at work on what goes; in the order in which they wait themselves.

        With classes wait all of their students: of two classes that go at once, one has a shared child.
        """
        for subject in LOCKED:
            model: Any = MODELS[subject]
            numbers = set(plan.of(subject))
            if subject is Subject.STUDENT:
                numbers.update(seated_in(tx, plan))
            if numbers:
                rows = select(model.id).where(one_of(model.id, numbers)).order_by(model.id)
                tx.execute(rows.with_for_update())

    def _sweep(self, tx: Transaction, plan: Plan) -> Counter[str]:
        """Take away all that a plan erases; how many rows of each table."""
        counts: Counter[str] = Counter()
        holdings = list(self.held(plan))
        parts = [part for target in plan.targets for part in self.parts(target)]
        # Most tables have nothing of a subject.
        asked = [select(1).where(_condition(*each)).exists() for each in holdings]
        there = _answers(tx, [*asked, *(part.there() for part in parts)])
        for held, target in compress(holdings, there):
            counts += self._take(tx, held, target)
        counts["app.audit_detail"] += trail.forget(tx, plan)
        for part in compress(parts, there[len(holdings) :]):
            counts[part.table.fullname] += _emptied(tx, part)
        return counts

    def _take(self, tx: Transaction, held: PersonalData, target: Target) -> Counter[str]:
        """Take away what no key leads to, with all that hangs on it."""
        model: Any = held.model
        condition = _condition(held, target)
        if held.blank:
            values = {name: null() for name in held.blank} if held.instead is None else held.instead(target)
            emptied = update(model).where(condition).values(values)
            return Counter({f"{_name(model)} emptied": _rowcount(tx.execute(emptied))})
        if "id" not in model.__table__.c:
            # What has no number of its own has nothing that hangs on it.
            return Counter({_name(model): _rowcount(tx.execute(delete(model).where(condition)))})
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
        ledger.add(tx, self.ledger, [Issued(row.receipt, row.signature, row.school_id)])

    def left(self, tx: Transaction, plan: Plan) -> dict[str, int]:
        """What is there of everything that a plan erases, by table; nothing after its erasure."""
        asked = [(_name(held.model), _there(held, target)) for held, target in self.held(plan)]
        for target in plan.targets:
            for part in self.parts(target):
                asked += [(part.table.fullname, each) for each in part.counts()]
        found: Counter[str] = Counter()
        answers = _answers(tx, [each.scalar_subquery() for _table, each in asked])
        for (table, _each), count in zip(asked, answers, strict=True):
            found[table] += count
        gone = {kind: frozenset(plan.named_as(subject)) for subject, kind in trail.KINDS.items()}
        found["app.audit_detail"] += len(trail.found_in(tx, gone))
        found["app.audit_detail"] += trail.left_of(tx, plan.of(Subject.SCHOOL))
        return {table: count for table, count in found.items() if count}

    def parts(self, target: Target) -> list[Part]:
        """The tables that a target reaches, by foreign keys, in the order in which they are emptied."""
        model: Any = MODELS[target.subject]
        return parts_of(model.__table__, target.key, self.tables)

    def held(self, plan: Plan) -> Iterator[tuple[PersonalData, Target]]:
        """What no foreign key reaches, and of which of those who go."""
        holdings = [*beside.HELD, *(each for holder in self.installed for each in holder.personal_data)]
        for target in plan.targets:
            for held in holdings:
                if held.subject is target.subject and held.rows is not None:
                    yield held, target


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
    """Kind and mark of everything that goes: the subjects, all that is in schools, whoever was merged."""
    for target in plan.targets:
        model: Any = MODELS[target.subject]
        yield from _marked(
            tx, target.subject, select(model.public_id).where(one_of(model.id, target.numbers))
        )
        if target.subject is Subject.STUDENT:
            yield from _merged(tx, one_of(MergedMark.student_id, target.numbers))
        if target.subject is Subject.SCHOOL:
            yield from _merged(tx, one_of(MergedMark.school_id, target.numbers))
            for subject, inner in ((Subject.CLASSROOM, Classroom), (Subject.STUDENT, Student)):
                there = select(inner.public_id).where(one_of(inner.school_id, target.numbers))
                yield from _marked(tx, subject, there)


def _merged(tx: Transaction, kept: ColumnElement[bool]) -> Iterator[tuple[str, UUID]]:
    """Those who were made one with them: a backup from before has them as students of their own."""
    return ((str(Subject.STUDENT), mark) for mark in tx.scalars(select(MergedMark.mark).where(kept)))


def _marked(tx: Transaction, kind: str, public_ids: Any) -> Iterator[tuple[str, UUID]]:
    return ((kind, ledger.mark_of(kind, each)) for each in tx.scalars(public_ids))


def _there(held: PersonalData, target: Target) -> Select[int]:
    return select(func.count()).select_from(held.model).where(_condition(held, target))


def _condition(held: PersonalData, target: Target) -> ColumnElement[bool]:
    assert held.rows is not None
    condition = held.rows(target)
    if not held.blank or held.instead is not None:
        return condition
    return and_(condition, or_(*(getattr(held.model, name).is_not(None) for name in held.blank)))


def _answers(tx: Transaction, asked: Sequence[ColumnElement[Any]]) -> list[Any]:
    """What each of these comes to, many in one statement: a hundred ways there and back take longer."""
    found: list[Any] = []
    for start in range(0, len(asked), AT_ONCE):
        found += tx.execute(select(*asked[start : start + AT_ONCE])).one()
    return found


def _emptied(tx: Transaction, part: Part) -> int:
    return sum(_rowcount(tx.execute(each)) for each in part.deletes())


def _name(model: type[DeclarativeBase]) -> str:
    return str(model.__table__)


def _rowcount(result: Any) -> int:
    return int(result.rowcount)
