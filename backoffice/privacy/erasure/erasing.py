"""Carrying out an erasure: into the ledger, out of the database, looked through again, and a receipt.

Each step is a transaction that notes how far the erasure is. Killed between two of them, it goes on where it
was; killed within one, nothing of it has happened. From the ledger on there is no way back. What is large
goes in many transactions, so many rows each (`portions.py`), and the last of them takes the rest as it does
of what is small.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Update,
    and_,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
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
    called_in,
    forget_targets,
    may_follow,
    plan_of,
    seated_in,
    with_heirs_of_now,
    with_latecomers,
)
from backoffice.privacy.erasure.reach import Part, Reach, parts_of, reach_of, said
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.privacy.holds import waiting
from backoffice.privacy.outside import Reaching
from backoffice.schools import grown_ups
from backoffice.storage.numbers import array_given, given, one_of
from backoffice.storage.prepared import PREPARED, after

# In a stored plan, how many marks in the ledger it made.
MARKS = "marks"
# With more rows than this, which take a second or two, it goes in steps, and each takes at most so many.
LARGE, AT_ONCE = 250_000, 50_000
# PostgreSQL answers at most 1,664 questions in one statement.
ASKED_AT_ONCE = 500
# So few students have never that many rows: counting them would take longer than erasing them.
FEW = 10
# What is asked is best read by its keys, whatever their numbers are. Else it would be planned for each of the
# first five erasures of a connection, and planning takes longer than most of the answers.
_PLANNED_ONCE = after("select set_config('plan_cache_mode', 'force_generic_plan', true)")
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

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One of an erasure's: its statements are planned once for a connection, which erases many times."""
        with transaction(self.who) as tx:
            tx.connection(execution_options=PREPARED)
            yield tx

    def carry_out(self, number: int, told: Callable[[int, int], None] = untold) -> Stage:
        """Take an erasure as far as it goes; the stage that it is in then. Safe to repeat.

        Of what is large, `told` hears after each step how many rows are gone, and of how many.

        Raises `LedgerError`, `NotAllErased`.
        """
        return Stage(self.carried_out(number, told).stage)

    def carried_out(self, number: int, told: Callable[[int, int], None] = untold) -> Erasure:
        """The same; the erasure as it is then."""
        steps = {Stage.CONFIRMED: self._note, Stage.NOTED: self._erase, Stage.ERASED: self._verify}
        try:
            while True:
                with self.transaction() as tx:
                    row = self._locked(tx, number)
                    step = steps.get(Stage(row.stage))
                    if step is None:
                        return row
                    step(tx, row)
                if row.rows_planned is not None:
                    told(row.rows_gone or 0, row.rows_planned)
                if row.stage not in steps:
                    return row
        finally:
            _asked_beside.cache_clear()
            forget_targets()

    def _locked(self, tx: Transaction, number: int) -> Erasure:
        """The erasure, kept from everybody else; and first, those that whoever goes has asked for.

        They forget who asked when the account goes, and whoever carries one out has it locked before it waits
        for a class of that account.
        """
        of_it = select(Erasure).where(Erasure.id == number).with_for_update()
        row = tx.scalars(of_it.execution_options(**_PLANNED_ONCE)).one()
        people = Plan.read(row.plan).of(Subject.ACCOUNT) if row.plan else []
        if people:
            asked = select(Erasure.id).where(one_of(Erasure.asked_by, people)).order_by(Erasure.id)
            tx.execute(asked.with_for_update())
        return row

    def decide(self, tx: Transaction, row: Erasure) -> None:
        """Find out what goes, and keep it; the erasure lapses where nothing is to go.

        Kept before anything stands in the file: made anew after a failure, it could spare somebody whom the
        file already has.
        """
        if not self._is_wanted(tx, row):
            return
        plan = plan_of(tx, row)
        if plan is None:
            row.end(Stage.LAPSED)
            return
        row.narrow(plan.of(Subject.STUDENT))
        row.plan = plan.stored()

    def _note(self, tx: Transaction, row: Erasure) -> None:
        if row.plan is None:
            self.decide(tx, row)
            return
        if not self._is_wanted(tx, row):
            return
        plan = waiting.without_kept(tx, row, Plan.read(row.plan))
        if waiting.stop(tx, row, plan):
            return
        rows, marks = self._rows_if_large(tx, plan), marks_of(tx, plan)
        if rows is not None:
            row.rows_planned, row.rows_gone = rows, 0
        row.stage, row.noted_at = Stage.NOTED, clock.now()
        self._enter(tx, row, plan, marks)

    @staticmethod
    def _is_wanted(tx: Transaction, row: Erasure) -> bool:
        """Whether it is still to go; its subjects stay as they are from here to the transaction's end.

        Whoever merges at this moment, or is given the class, comes before, and is seen, or after, and is
        refused.
        """
        _lock_rows(tx, Subject(row.subject), row.numbers)
        if _is_taught_again(tx, row):
            row.end(Stage.LAPSED)
        return row.stage != Stage.LAPSED

    def _rows_if_large(self, tx: Transaction, plan: Plan) -> int | None:
        """How many rows are to go, if they are so many that they go in portions."""
        if all(each.subject is Subject.STUDENT and len(each.numbers) <= FEW for each in plan.targets):
            return None
        # First of some tables: all rows take as long as verifying them, and most classes have few.
        some = self._counted(tx, plan, among=portions.TELLING).total()
        if some * portions.BESIDE <= self.large:
            return None
        # What no key reaches is little, but for what the trail remembers.
        rest = self._counted(tx, plan, but=portions.TELLING).total()
        rows = some + rest + trail.left_of(tx, plan.of(Subject.SCHOOL))
        return rows + sum(count for *_held, count in self._beside(tx, plan)) if rows > self.large else None

    def _enter(
        self, tx: Transaction, row: Erasure, plan: Plan, marks: Mapping[str, Collection[UUID]]
    ) -> None:
        """Have the ledger take marks of what is in a plan, by kind, and the erasure the plan."""
        now = clock.now()
        lines = [Line(tuple(these), kind, row.public_id, now) for kind, these in marks.items() if these]
        noted = int((row.plan or {}).get(MARKS, 0))
        row.plan = {**plan.stored(), MARKS: noted + sum(len(line.marks) for line in lines)}
        if row.rows_planned is not None:
            portions.hide(tx, plan)
        known = ledger.known_ends(tx)
        ledger.note(tx, lines)
        tx.flush()
        # Last: what stands in the file is erased, whatever becomes of this process.
        ledger.add(tx, self.ledger, lines, known)

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
            late = ledger.missing_among(tx, marks_of(tx, whole, noted=plan))
            if late:
                self._enter(tx, row, whole, late)
                return
        if whole != plan:
            plan = whole
            row.plan = {**(row.plan or {}), **plan.stored()}
        following.note_outside(tx, row, plan, self.installed)
        for passing in plan.passings:
            passing_on.pass_on(tx, passing, without=plan.of(Subject.ACCOUNT))
        passing_on.leave_guest_rooms(tx, plan.of(Subject.ACCOUNT))
        went = self._sweep(tx, plan)
        row.stage, row.erased_at, row.step = Stage.ERASED, clock.now(), None
        _counted(row, went)
        _lapse_previews(tx, plan)

    def _take_some(self, tx: Transaction, row: Erasure, plan: Plan, *, anew: bool) -> bool:
        """Take the next portion of what is large; whether there was one."""
        if row.step is None:
            # Both first, as where all goes at once: nobody would know any more what to erase outside, and
            # some of what is beside would go unnoticed with an account.
            following.note_outside(tx, row, plan, self.installed)
            # And so with classes in others' schools: by the places of whoever goes they are found.
            passing_on.leave_guest_rooms(tx, plan.of(Subject.ACCOUNT))
            _counted(row, self._take_beside(tx, plan))
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
            late = {}
        _counted(row, went)
        return bool(late) or went.total() > 0

    @staticmethod
    def _take_of(
        tx: Transaction, part: Part, most: int, *, anew: bool
    ) -> tuple[int, Mapping[str, Collection[UUID]]]:
        """Take so many rows of a table at most; how many, and what the ledger has to have before the next."""
        taken = 0
        while taken < most:
            seen = portions.seen(tx, part, most - taken)
            late = portions.unknown(tx, part, seen) if anew else {}
            gone = 0 if late else portions.take(tx, part, most - taken, seen)
            taken += gone
            if not gone:
                return taken, late
        return taken, {}

    def _lock(self, tx: Transaction, plan: Plan) -> None:
        """Wait for whoever is at work on what goes; in the order in which they wait themselves.

        With classes wait all of their students: of two classes that go at once, one has a shared child.
        """
        for subject in LOCKED:
            numbers = set(plan.of(subject))
            if subject is Subject.STUDENT:
                numbers.update(seated_in(tx, plan))
            elif subject is Subject.SCHOOL:
                numbers.update(each.school for each in plan.passings)
            elif subject is Subject.ACCOUNT:
                # Whoever is to go on with a school is not erased meanwhile, or has been by now.
                numbers.update(may_follow(tx, plan))
            if numbers:
                _lock_rows(tx, subject, numbers)

    def _sweep(self, tx: Transaction, plan: Plan) -> Counter[str]:
        """Take away all that a plan erases; how many rows of each table."""
        # Most tables have nothing of a subject.
        there = self._there(tx, plan)
        counts = self._take_beside(tx, plan)
        counts["app.audit_detail"] += trail.forget(tx, plan)
        for target, found in zip(plan.targets, there, strict=True):
            counts += _removed(tx, self.reach(target), target.key, found)
        return counts

    def _there(self, tx: Transaction, plan: Plan) -> list[Sequence[bool]]:
        """Of each target, and of each part that it reaches, whether there is any row of it."""
        return [tx.execute(self.reach(each).there, said(each.key)).one() for each in plan.targets]

    def _take_beside(self, tx: Transaction, plan: Plan) -> Counter[str]:
        """Take away what no key leads to."""
        counts: Counter[str] = Counter()
        for held, target, count in self._beside(tx, plan):
            if count:
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
        known = {"id": numbers}
        return _removed(tx, reach_of(model.__table__, known, self.tables), known) if numbers else Counter()

    def _verify(self, tx: Transaction, row: Erasure) -> None:
        plan = Plan.read(row.plan or {})
        outside, this_moment = following.when_erased(tx, row, plan)
        left = self.left(tx, plan)
        if left:
            # Written by somebody who was at it meanwhile, such as a line of the trail.
            _counted(row, self._sweep(tx, plan))
            left = self.left(tx, plan)
        if left:
            found = ", ".join(f"{count} in {table}" for table, count in sorted(left.items()))
            raise NotAllErased(f"Left after erasing: {found}.")
        record(tx, "erasures.verify", school_id=row.school_id, erasure=row.id)
        known = ledger.known_ends(tx)
        issued = ledger.issued_already(known, self.ledger, row.public_id)
        row.vacuum_after = this_moment
        if issued is not None:
            # Killed after the file had it: there is one receipt of an erasure.
            closing.end_with(tx, row, plan, issued)
            return
        row.verified_at = clock.now()
        marks = int((row.plan or {}).get(MARKS, 0))
        issued = receipts.issue(row, plan, marks=marks, backups_kept=self.backups_kept, outside=outside)
        closing.end_with(tx, row, plan, issued)
        tx.flush()
        ledger.add(tx, self.ledger, [issued], known)

    def left(self, tx: Transaction, plan: Plan) -> dict[str, int]:
        """What is there of everything that a plan erases, by table; nothing after its erasure."""
        found = self._counted(tx, plan)
        for held, _target, count in self._beside(tx, plan):
            found[_name(held.model)] += count
        found["app.audit_detail"] += len(trail.found_in(tx, trail.marks_of(plan)))
        found["app.audit_detail"] += trail.left_of(tx, plan.of(Subject.SCHOOL))
        return {table: count for table, count in found.items() if count}

    def _counted(
        self, tx: Transaction, plan: Plan, *, among: Collection[str] = (), but: Collection[str] = ()
    ) -> Counter[str]:
        """How many rows foreign keys reach: of these tables, or of all but these."""
        found: Counter[str] = Counter()
        for target in plan.targets:
            asked = self.reach(target).counts(among=among, but=but)
            if asked is not None:
                for table, count in zip(
                    asked.tables, tx.execute(asked.statement, said(target.key)).one(), strict=True
                ):
                    found[table] += count
        return found

    def _beside(self, tx: Transaction, plan: Plan) -> list[tuple[PersonalData, Target, int]]:
        """What no key leads to, of whom, and how many rows there are of it."""
        held, counts = list(self.held(plan)), list[int]()
        for start in range(0, len(held), ASKED_AT_ONCE):
            counts += tx.execute(_asked_beside(tuple(held[start : start + ASKED_AT_ONCE]))).one()
        return [(*each, count) for each, count in zip(held, counts, strict=True)]

    def reach(self, target: Target) -> Reach:
        """The same tables as `parts`, with statements that were built before."""
        model: Any = MODELS[target.subject]
        return reach_of(model.__table__, target.key, self.tables)

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


