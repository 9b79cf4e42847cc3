"""What staff do about children's PINs: clear, unlock, require. The trail and the class's own page say it."""

from collections.abc import Collection

from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import PINS_CLEAR
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.settings import Throttles
from backoffice.storage import functions
from backoffice.students.pins import counting
from backoffice.students.pins import services as pins
from backoffice.students.pins.models import OverrideKind, PinOverride
from backoffice.throttles import locks


def clear_pins(
    *, principal: Principal, classroom: str, students: Collection[str] | None, throttles: Throttles
) -> int:
    """Take the PINs of these students of a class away, or of all; how many had one. Raises `NotFound`.

    They come in without one, or set another where the class requires it; who is in goes out.
    """
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=PINS_CLEAR, lock=True)
        chosen = enrolled(tx, room, students)
        cleared = functions.clear_pins(tx, school_id=room.school_id, students=chosen, at=clock.now())
        locks.unlock(tx, locks=[pins.by_student(each, throttles) for each in cleared])
        if cleared:
            _note(tx, room, OverrideKind.CLEARED, "pins.clear", cleared, one=students is not None)
    return len(cleared)


def unlock(*, principal: Principal, classroom: str, student: str | None, throttles: Throttles) -> bool:
    """Let a student, or with none the class, try again at once; whether anything was locked.

    With the class its tablets, and the devices at which its children were in the last 30 days.
    Raises `NotFound`.
    """
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=PINS_CLEAR, lock=True)
        chosen: list[int] = []
        if student is None:
            counted = counting.claims_of_class(tx, room, throttles)
            if not locks.used_up(tx, list(counted)):
                return False
            locks.unlock(tx, claims=counted)
        else:
            chosen = enrolled(tx, room, [student])
            held = {each: pins.by_student(each, throttles) for each in chosen}
            if not locks.held(tx, held):
                return False
            locks.unlock(tx, locks=held.values())
        _note(tx, room, OverrideKind.UNLOCKED, "pins.unlock", chosen, one=student is not None)
    return True


def require_pins(
    *, principal: Principal, classroom: str, required: bool, back: PutBack | None = None
) -> None:
    """Say whether each child of the class is asked for a PIN. Raises `NotFound`."""
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=PINS_CLEAR, lock=True)
        keep_change(tx, room, back, pins_required=(room.pins_required, required))
        if room.pins_required == required:
            return
        room.pins_required = required
        tx.flush()
        kind = OverrideKind.REQUIRED if required else OverrideKind.NOT_REQUIRED
        _note(tx, room, kind, "pins.require", [], one=False)


def enrolled(tx: Transaction, room: Classroom, students: Collection[str] | None) -> list[int]:
    """The numbers of those of these students who are in the class; with None, of all who are."""
    statement = (
        select(Enrollment.student_id)
        .join(Student, (Student.school_id == Enrollment.school_id) & (Student.id == Enrollment.student_id))
        .where(
            Enrollment.school_id == room.school_id,
            Enrollment.classroom_id == room.id,
            Enrollment.ended_at.is_(None),
        )
        .order_by(Enrollment.student_id)
    )
    if students is not None:
        statement = statement.where(Student.public_id.in_(students))
    return list(tx.scalars(statement))


def _note(
    tx: Transaction, room: Classroom, kind: OverrideKind, verb: str, students: Collection[int], *, one: bool
) -> None:
    number = tx.take_id(PinOverride)
    only = next(iter(students)) if one and len(students) == 1 else None
    tx.execute(
        insert(PinOverride).values(
            school_id=room.school_id,
            id=number,
            classroom_id=room.id,
            student_id=only,
            kind=kind,
            made_by=tx.principal.account_id,
            made_at=clock.now(),
        )
    )
    record(
        tx,
        verb,
        school_id=room.school_id,
        classroom=room.id,
        students=list(students),
        override=number,
        kind=str(kind),
    )
