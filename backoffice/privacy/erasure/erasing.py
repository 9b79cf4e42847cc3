"""Carrying out an erasure: into the ledger, out of the database, looked through again, and a receipt.

Each step is a transaction that notes how far the erasure is. Killed between two of them, it goes on where it
was; killed within one, nothing of it has happened. From the ledger on there is no way back. What is large
goes in many transactions, so many rows each (`portions.py`), and the last of them takes the rest as it does
of what is small.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from backoffice.privacy.erasure import (
    beside,
    closing,
    following,
    ledger,
    passing_on,
    portions,
    receipts,
    trail,
)
from backoffice.privacy.erasure.ledger import LedgerFile, Line
from backoffice.privacy.erasure.models import AskedAs, Erasure, MergedMark, Stage
from backoffice.privacy.erasure.plan import (
    MODELS,
    Plan,
    may_follow,
    plan_for,
    seated_in,
    with_heirs_of_now,
    with_latecomers,
)
from backoffice.privacy.erasure.reach import Part, parts_of
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.privacy.holds import waiting
from backoffice.privacy.outside import Reaching
from backoffice.schools import grown_ups
from backoffice.schools.models import Classroom, Student
from backoffice.storage.numbers import one_of

# In a stored plan, how many lines of the ledger it made.
MARKS = "marks"
# With more rows than this, it goes in steps, and each takes at most so many.
LARGE, AT_ONCE = 50_000, 20_000
# PostgreSQL answers at most 1,664 questions in one statement; the schools of a district have more.
ASKED_AT_ONCE = 500
# So few students have never that many rows: counting them would take longer than erasing them.
FEW = 10
LOCKED = (Subject.DISTRICT, Subject.SCHOOL, Subject.CLASSROOM, Subject.STUDENT, Subject.ACCOUNT)


def untold(gone: int, planned: int) -> None:
    """Says nobody how far it is."""
    del gone, planned


class NotAllErased(Exception):
    """Something of the subject is still there after its erasure; names tables and numbers of rows."""


@dataclass(frozen=True)
class Eraser:
    """What carrying out needs: as whom, all tables that there are, who else holds something, the ledger."""

    who: Purpose
    tables: Sequence[Table]
    installed: Sequence[Reaching]
    ledger: LedgerFile
    backups_kept: timedelta
    large: int = LARGE
    at_once: int = AT_ONCE

    def carry_out(self, number: int, told: Callable[[int, int], None] = untold) -> Stage:
        """Take an erasure as far as it goes; the stage that it is in then. Safe to repeat.

        Of what is large, `told` hears after each step how many rows are gone, and of how many.

        Raises `LedgerError`, `NotAllErased`.
        """
        steps = {Stage.CONFIRMED: self._note, Stage.NOTED: self._erase, Stage.ERASED: self._verify}
        while True:
            with transaction(self.who) as tx:
                row = self._locked(tx, number)
                step = steps.get(Stage(row.stage))
                if step is None:
                    return Stage(row.stage)
                step(tx, row)
            if row.rows_planned is not None:
                told(row.rows_gone or 0, row.rows_planned)
            if row.stage not in steps:
                return Stage(row.stage)

    def _locked(self, tx: Transaction, number: int) -> Erasure:
        """The erasure, kept from everybody else; and first, those that whoever goes has asked for.

        They forget who asked when the account goes, and whoever carries one out has it locked before it waits
        for a class of that account.
        """
        row = tx.scalars(select(Erasure).where(Erasure.id == number).with_for_update()).one()
        people = Plan.read(row.plan).of(Subject.ACCOUNT) if row.plan else []
        if people:
            asked = select(Erasure.id).where(one_of(Erasure.asked_by, people)).order_by(Erasure.id)
            tx.execute(asked.with_for_update())
        return row

    def _note(self, tx: Transaction, row: Erasure) -> None:
        assert row.subject_id is not None
        subject = Subject(row.subject)
        model: Any = MODELS[subject]
        # Whoever merges at this moment, or is given the class, comes before, and is seen, or after, and is
        # refused.
        tx.execute(select(model.id).where(model.id == row.subject_id).with_for_update())
        if _is_taught_again(tx, row):
            row.stage, row.subject_id, row.found, row.plan = Stage.LAPSED, None, None, None
            return
        if row.plan is None:
            # Kept before anything stands in the file: made anew after a failure, it could spare somebody
            # whom the file already has.
            plan = plan_for(tx, subject, row.subject_id)
            if plan is None:
                row.stage, row.subject_id, row.found = Stage.LAPSED, None, None
            else:
                row.plan = plan.stored()
            return
        plan = Plan.read(row.plan)
        if waiting.stop(tx, row, plan):
            return
        row.stage, row.noted_at = Stage.NOTED, clock.now()
        if self._may_be_large(tx, plan):
            rows = sum(self.left(tx, plan).values())
            if rows > self.large:
                row.rows_planned, row.rows_gone = rows, 0
        self._enter(tx, row, plan, list(marks_of(tx, plan)))

    def _may_be_large(self, tx: Transaction, plan: Plan) -> bool:
        """Whether all rows are to be counted, which takes as long as verifying them: not of most classes."""
        if all(each.subject is Subject.STUDENT and len(each.numbers) <= FEW for each in plan.targets):
            return False
        asked = [
            each.scalar_subquery()
            for target in plan.targets
            for part in self.parts(target)
            if part.table.fullname in portions.TELLING
            for each in part.counts()
        ]
        some = (asked[start : start + ASKED_AT_ONCE] for start in range(0, len(asked), ASKED_AT_ONCE))
        found = sum(sum(tx.execute(select(*each)).one()) for each in some)
        return found * portions.BESIDE > self.large

    def _enter(self, tx: Transaction, row: Erasure, plan: Plan, marks: Sequence[tuple[str, UUID]]) -> None:
        """Have the ledger take marks of what is in a plan, and the erasure the plan."""
        lines = [Line(mark, kind, row.public_id, clock.now()) for kind, mark in marks]
        noted = int((row.plan or {}).get(MARKS, 0))
        row.plan = {**plan.stored(), MARKS: noted + len(lines)}
        if row.rows_planned is not None:
            portions.hide(tx, plan)
        ledger.note(tx, lines)
        tx.flush()
        # Last: what stands in the file is erased, whatever becomes of this process.
        ledger.add(tx, self.ledger, lines)

    def _erase(self, tx: Transaction, row: Erasure) -> None:
        plan = Plan.read(row.plan or {})
        anew = row.asked_as != AskedAs.LEDGER
        if row.rows_planned is not None and (
            waiting.stop(tx, row, plan) or self._take_some(tx, row, plan, anew=anew)
        ):
            return
        self._lock(tx, plan)
        if waiting.stop(tx, row, plan):
            return
        whole = with_heirs_of_now(tx, plan, anew=anew)
        if anew:
            # Somebody came in after the plan was made, or the other class of a child went meanwhile: the
            # ledger has them first, and then it begins anew. What a replay erases again, the ledger has.
            whole = with_latecomers(tx, whole)
            marks = list(marks_of(tx, whole))
            known = ledger.erased_among(tx, (mark for _kind, mark in marks))
            late = [(kind, mark) for kind, mark in marks if mark not in known]
            if late:
                self._enter(tx, row, whole, late)
                return
        plan = whole
        row.plan = {**(row.plan or {}), **plan.stored()}
        following.note_outside(tx, row, plan, self.installed)
        for passing in plan.passings:
            passing_on.pass_on(tx, passing, without=plan.of(Subject.ACCOUNT))
        passing_on.leave_guest_rooms(tx, plan.of(Subject.ACCOUNT))
        _counted(row, self._sweep(tx, plan))
        row.stage, row.erased_at, row.step = Stage.ERASED, clock.now(), None

    def _take_some(self, tx: Transaction, row: Erasure, plan: Plan, *, anew: bool) -> bool:
        """Take the next portion of what is large; whether there was one."""
        if row.step is None:
            # Both first, as where all goes at once: nobody would know any more what to erase outside, and
            # some of what is beside would go unnoticed with an account.
            following.note_outside(tx, row, plan, self.installed)
            # And so with classes in others' schools: by the places of whoever goes they are found.
            passing_on.leave_guest_rooms(tx, plan.of(Subject.ACCOUNT))
            _counted(row, self._take_beside(tx, self.held(plan)))
            row.step = portions.FIRST
            return True
        budget, went = self.at_once, Counter[str]()
        for name, part in portions.of(plan, self.parts, begun=row.step):
            row.step = name
            gone, late = self._take_of(tx, part, budget, anew=anew)
            went[part.table.fullname] += gone
            budget -= gone
            if late:
                self._enter(tx, row, plan, late)
            if late or not budget:
                break
        else:
            went["app.audit_detail"] += trail.forget_some(tx, plan.of(Subject.SCHOOL), budget)
            late = []
        _counted(row, went)
        return bool(late) or went.total() > 0

    @staticmethod
    def _take_of(tx: Transaction, part: Part, most: int, *, anew: bool) -> tuple[int, list[tuple[str, UUID]]]:
        """Take so many rows of a table at most; how many, and what the ledger has to have before the next."""
        taken = 0
        while taken < most:
            seen = portions.seen(tx, part, most - taken)
            late = portions.unknown(tx, part, seen) if anew else []
            gone = 0 if late else portions.take(tx, part, most - taken, seen)
            taken += gone
            if not gone:
                return taken, late
        return taken, []

    def _lock(self, tx: Transaction, plan: Plan) -> None:
        """Wait for whoever is at work on what goes; in the order in which they wait themselves.

        With classes wait all of their students: of two classes that go at once, one has a shared child.
        """
        for subject in LOCKED:
            model: Any = MODELS[subject]
            numbers = set(plan.of(subject))
            if subject is Subject.STUDENT:
                numbers.update(seated_in(tx, plan))
            elif subject is Subject.SCHOOL:
                numbers.update(each.school for each in plan.passings)
            elif subject is Subject.ACCOUNT:
                # Whoever is to go on with a school is not erased meanwhile, or has been by now.
                numbers.update(may_follow(tx, plan))
            if numbers:
                rows = select(model.id).where(one_of(model.id, numbers)).order_by(model.id)
                tx.execute(rows.with_for_update())

    def _sweep(self, tx: Transaction, plan: Plan) -> Counter[str]:
        """Take away all that a plan erases; how many rows of each table."""
        holdings = list(self.held(plan))
        parts = [part for target in plan.targets for part in self.parts(target)]
        # Most tables have nothing of a subject.
        asked = [select(1).where(_condition(*each)).exists() for each in holdings]
        there = _answers(tx, [*asked, *(part.there() for part in parts)])
        counts = self._take_beside(tx, compress(holdings, there))
        counts["app.audit_detail"] += trail.forget(tx, plan)
        for part in compress(parts, there[len(holdings) :]):
            counts[part.table.fullname] += _emptied(tx, part)
        return counts

    def _take_beside(self, tx: Transaction, found: Iterable[tuple[PersonalData, Target]]) -> Counter[str]:
        """Take away what no key leads to."""
        counts: Counter[str] = Counter()
        for held, target in found:
            counts += self._take(tx, held, target)
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
        outside = following.when_erased(tx, row, plan)
        left = self.left(tx, plan)
        if left:
            # Written by somebody who was at it meanwhile, such as a line of the trail.
            _counted(row, self._sweep(tx, plan))
            left = self.left(tx, plan)
        if left:
            said = ", ".join(f"{count} in {table}" for table, count in sorted(left.items()))
            raise NotAllErased(f"Left after erasing: {said}.")
        marks = int((row.plan or {}).get(MARKS, 0))
        record(tx, "erasures.verify", school_id=row.school_id, erasure=row.id)
        issued = ledger.issued_already(tx, self.ledger, row.public_id)
        if issued is not None:
            # Killed after the file had it: there is one receipt of an erasure.
            closing.end_with(tx, row, issued)
            return
        row.verified_at = clock.now()
        issued = receipts.issue(row, plan, marks=marks, backups_kept=self.backups_kept, outside=outside)
        closing.end_with(tx, row, issued)
        tx.flush()
        ledger.add(tx, self.ledger, [issued])

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


def carry_out_all(eraser: Eraser, numbers: Iterable[int], told: Callable[[int, int], None] = untold) -> None:
    """Take each of these as far as it goes; one that fails keeps none of the others waiting.

    Raises the first failure when all have been tried.
    """
    failed: Exception | None = None
    for number in numbers:
        try:
            eraser.carry_out(number, told)
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
    for start in range(0, len(asked), ASKED_AT_ONCE):
        found += tx.execute(select(*asked[start : start + ASKED_AT_ONCE])).one()
    return found


def _emptied(tx: Transaction, part: Part) -> int:
    return sum(_rowcount(tx.execute(each)) for each in part.deletes())


def _name(model: type[DeclarativeBase]) -> str:
    return str(model.__table__)


def _is_taught_again(tx: Transaction, row: Erasure) -> bool:
    """Whether a class was to go because it had lost its last teacher, and has one."""
    if row.subject != Subject.CLASSROOM or row.asked_as != AskedAs.RETENTION or waiting.in_ledger(tx, row):
        return False
    assert row.school_id is not None
    assert row.subject_id is not None
    return bool(grown_ups.taught_among(tx, row.school_id, [row.subject_id]))


def _counted(row: Erasure, went: Counter[str]) -> None:
    """Note what went of an erasure, with what had gone before."""
    row.counts = receipts.counted(went + Counter(receipts.counts_of(row)))
    if row.rows_gone is not None:
        # What only was emptied is none that goes.
        row.rows_gone += sum(count for table, count in went.items() if " " not in table)


def _rowcount(result: Any) -> int:
    return int(result.rowcount)
