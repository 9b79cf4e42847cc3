"""Erasing again what a restored database has brought back, exactly as the ledger's file says.

Nothing is concluded anew from the old rows: a student who had moved to another class before the first one was
erased is in no line of the ledger, and stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.privacy.erasure import closing, fields, ledger, receipts
from backoffice.privacy.erasure.erasing import Eraser, carry_out_all
from backoffice.privacy.erasure.ledger import Issued, LedgerError, Line
from backoffice.privacy.erasure.models import UNDER_WAY, AskedAs, Erasure, ErasureMark, Stage
from backoffice.privacy.erasure.plan import MODELS, Passing, Plan, named, own_schools, plan_for
from backoffice.privacy.erasure.services import not_ended
from backoffice.privacy.holdings import Subject, Target
from backoffice.storage.public_id import new_public_id

# What goes with something goes before it.
ORDER = (Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL, Subject.ACCOUNT, Subject.DISTRICT)
AT_ONCE = 10_000


def replay(eraser: Eraser) -> dict[str, int]:
    """Erase again whatever of the ledger is there, and put back receipts; how many of each.

    A deleted field that is back counts as an erasure, and stays where a legal hold keeps something of it.
    Safe to repeat, and at any time. Raises `LedgerError` before it has changed anything.
    """
    with transaction(eraser.who) as tx:
        known = ledger.known_ends(tx)
        ahead = eraser.ledger.is_ahead(known)
        lines = list(eraser.ledger.lines())
        for some in _portions(line for line in lines if isinstance(line, Line)):
            ledger.note(tx, some)
        # Of one erasure the last: a process of an earlier release that was killed may have written two.
        issued = {line.number: line for line in lines if isinstance(line, Issued)}
        put_back = sum(_put_back(tx, line) for line in issued.values())
        begun, again = _begin(tx), fields.take_again(tx)
        if put_back or begun or again:
            record(tx, "erasures.replay", receipts=put_back, erasures=begun, fields=again)
        waiting = not_ended(tx)
        if ahead:
            ledger.add(tx, eraser.ledger, (), known)
    carry_out_all(eraser, waiting)
    return {"receipts": put_back, "erasures": len(waiting) + again}


def _portions(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines with so many marks at once that they are in one statement."""
    some, marks = list[Line](), 0
    for line in lines:
        some.append(line)
        marks += len(line.marks)
        if marks >= AT_ONCE:
            yield some
            some, marks = [], 0
    if some:
        yield some


def is_behind(eraser: Eraser) -> bool:
    """Whether the ledger's file knows of erasures that the database has forgotten, as after a restore.

    Raises `LedgerError` if the file has been cut.
    """
    with transaction(eraser.who) as tx:
        return eraser.ledger.is_ahead(ledger.known_ends(tx))


def _put_back(tx: Transaction, issued: Issued) -> bool:
    if not receipts.is_ours(issued.receipt, issued.signature):
        raise LedgerError("The ledger of erasures holds a receipt that is not ours. Put back a good copy.")
    told = receipts.read(issued.receipt)
    times = {f"{name}_at": datetime.fromisoformat(at) for name, at in told["times"].items() if at}
    known = tx.scalars(select(Erasure).where(Erasure.public_id == told["number"])).one_or_none()
    if known is not None:
        if known.stage == Stage.VERIFIED:
            return False
        if known.stage == Stage.ERASED:
            # Killed when the file had the receipt, and the database not yet.
            closing.end_with(tx, known, Plan.read(known.plan or {"targets": [], "passings": []}), issued)
            return True
        # The backup was made while it was under way: it has its receipt, and what is back is erased anew.
        tx.delete(known)
        tx.flush()
    tx.execute(
        insert(Erasure).values(
            id=tx.take_id(Erasure),
            public_id=told["number"],
            subject=told["subject"],
            subjects=receipts.subjects_of(told),
            school_id=issued.school,
            stage=Stage.VERIFIED,
            asked_as=told["asked_as"],
            receipt=issued.receipt,
            signature=issued.signature,
            **times,
        )
    )
    return True


def _begin(tx: Transaction) -> list[int]:
    """Note an erasure for each of the ledger of which something is there again; their numbers."""
    back: dict[str, dict[tuple[Subject, int | None], list[int]]] = defaultdict(lambda: defaultdict(list))
    # What is in the ledger and not yet gone is taken by the erasure that put it there: it may be begun of any
    # of its subjects, and one that a hold has stopped goes on when that is over.
    under_way = frozenset(tx.scalars(select(Erasure.public_id).where(Erasure.stage.in_(UNDER_WAY))))
    for subject in ORDER:
        for erasure, school, number in _back(tx, subject):
            if erasure not in under_way:
                back[erasure][subject, school].append(number)
    # A district can go when its schools are gone, whichever erasure takes them.
    ordered = sorted(back.values(), key=lambda found: any(of is Subject.DISTRICT for of, _school in found))
    noted = (_note(tx, found) for found in ordered)
    return [number for number in noted if number is not None]


def _note(tx: Transaction, found: dict[tuple[Subject, int | None], list[int]]) -> int | None:
    """None for what is being erased already."""
    targets = tuple(Target(subject, tuple(numbers), school) for (subject, school), numbers in found.items())
    last, number = targets[-1], tx.take_id(Erasure)
    under_way = (Erasure.subject == last.subject, Erasure.subject_id == last.numbers[-1])
    if tx.scalar(select(Erasure.id).where(*under_way, Erasure.stage.in_(UNDER_WAY))) is not None:
        return None
    plan = named(tx, Plan(targets, tuple(_passings(tx, targets))))
    tx.execute(
        insert(Erasure).values(
            id=number,
            public_id=new_public_id(),
            subject=last.subject,
            subject_id=last.numbers[-1],
            subjects=len(last.numbers),
            school_id=last.school,
            stage=Stage.CONFIRMED,
            asked_as=AskedAs.LEDGER,
            plan=plan.stored(),
            asked_at=clock.now(),
            confirmed_at=clock.now(),
        )
    )
    return number


def _back(tx: Transaction, subject: Subject) -> Iterator[tuple[str, int | None, int]]:
    """Erasure, school and number of each subject of a kind that is there and should not be."""
    erased: dict[UUID, str] = dict(
        tx.execute(select(ErasureMark.mark, ErasureMark.erasure).where(ErasureMark.kind == subject)).all()
    )
    if not erased:
        return
    model: Any = MODELS[subject]
    school = model.school_id if subject in {Subject.STUDENT, Subject.CLASSROOM} else None
    columns = (model.id, model.public_id, *((school,) if school is not None else ()))
    for number, public_id, *of in tx.execute(select(*columns)).yield_per(AT_ONCE):
        if (erasure := erased.get(ledger.mark_of(subject, public_id))) is not None:
            yield erasure, of[0] if of else None, number


def _passings(tx: Transaction, targets: tuple[Target, ...]) -> Iterator[Passing]:
    """Personal schools that went on with somebody else then, and do again.

    In a backup from before anybody else came they have nobody: they stay all the same, and lose the name.
    """
    schools = {number for each in targets if each.subject is Subject.SCHOOL for number in each.numbers}
    for each in targets:
        if each.subject is Subject.ACCOUNT:
            for number in each.numbers:
                plan = plan_for(tx, Subject.ACCOUNT, number)
                heirs = {it.school: it.heir for it in plan.passings} if plan else {}
                for school in tx.scalars(own_schools(number)).all():
                    if school not in schools:
                        yield Passing(school, heirs.get(school))
