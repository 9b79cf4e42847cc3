"""Correcting students, and taking them out of a class."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_EDIT, STUDENTS_UNENROLL
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.roster_models import ChangedHow, ChangeKind
from backoffice.schools.services.changes import NOTHING, UNDONE_WITHIN, forget_change, note_change
from backoffice.storage.numbers import one_of


@dataclass(frozen=True)
class Left:
    """How many left a class (for another, if `to` one), and when: by that moment they can be brought back."""

    count: int
    at: datetime
    to: str | None = None


def correct_student(
    *,
    principal: Principal,
    student: str,
    given_name: str,
    family_name: str | None,
    classroom: str | None = None,
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Change how a student's name is written; in a class of theirs, so that it can be undone there.

    `seen` is the `version` of the given and family name that were shown. Raises `Rejected`, `Overtaken`,
    `NotFound`.
    """
    given, family = names.written(given_name), names.written(family_name or "") or None
    problem = names.problem_with(given, family)
    if problem:
        raise Rejected(given_name=problem)
    with transaction(principal) as tx:
        # The class before its student, as whoever changes a list of names.
        room = find(tx, Classroom, classroom, permission=STUDENTS_EDIT, lock=True) if classroom else None
        row = find(tx, Student, student, permission=STUDENTS_EDIT, lock=True)
        before, after, at = [row.given_name, row.family_name], [given, family], clock.now()
        if not is_to_be_written(seen, now=tuple(before), wanted=tuple(after)):
            return
        keep_change(tx, row, back, at=at, name=(before, after))
        row.given_name, row.family_name = given, family
        row.name_tokens = names.tokens(given, family, school_id=row.school_id)
        tx.flush()
        if room is not None and before != after and _is_in(tx, room, row):
            note_change(tx, room, ChangeKind.RENAME, {row.id: ChangedHow.RENAMED}, at=at)
        record(tx, "students.correct", school_id=row.school_id, student=row.id)


def end_enrollments(*, principal: Principal, classroom: str, students: Which) -> Left:
    """Take students out of the class; their points and other classes stay. Erases nobody.

    Identifiers that are not the class's are passed over. Raises `Rejected`, `NotFound`.
    """
    left_at = clock.now()
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_UNENROLL, lock=True)
        chosen = selected(tx, Student, students, STUDENTS_UNENROLL)
        ended = (
            update(Enrollment)
            .where(
                Enrollment.school_id == row.school_id,
                Enrollment.classroom_id == row.id,
                one_of(Enrollment.student_id, chosen),
                Enrollment.ended_at.is_(None),
            )
            .values(ended_at=left_at)
            .returning(Enrollment.student_id)
            .execution_options(synchronize_session=False)
        )
        here = sorted(tx.scalars(ended))
        note_change(tx, row, ChangeKind.END, dict.fromkeys(here, ChangedHow.LEFT), at=left_at)
        record(tx, "students.unenroll", school_id=row.school_id, classroom=row.id, students=here)
    return Left(len(here), left_at)


def resume_enrollments(*, principal: Principal, classroom: str, left_at: datetime) -> int:
    """Bring back those who left the class at this very moment, with their points.

    Returns how many came back. Raises `Rejected` once a day has gone by, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_UNENROLL, lock=True)
        if left_at <= clock.now() - UNDONE_WITHIN:
            raise Rejected.whole(NOTHING)
        resumed = (
            update(Enrollment)
            .where(
                Enrollment.school_id == row.school_id,
                Enrollment.classroom_id == row.id,
                Enrollment.ended_at == left_at,
            )
            .values(ended_at=None)
            .returning(Enrollment.student_id)
        )
        back = sorted(tx.scalars(resumed))
        if back:
            forget_change(tx, row)
        record(tx, "students.resume", school_id=row.school_id, classroom=row.id, students=back)
    return len(back)


def _is_in(tx: Transaction, classroom: Classroom, student: Student) -> bool:
    seat = select(Enrollment.student_id).where(
        Enrollment.school_id == classroom.school_id,
        Enrollment.classroom_id == classroom.id,
        Enrollment.student_id == student.id,
        Enrollment.ended_at.is_(None),
    )
    return tx.scalar(seat) is not None
