"""Counting what a change of places in classes touches, before it is made."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, distinct, func, select

from backoffice.access.permissions import STUDENTS_UNENROLL
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.storage.numbers import one_of


@dataclass(frozen=True)
class Places:
    """How many students have so many places in so many classes, and how many of them have points there."""

    students: int
    classes: int
    places: int
    with_points: int


def places_of(tx: Transaction, students: Select[Any], classroom: Classroom | None = None) -> Places:
    """The places that these students could be taken out of, in one class or in all that go on."""
    rooms = visible(tx.principal, select(Classroom.school_id, Classroom.id), STUDENTS_UNENROLL)
    if classroom is not None:
        rooms = rooms.where(Classroom.school_id == classroom.school_id, Classroom.id == classroom.id)
    room = rooms.subquery()
    who = students.with_only_columns(Student.school_id, Student.id).order_by(None).subquery()
    counted = (
        select(
            func.count(distinct(Enrollment.student_id)),
            func.count(distinct(Enrollment.classroom_id)),
            func.count(),
            func.count(distinct(Enrollment.student_id)).filter(Enrollment.balance != 0),
        )
        .select_from(Enrollment)
        .join(room, (room.c.school_id == Enrollment.school_id) & (room.c.id == Enrollment.classroom_id))
        .join(who, (who.c.school_id == Enrollment.school_id) & (who.c.id == Enrollment.student_id))
        .where(Enrollment.ended_at.is_(None), one_of(Enrollment.school_id, tx.principal.member_schools))
    )
    return Places(*tx.execute(counted).one())


def seated_in(tx: Transaction, classrooms: Select[Any]) -> int:
    """How many students have a place in one of these classes now."""
    room = classrooms.with_only_columns(Classroom.school_id, Classroom.id).order_by(None).subquery()
    counted = (
        select(func.count(distinct(Enrollment.student_id)))
        .select_from(Enrollment)
        .join(room, (room.c.school_id == Enrollment.school_id) & (room.c.id == Enrollment.classroom_id))
        .where(Enrollment.ended_at.is_(None), one_of(Enrollment.school_id, tx.principal.member_schools))
    )
    return tx.scalar(counted) or 0