def marks_of(tx: Transaction, plan: Plan, *, noted: Plan | None = None) -> dict[str, list[UUID]]:
    """The marks of everything that goes, by kind: the subjects, all that is in schools, whoever was merged.

    Without those that the plan in `noted` names: with it they came into the ledger.
    """
    known = frozenset(each for target in noted.targets for each in target.outside) if noted else frozenset()
    found = defaultdict[str, list[UUID]](list)
    for target in plan.targets:
        # Of a school asked anew each time: somebody may have come in.
        named = (
            called_in(tx, target.numbers)
            if target.subject is Subject.SCHOOL
            else {target.subject: target.outside}
        )
        for subject, public_ids in named.items():
            found[subject] += ledger.marks_of(subject, (each for each in public_ids if each not in known))
        of_them = {Subject.STUDENT: MergedMark.student_id, Subject.SCHOOL: MergedMark.school_id}
        if target.subject in of_them:
            # A backup from before they were made one has them as students of their own.
            merged = select(MergedMark.mark).where(one_of(of_them[target.subject], target.numbers))
            found[Subject.STUDENT] += (row.mark for row in tx.rows(merged))
    return found


def _lock_rows(tx: Transaction, subject: Subject, numbers: Collection[int]) -> None:
    """Have these subjects stay as they are until the transaction ends. Whoever locks them waits in order."""
    model: Any = MODELS[subject]
    rows = select(model.id).where(one_of(model.id, numbers)).order_by(model.id).with_for_update()
    # Counted: nobody asks for ten thousand numbers that are known.
    tx.rows(select(func.count()).select_from(rows.subquery()))


