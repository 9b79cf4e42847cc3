"""Asking for an erasure, and having it carried out."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Row, Text, any_, bindparam, cast, null, select
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.outbox.mail import Recipient
from backoffice.privacy.erasure import letters
from backoffice.privacy.erasure.erasing import Eraser, untold
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.plan import MODELS, Plan, plan_for, plan_for_students
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_kept
from backoffice.problems import Rejected
from backoffice.schools.models import Student
from backoffice.storage import functions
from backoffice.storage.marks import written
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import is_public_id, new_public_id

UNDER_WAY = lazy("This is being erased already.")
ONE_SCHOOL = lazy("Choose students of one school at a time: each school has a receipt of its own.")


@dataclass(frozen=True)
class Outlook:
    """What an erasure would take: subjects by kind, rows by table; and what passes to somebody else."""

    subjects: dict[str, int]
    rows: dict[str, int]
    passed_on: int
    # It would wait: there is an obligation to keep something of it.
    kept: bool = False

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


def outlook(*, eraser: Eraser, subject: Subject, public_id: str) -> Outlook:
    """What erasing this would take; it changes nothing. Raises `NotFound`."""
    with transaction(eraser.who) as tx:
        plan = plan_for(tx, subject, _place(tx, subject, public_id)[0])
        return _outlook(tx, eraser, plan)


def outlook_of_students(*, eraser: Eraser, public_ids: Collection[str]) -> Outlook:
    """The same of several students. Raises `NotFound`, `Rejected` as `erase_students` does."""
    with transaction(eraser.who) as tx:
        found = _students(tx, public_ids)
        return _outlook(tx, eraser, plan_for_students(tx, found[0].school_id, [each.id for each in found]))


def _outlook(tx: Transaction, eraser: Eraser, plan: Plan | None) -> Outlook:
    if plan is None:
        raise NotFound
    return Outlook(plan.subjects(), eraser.left(tx, plan), len(plan.passings), is_kept(tx, plan))


def erase(
    *,
    eraser: Eraser,
    subject: Subject,
    public_id: str,
    asked_as: AskedAs,
    told: Callable[[int, int], None] = untold,
) -> Erasure:
    """Erase it now, all the way to the receipt. `told` hears how many rows are gone, and of how many.

    Raises `NotFound`, `Rejected` if it is being erased already, `LedgerError` and `NotAllErased`.
    """
    try:
        with eraser.transaction() as tx:
            of, school = _place(tx, subject, public_id, lock=True)
            row = _confirmed(tx, subject, [of], school, asked_as)
            # It goes at once, so that nothing becomes of what is found out now until it does.
            eraser.decide(tx, row)
    except IntegrityError:
        raise Rejected.whole(UNDER_WAY) from None
    return eraser.carried_out(row.id, told)


def erase_students(
    *,
    eraser: Eraser,
    public_ids: Collection[str],
    asked_as: AskedAs,
    told: Callable[[int, int], None] = untold,
) -> Erasure:
    """The same of several students of one school, with one receipt for all of them.

    Raises `NotFound` if one of them is not there, `Rejected` if they are of several schools.
    """
    try:
        with eraser.transaction() as tx:
            found = _students(tx, public_ids)
            row = _confirmed(tx, Subject.STUDENT, [each.id for each in found], found[0].school_id, asked_as)
            eraser.decide(tx, row)
    except IntegrityError:
        raise Rejected.whole(UNDER_WAY) from None
    return eraser.carried_out(row.id, told)


def begin(
    *,
    eraser: Eraser,
    subject: Subject,
    public_id: str,
    asked_as: AskedAs,
    receipt_to: Sequence[Recipient] = (),
) -> int:
    """Note that this is to be erased, confirmed as it is; the number of the erasure.

    `receipt_to` are sent the receipt, whatever has become of their accounts by then. Raises `NotFound` and
    `Rejected`.
    """
    try:
        with transaction(eraser.who) as tx:
            of, school = _place(tx, subject, public_id)
            return _confirmed(tx, subject, [of], school, asked_as, receipt_to).id
    except IntegrityError:
        raise Rejected.whole(UNDER_WAY) from None


def _confirmed(
    tx: Transaction,
    subject: Subject,
    numbers: Sequence[int],
    school: int | None,
    asked_as: AskedAs,
    receipt_to: Sequence[Recipient] = (),
) -> Erasure:
    now = clock.now()
    row = Erasure(
        public_id=new_public_id(),
        subject=subject,
        school_id=school,
        stage=Stage.CONFIRMED,
        asked_as=asked_as,
        asked_at=now,
        confirmed_at=now,
        found=letters.kept(title_of(tx, subject, numbers[0]), receipt_to) if receipt_to else None,
    )
    row.choose(numbers)
    tx.add(row)
    tx.flush()
    if functions.erased_by_others(tx, number=row.id):
        raise Rejected.whole(UNDER_WAY)
    if asked_as is not AskedAs.RETENTION:
        # What goes by age may yet be held, or have a reason to stay: it closes nothing until it goes.
        functions.end_access(tx, erasure=row.id, at=now)
    # Not of what: that stands in the erasure, as long as there is something to erase.
    record(tx, "erasures.confirm", school_id=school, erasure=row.id, subject=str(subject))
    return row


def title_of(tx: Transaction, subject: Subject, number: int) -> str:
    """What a subject is called: by its name, an account by its address."""
    if subject is Subject.STUDENT:
        return titles_of_students(tx, [number])[0]
    model: Any = MODELS[subject]
    called = model.email if subject is Subject.ACCOUNT else model.name
    return str(tx.scalars(select(called).where(model.id == number)).one())


def titles_of_students(tx: Transaction, numbers: Collection[int]) -> list[str]:
    """The names of these students."""
    children = tx.scalars(select(Student).where(one_of(Student.id, numbers)).order_by(Student.id))
    return [" ".join(part for part in (each.given_name, each.family_name) if part) for each in children]


def not_ended(tx: Transaction) -> list[int]:
    """The numbers of the erasures that are to be carried out, the first first."""
    stages = (Stage.CONFIRMED, Stage.NOTED, Stage.ERASED)
    return list(tx.scalars(select(Erasure.id).where(Erasure.stage.in_(stages)).order_by(Erasure.id)))


def _place(
    tx: Transaction, subject: Subject, public_id: str, *, lock: bool = False
) -> tuple[int, int | None]:
    """Number and school of what is called so. With `lock` it stays as it is; an account is locked last."""
    model: Any = MODELS[subject]
    school = model.id if subject is Subject.SCHOOL else getattr(model, "school_id", null())
    which = select(model.id, school).where(model.public_id == public_id)
    if lock and subject is not Subject.ACCOUNT:
        which = which.with_for_update()
    found = tx.execute(which).one_or_none() if is_public_id(public_id) else None
    if found is None:
        raise NotFound
    return found[0], found[1]


def _students(tx: Transaction, public_ids: Collection[str]) -> Sequence[Row[int, int]]:
    """Number and school of each of these students, all of one school."""
    # As one value: a parameter each would take longer than all that follows.
    wanted = bindparam(None, written([*filter(is_public_id, public_ids)]), type_=Text, unique=True)
    these = Student.public_id == any_(cast(wanted, ARRAY(Text)))
    found = tx.rows(select(Student.id, Student.school_id).where(these))
    if not found or len(found) != len(set(public_ids)):
        raise NotFound
    of_one_school({each.school_id for each in found})
    return found


def of_one_school(schools: Collection[int]) -> int:
    """The only one of these schools. Raises `Rejected` if they are several: each has receipts of its own."""
    if len(schools) != 1:
        raise Rejected.whole(ONE_SCHOOL)
    return next(iter(schools))
