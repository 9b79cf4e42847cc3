"""Moving students from one class to another of the same school."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import STUDENTS_CREATE, STUDENTS_UNENROLL
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.roster_models import ChangedHow, ChangeKind
from backoffice.schools.services.changes import lock_classrooms, note_change
from backoffice.schools.services.rosters import enroll, take_back
from backoffice.schools.services.students import Left
from backoffice.storage.numbers import one_of


def move_students(*, principal: Principal, source: str, target: str, students: Which) -> Left:
    """End these students' places in one class and give them places in another; how many were moved, and when.

    Points stay with the class in which they were earned. Who is in the other class already only leaves the
    first. Identifiers that are not the first class's are passed over. Raises `Rejected`, `NotFound`,
    `Closed`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        leaves = find(tx, Classroom, source, permission=STUDENTS_UNENROLL)
        joins = find(tx, Classroom, target, permission=STUDENTS_CREATE)
        if leaves.id == joins.id:
            raise Rejected(target=gettext("Choose another class: they are in this one."))
        if leaves.school_id != joins.school_id:
            raise Rejected(
                target=gettext("Choose a class of the same school. Students stay at their school.")
            )
        if len(lock_classrooms(tx, leaves.school_id, {leaves.id, joins.id})) < len((leaves, joins)):
            # One of them was archived at this moment.
            raise NotFound
        moved = _enrolled(tx, leaves, students)
        if moved:
            how = _join(tx, joins, moved, now)
            tx.execute(
                update(Enrollment)
                .where(
                    Enrollment.school_id == leaves.school_id,
                    Enrollment.classroom_id == leaves.id,
                    one_of(Enrollment.student_id, moved),
                )
                .values(ended_at=now)
            )
            out = dict.fromkeys(moved, ChangedHow.LEFT)
            note_change(tx, leaves, ChangeKind.MOVE_OUT, out, at=now, other=joins if how else None)
            note_change(tx, joins, ChangeKind.MOVE_IN, how, at=now, other=leaves)
        record(
            tx,
            "students.move",
            school_id=leaves.school_id,
            classroom=leaves.id,
            target=joins.id,
            students=sorted(moved),
        )
    return Left(len(moved), now, joins.name)


def _enrolled(tx: Transaction, classroom: Classroom, students: Which) -> list[int]:
    here = select(Enrollment.student_id).where(
        Enrollment.school_id == classroom.school_id,
        Enrollment.classroom_id == classroom.id,
        one_of(Enrollment.student_id, selected(tx, Student, students, STUDENTS_UNENROLL)),
        Enrollment.ended_at.is_(None),
    )
    return sorted(tx.scalars(here))


def _join(
    tx: Transaction, classroom: Classroom, students: Sequence[int], at: datetime
) -> dict[int, ChangedHow]:
    """Let them into the class, whatever they are to it; what that changed, by student."""
    known = select(Enrollment.student_id, Enrollment.ended_at).where(
        Enrollment.school_id == classroom.school_id,
        Enrollment.classroom_id == classroom.id,
        one_of(Enrollment.student_id, students),
    )
    before = dict(tx.execute(known).all())
    back = [student for student, ended_at in before.items() if ended_at is not None]
    fresh = [student for student in students if student not in before]
    if back:
        take_back(tx, classroom, back)
    if fresh:
        enroll(tx, classroom, fresh, at)
    return dict.fromkeys(back, ChangedHow.BACK) | dict.fromkeys(fresh, ChangedHow.JOINED)
