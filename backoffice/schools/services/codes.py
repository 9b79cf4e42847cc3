"""The codes of a class: the standing one, and one for a lesson beside it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_EDIT
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.models import Classroom, ClassroomCode, CodeKind, Door
from backoffice.schools.services import doors

CODE_TRIES = 5
LONGEST_LESSON = 180
LESSON = 60


def renew_code(*, principal: Principal, classroom: str, sign_out: bool = True) -> None:
    """Replace the class's standing code; the old one stops working at once. Raises `NotFound`.

    With `sign_out`, children who came in with it are signed out: the database ends a session with the code
    that began it.
    """
    with transaction(principal) as tx:
        renew(tx, find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True), sign_out=sign_out)


def renew(tx: Transaction, row: Classroom, *, sign_out: bool) -> None:
    """Replace the standing code of a class that is locked, within the transaction of a service."""
    _end(tx, row, CodeKind.STANDING, sessions_stay=not sign_out)
    issue_code(tx, school_id=row.school_id, classroom_id=row.id)
    record(tx, "classrooms.renew-code", school_id=row.school_id, classroom=row.id, signed_out=sign_out)


def issue_lesson_code(
    *, principal: Principal, classroom: str, minutes: int = LESSON, open_door: bool = False
) -> datetime:
    """Give the class a code of 7 for a lesson, beside the standing one; until when it works.

    It takes the place of one that still works; who came in with that stays in. With `open_door` the door is
    open for as long. Raises `Rejected`, `NotFound`.
    """
    if not 1 <= minutes <= LONGEST_LESSON:
        raise Rejected(minutes=gettext("Write a number of minutes from 1 to %(most)s.", most=LONGEST_LESSON))
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        until = doors.latest(tx, row, minutes) if open_door else clock.now() + timedelta(minutes=minutes)
        _end(tx, row, CodeKind.LESSON, sessions_stay=True)
        _issue(tx, row.school_id, row.id, codes.new_lesson_code, until)
        # A door that stands open longer is not closed earlier by it.
        shorter = row.door_until is None or row.door_until < until
        if open_door and row.door != Door.OPEN and shorter:
            doors.turn(row, Door.UNTIL, until)
        record(tx, "classrooms.lesson-code", school_id=row.school_id, classroom=row.id, minutes=minutes)
    return until


def end_lesson_code(*, principal: Principal, classroom: str, sign_out: bool = True) -> None:
    """Stop the class's lesson code now; with `sign_out`, who came in with it goes out. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        _end(tx, row, CodeKind.LESSON, sessions_stay=not sign_out)
        record(
            tx, "classrooms.end-lesson-code", school_id=row.school_id, classroom=row.id, signed_out=sign_out
        )


def issue_code(tx: Transaction, *, school_id: int, classroom_id: int) -> None:
    """Give the classroom a new standing code within the transaction of a service."""
    _issue(tx, school_id, classroom_id, codes.new_code, None)


def live_code(tx: Transaction, classroom: Classroom) -> str | None:
    """The standing code of the class, or None."""
    return tx.scalar(
        select(ClassroomCode.code).where(*_of(classroom, CodeKind.STANDING), is_live(clock.now()))
    )


def lesson_code(tx: Transaction, classroom: Classroom) -> tuple[str, datetime] | None:
    """The class's code for this lesson and until when it works, or None."""
    row = tx.execute(
        select(ClassroomCode.code, ClassroomCode.expires_at).where(
            *_of(classroom, CodeKind.LESSON), is_live(clock.now())
        )
    ).first()
    return (row.code, row.expires_at) if row else None


def is_live(at: datetime) -> ColumnElement[bool]:
    """The condition that a code works at a moment, if the door is open."""
    return and_(
        ClassroomCode.ended_at.is_(None),
        or_(ClassroomCode.expires_at.is_(None), ClassroomCode.expires_at > at),
    )


def _of(classroom: Classroom, kind: CodeKind) -> tuple[ColumnElement[bool], ...]:
    return (
        ClassroomCode.school_id == classroom.school_id,
        ClassroomCode.classroom_id == classroom.id,
        ClassroomCode.kind == kind,
    )


def _end(tx: Transaction, row: Classroom, kind: CodeKind, *, sessions_stay: bool) -> None:
    now, unended = clock.now(), (*_of(row, kind), ClassroomCode.ended_at.is_(None))
    # One that had run out ends late: whoever stops it says what becomes of its sessions all the same.
    tx.execute(update(ClassroomCode).where(*unended).values(ended_at=now, sessions_stay=sessions_stay))


def issue_codes(tx: Transaction, *, school_id: int, classrooms: Sequence[int], at: datetime) -> None:
    """Give many classrooms of a school their first standing codes. Raises `Rejected`."""
    for _ in range(CODE_TRIES):
        drawn = islice(codes.many_codes(), len(classrooms))
        numbers = tx.take_ids(ClassroomCode, len(classrooms))
        try:
            with tx.begin_nested():
                tx.execute(
                    insert(ClassroomCode).values(
                        [
                            {
                                "school_id": school_id,
                                "id": number,
                                "classroom_id": room,
                                "kind": CodeKind.STANDING,
                                "code": code,
                                "code_index": codes.index(code),
                                "issued_at": at,
                                "issued_by": tx.principal.account_id,
                            }
                            for number, room, code in zip(numbers, classrooms, drawn, strict=True)
                        ]
                    )
                )
        except IntegrityError:
            # One of them is another class's.
            continue
        return
    raise Rejected.whole(gettext("No codes could be made just now. Try once more."))


def _issue(
    tx: Transaction, school_id: int, classroom_id: int, draw: Callable[[], str], expires_at: datetime | None
) -> None:
    for _ in range(CODE_TRIES):
        code = draw()
        try:
            with tx.begin_nested():
                tx.execute(
                    insert(ClassroomCode).values(
                        school_id=school_id,
                        id=tx.take_id(ClassroomCode),
                        classroom_id=classroom_id,
                        kind=CodeKind.LESSON if expires_at else CodeKind.STANDING,
                        code=code,
                        code_index=codes.index(code),
                        issued_at=clock.now(),
                        issued_by=tx.principal.account_id,
                        expires_at=expires_at,
                    )
                )
        except IntegrityError:
            # Another live class has this code: one chance in a hundred thousand million codes.
            continue
        return
    raise Rejected.whole(gettext("No code could be made just now. Try once more."))