# Erasing and verifying ask the same; what they ask about is forgotten with the erasure.
@lru_cache(maxsize=64)
def _asked_beside(held: tuple[tuple[PersonalData, Target], ...]) -> Select[Any]:
    """How many rows there are of each of these: a statement for each would take longer."""
    asked: list[Any] = [
        select(func.count()).select_from(each.model).where(_condition(each, target)).scalar_subquery()
        for each, target in held
    ]
    return select(*asked).execution_options(**PREPARED)


def _condition(held: PersonalData, target: Target) -> ColumnElement[bool]:
    assert held.rows is not None
    condition = held.rows(target)
    if not held.blank or held.instead is not None:
        return condition
    return and_(condition, or_(*(getattr(held.model, name).is_not(None) for name in held.blank)))


def _removed(
    tx: Transaction, reach: Reach, known: Mapping[str, Collection[int]], there: Sequence[bool] | None = None
) -> Counter[str]:
    """Delete all that is reached, or that part of which there is anything; how many rows of each table."""
    numbers, counts = said(known), Counter[str]()
    for part, removes, is_there in zip(
        reach.parts, reach.removes, there or [True] * len(reach.parts), strict=True
    ):
        if is_there:
            counts[part.table.fullname] += sum(_rowcount(tx.execute(each, numbers)) for each in removes)
    return counts


def _lapse_previews(tx: Transaction, plan: Plan) -> None:
    """Let what somebody else was shown of those who are gone lapse: it says what they were called."""
    tx.execute(_lapsing(), {str(each): frozenset(plan.of(each)) for each in Subject})


@lru_cache(maxsize=1)
def _lapsing() -> Update:
    chosen: Any = Erasure.chosen
    of_them = or_(
        given(Erasure.school_id, Subject.SCHOOL, one=False),
        chosen.op("&&", is_comparison=True)(array_given(Subject.STUDENT)),
        *(and_(Erasure.subject == each, given(Erasure.subject_id, each, one=False)) for each in Subject),
    )
    previews = update(Erasure).where(Erasure.stage.in_((Stage.LOOKING, Stage.PREVIEWED)), of_them)
    lapsed = {name: null() for name in ("subject_id", "chosen", "found")}
    return previews.values(stage=literal(Stage.LAPSED), **lapsed).execution_options(synchronize_session=False)


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
