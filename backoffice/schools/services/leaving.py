"""Taking students out of all their classes at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, insert, literal, select, tuple_, update

from backoffice import clock
from backoffice.access.permissions import STUDENTS_UNENROLL
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record_by_school
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.roster_models import ChangedHow, ChangeKind, RosterChange, RosterChangeStudent
from backoffice.storage import functions
from backoffice.storage.lists import side_by_side
from backoffice.storage.numbers import one_of

Seat = tuple[int, int, int]


@dataclass(frozen=True)
class LeftClasses:
    """How many students left, and how many classes."""

    students: int
    classes: int


def leave_classes(*, principal: Principal, students: Which) -> LeftClasses:
    """Take students out of every class out of which the principal may take them; their points stay.

    Each class can undo it for a day. Of all that fit, only places that were shown are ended. A fixed number
    of statements, however many students and classes they are. Raises `Rejected`, `Denied`.
    """
    left_at = clock.now()
    with transaction(principal) as tx:
        require(tx.principal, STUDENTS_UNENROLL)
        rooms: list[tuple[int, int]] = []
        chosen = selected(
            tx, Student, students, STUDENTS_UNENROLL, lock=lambda theirs: rooms.extend(_locked(tx, theirs))
        )
        ended = (
            update(Enrollment)
            .where(*_open_seats(tx, chosen), one_of(Enrollment.classroom_id, {room for _, room in rooms}))
            .values(ended_at=left_at)
            .returning(Enrollment.school_id, Enrollment.classroom_id, Enrollment.student_id)
            .execution_options(synchronize_session=False)
        )
        seats = sorted((row.school_id, row.classroom_id, row.student_id) for row in tx.execute(ended))
        _note(tx, seats, left_at)
        left = sorted({(school, student) for school, _, student in seats})
        record_by_school(tx, "students.leave", ((school, {"student": student}) for school, student in left))
    return LeftClasses(len({seat[2] for seat in seats}), len({seat[1] for seat in seats}))


def _open_seats(tx: Transaction, students: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return (
        # By it the index of a school's students is found.
        one_of(Enrollment.school_id, tx.principal.member_schools),
        one_of(Enrollment.student_id, students),
        Enrollment.ended_at.is_(None),
    )


def _locked(tx: Transaction, students: Sequence[int]) -> list[tuple[int, int]]:
    """The classes that these students leave, kept from changing; in one order, as whoever changes several."""
    theirs = select(Enrollment.school_id, Enrollment.classroom_id).where(*_open_seats(tx, students))
    statement = (
        select(Classroom.school_id, Classroom.id)
        .where(tuple_(Classroom.school_id, Classroom.id).in_(theirs))
        .order_by(Classroom.id)
        .with_for_update(of=Classroom)
    )
    found = tx.execute(visible(tx.principal, statement, STUDENTS_UNENROLL))
    return [(row.school_id, row.id) for row in found]


def _note(tx: Transaction, seats: Sequence[Seat], at: datetime) -> None:
    """Keep of each class what undoing this needs, in place of its change before."""
    if not seats:
        return
    rooms = sorted({(school, room) for school, room, _ in seats})
    functions.forget_roster_changes_of(tx, rooms=rooms)
    kind = BigInteger()
    of_rooms = side_by_side(
        "rooms", {"school": (kind, [each[0] for each in rooms]), "room": (kind, [each[1] for each in rooms])}
    )
    noted = {
        RosterChange.school_id: of_rooms.c.school,
        RosterChange.classroom_id: of_rooms.c.room,
        RosterChange.kind: literal(ChangeKind.END.value),
        RosterChange.at: literal(at, RosterChange.at.type),
        RosterChange.by: literal(tx.principal.account_id, kind),
    }
    tx.execute(insert(RosterChange).from_select(list(noted), select(*noted.values())))
    left = side_by_side(
        "seats",
        {
            name: (kind, [seat[place] for seat in seats])
            for place, name in enumerate(("school", "room", "student"))
        },
    )
    kept = {
        RosterChangeStudent.school_id: left.c.school,
        RosterChangeStudent.classroom_id: left.c.room,
        RosterChangeStudent.student_id: left.c.student,
        RosterChangeStudent.how: literal(ChangedHow.LEFT.value),
    }
    tx.execute(insert(RosterChangeStudent).from_select(list(kept), select(*kept.values())))
