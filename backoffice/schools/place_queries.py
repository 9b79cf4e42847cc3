"""Counting what a change of places in classes touches, before it is made."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, func, select

from backoffice.access.permissions import CLASSROOMS_ARCHIVE, STUDENTS_UNENROLL
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom, Enrollment
from backoffice.storage.numbers import one_of


@dataclass(frozen=True)
class Places:
    """How many students have so many places in so many classes, and how many of them have points there."""

    students: int
    classes: int
    places: int
    with_points: int


def places_of(tx: Transaction, students: Collection[int], classroom: Classroom | None = None) -> Places:
    """The places that these students could be taken out of, in one class or in all that go on.

    Read by their numbers: a statement that joins what was narrowed anew is planned for few rows and takes
    many seconds for ten thousand.
    """
    theirs = _open_seats(tx, students, classroom)
    return Places(
        students=len({seat.student_id for seat in theirs}),
        classes=len({seat.classroom_id for seat in theirs}),
        places=len(theirs),
        with_points=len({seat.student_id for seat in theirs if seat.balance}),
    )


def open_places(tx: Transaction, students: Sequence[int]) -> Sequence[Sequence[int]]:
    """The keys of the places that these students could be taken out of, in all classes that go on."""
    return sorted(seat[:3] for seat in _open_seats(tx, students))


def _open_seats(
    tx: Transaction, students: Collection[int], classroom: Classroom | None = None
) -> Sequence[Row[int, int, int, int]]:
    open_seats = select(
        Enrollment.school_id, Enrollment.classroom_id, Enrollment.student_id, Enrollment.balance
    ).where(
        one_of(Enrollment.school_id, tx.principal.member_schools),
        one_of(Enrollment.student_id, students),
        Enrollment.ended_at.is_(None),
    )
    if classroom is not None:
        open_seats = open_seats.where(Enrollment.classroom_id == classroom.id)
    seats = tx.execute(visible(tx.principal, open_seats, STUDENTS_UNENROLL)).all()
    rooms = select(Classroom.id).where(one_of(Classroom.id, {seat.classroom_id for seat in seats}))
    going_on = set(tx.scalars(visible(tx.principal, rooms, STUDENTS_UNENROLL)))
    return [seat for seat in seats if seat.classroom_id in going_on]


def seated_in(tx: Transaction, classrooms: Collection[int]) -> int:
    """How many places in these classes students have now."""
    seats = select(Enrollment.student_id).where(
        one_of(Enrollment.school_id, tx.principal.member_schools),
        one_of(Enrollment.classroom_id, classrooms),
        Enrollment.ended_at.is_(None),
    )
    held = visible(tx.principal, seats, CLASSROOMS_ARCHIVE).distinct().subquery()
    return tx.scalar(select(func.count()).select_from(held)) or 0
