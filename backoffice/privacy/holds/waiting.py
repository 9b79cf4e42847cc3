"""Erasures that wait for a hold: they stop before anything of them goes, and go on by themselves."""

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.audit.trail import record
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure.models import AskedAs, Erasure, ErasureMark, Stage
from backoffice.privacy.erasure.plan import Plan, plan_for_students, plan_of
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import mails
from backoffice.privacy.holds.extent import freeze_holds, is_kept, kept_among
from backoffice.schools.models import Classroom, ClassroomCode, Door, Enrollment
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import new_public_id

# Whose wish it was that it goes, so that it is no longer used while it is kept.
WISHED = (AskedAs.TEACHER, AskedAs.LEADER, AskedAs.OWNER, AskedAs.COMMAND)


def stop(tx: Transaction, row: Erasure, plan: Plan) -> bool:
    """Whether an erasure has to wait for a hold. It does from then on, and nobody gets in to what is to go.

    Until the transaction ends nobody proposes a hold: one that comes later finds what is erased gone.
    """
    freeze_holds(tx)
    if not is_kept(tx, plan):
        return False
    row.stage, row.held_at, row.freed_at = Stage.HELD, row.held_at or clock.now(), None
    row.forget_names()
    if row.asked_as != AskedAs.LEDGER and not in_ledger(tx, row):
        # Months later something else may go with it. What the ledger has goes as it stands there. Lines that
        # a killed process wrote ahead into the file alone are not seen here: a replay takes what they mark.
        row.plan = None
    tx.flush()
    if row.asked_as in WISHED:
        _let_nobody_in(tx, row, plan)
    # In no school, as holds themselves: its leaders do not learn of them by the trail.
    record(tx, "erasures.wait", erasure=row.id)
    _tell_owner(tx, row)
    return True


def without_kept(tx: Transaction, row: Erasure, plan: Plan) -> Plan:
    """The plan of an erasure without those of several chosen students of whom a hold keeps something.

    They are set aside as an erasure of their own, which waits; all others go. Where nobody else is left, and
    once something of it stands in the ledger, all of them wait together.
    """
    if row.chosen is None or row.plan is None or in_ledger(tx, row):
        return plan
    assert row.school_id is not None
    freeze_holds(tx)
    kept = kept_among(tx, row.school_id, row.chosen)
    free = set(row.chosen).difference(kept)
    going = plan_for_students(tx, row.school_id, free) if kept and free else None
    staying = plan_for_students(tx, row.school_id, kept) if going else None
    if going is None or staying is None:
        return plan
    aside = Erasure(
        id=tx.take_id(Erasure),
        public_id=new_public_id(),
        subject=row.subject,
        chosen=kept,
        subjects=len(kept),
        school_id=row.school_id,
        stage=Stage.CONFIRMED,
        asked_by=row.asked_by,
        asked_as=row.asked_as,
        asked_at=row.asked_at,
        confirmed_at=row.confirmed_at,
        held_at=row.held_at,
    )
    row.narrow(going.of(Subject.STUDENT))
    row.plan = going.stored()
    tx.add(aside)
    tx.flush()
    record(tx, "erasures.set-aside", erasure=row.id, other=aside.id)
    stop(tx, aside, staying)
    return going


def _some_are_free(tx: Transaction, row: Erasure) -> bool:
    """Whether somebody of several chosen students is kept by no hold any more."""
    if row.chosen is None or in_ledger(tx, row):
        return False
    assert row.school_id is not None
    return len(kept_among(tx, row.school_id, row.chosen)) < len(row.chosen)


def in_ledger(tx: Transaction, row: Erasure) -> bool:
    """Whether something of an erasure stands in the ledger, from which there is no way back.

    After a restore it may, although the erasure knows nothing of it.
    """
    marks = select(ErasureMark.mark).where(ErasureMark.erasure == row.public_id).limit(1)
    return row.noted_at is not None or tx.scalar(marks) is not None


def resume(who: Purpose) -> int:
    """Let erasures go on whose holds are over; how many.

    What was to go by its age, and stands in no ledger, lapses instead: its period may have begun anew since,
    and the job that found it finds it again.
    """
    with transaction(who) as tx:
        held = list(tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.HELD).order_by(Erasure.id)))
    return sum(_resume(who, number) for number in held)


def _resume(who: Purpose, number: int) -> bool:
    with transaction(who) as tx:
        waits = select(Erasure).where(Erasure.id == number, Erasure.stage == Stage.HELD)
        row = tx.scalars(waits.with_for_update()).one_or_none()
        if row is None or not row.numbers:
            return False
        plan = Plan.read(row.plan) if row.plan else plan_of(tx, row)
        if plan is not None and is_kept(tx, plan) and not _some_are_free(tx, row):
            return False
        if row.asked_as == AskedAs.RETENTION and not in_ledger(tx, row):
            row.end(Stage.LAPSED)
            return False
        row.stage = Stage.NOTED if row.noted_at is not None else Stage.CONFIRMED
        row.freed_at = clock.now()
        record(tx, "erasures.go-on", erasure=row.id)
    return True


def _let_nobody_in(tx: Transaction, row: Erasure, plan: Plan) -> None:
    """End every way in to what somebody wants erased: accounts, classes with their codes, and children."""
    now = clock.now()
    accounts, rooms = plan.of(Subject.ACCOUNT), plan.of(Subject.CLASSROOM)
    if accounts:
        closed = update(Account).where(
            one_of(Account.id, accounts), Account.status != AccountStatus.DEACTIVATED
        )
        values = {
            "status": AccountStatus.DEACTIVATED,
            "deactivated_at": now,
            "security_epoch": Account.security_epoch + 1,
        }
        tx.execute(closed.values(values).execution_options(synchronize_session=False))
    schools = plan.of(Subject.SCHOOL)
    for room, code in (
        (one_of(Classroom.id, rooms), one_of(ClassroomCode.classroom_id, rooms)),
        (one_of(Classroom.school_id, schools), one_of(ClassroomCode.school_id, schools)),
    ):
        ended = update(ClassroomCode).where(code, ClassroomCode.ended_at.is_(None)).values(ended_at=now)
        tx.execute(ended.execution_options(synchronize_session=False))
        shut = {"door": Door.CLOSED, "door_until": None, "archived_at": now}
        archived = update(Classroom).where(room, Classroom.archived_at.is_(None)).values(shut)
        tx.execute(archived.execution_options(synchronize_session=False))
    if row.subject == Subject.STUDENT:
        # Only of a child by itself: a class finds by their places whom it takes along.
        places = update(Enrollment).where(
            one_of(Enrollment.student_id, plan.of(Subject.STUDENT)), Enrollment.ended_at.is_(None)
        )
        tx.execute(places.values(ended_at=now).execution_options(synchronize_session=False))


def _tell_owner(tx: Transaction, row: Erasure) -> None:
    """Write to whoever wants the own account erased that it is closed, and kept for now."""
    if row.asked_as != AskedAs.OWNER or row.subject_id is None or row.found is None:
        return
    address = tx.scalar(select(Account.email).where(Account.id == row.subject_id))
    if address is not None:
        to = Recipient(None, address, row.found["name"], row.found["language"])
        post(tx, mails.ACCOUNT_KEPT, to=to, parameters=mails.AccountKept(row.public_id))
