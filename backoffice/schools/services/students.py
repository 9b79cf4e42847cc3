"""Adding, correcting and moving students. Only a teacher, a leader or an import makes one."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from sqlalchemy import insert, select, update
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_CREATE, STUDENTS_EDIT, STUDENTS_UNENROLL
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.pasted import PastedName, read_pasted
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean

LARGEST_LIST = 400


@dataclass(frozen=True)
class Previewed:
    """A pasted line and what adding it would do: "new", "same" (already in the class) or "problem"."""

    name: PastedName
    state: str
    note: str


def preview_names(*, principal: Principal, classroom: str, text: str) -> list[Previewed]:
    """What `add_students` would do with a pasted list. Changes nothing. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_CREATE)
        return _compare(tx, row, text)


def add_students(*, principal: Principal, classroom: str, text: str) -> int:
    """Put the names of a pasted list into the class, except those that are there already.

    Lines that cannot be used are left out, as the preview says. Returns how many students were made.
    Raises `Rejected` if no line can be used at all, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_CREATE, lock=True)
        compared = _compare(tx, row, text)
        if all(line.state == "problem" for line in compared):
            raise Rejected(names="No line can be used as it is. Write one name a line.")
        fresh = [line.name for line in compared if line.state == "new"]
        avatars = _free_avatars(tx, row)
        for name in fresh:
            _enroll_new(tx, row, given=name.given, family=name.family, avatar=next(avatars))
        record(tx, "students.add", school_id=row.school_id, classroom=row.id, count=len(fresh))
    return len(fresh)


def correct_student(*, principal: Principal, student: str, given_name: str, family_name: str | None) -> None:
    """Change how a student's name is written. Raises `Rejected`, `NotFound`."""
    given, family = clean(given_name), clean(family_name or "") or None
    problem = names.problem_with(given, family)
    if problem:
        raise Rejected(given_name=problem)
    with transaction(principal) as tx:
        row = find(tx, Student, student, permission=STUDENTS_EDIT, lock=True)
        row.given_name, row.family_name = given, family
        row.name_tokens = names.tokens(given, family, school_id=row.school_id)
        record(tx, "students.correct", school_id=row.school_id, student=row.id)


def end_enrollments(*, principal: Principal, classroom: str, students: Sequence[str]) -> int:
    """Take students out of the class; their points and other classes stay. Erases nobody.

    Returns how many left. Identifiers that are not the class's are passed over. Raises `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_UNENROLL)
        chosen = tx.scalars(
            visible(
                tx.principal,
                select(Student)
                .where(Student.public_id.in_(students))
                .options(selectinload(Student.enrollments)),
                STUDENTS_UNENROLL,
            )
        ).all()
        here = [s.id for s in chosen if row.id in {e.classroom_id for e in s.enrollments}]
        if here:
            tx.execute(
                update(Enrollment)
                .where(
                    Enrollment.school_id == row.school_id,
                    Enrollment.classroom_id == row.id,
                    Enrollment.student_id.in_(here),
                )
                .values(ended_at=clock.now())
            )
        record(tx, "students.unenroll", school_id=row.school_id, classroom=row.id, students=here)
    return len(here)


def _compare(tx: Transaction, classroom: Classroom, text: str) -> list[Previewed]:
    pasted = read_pasted(text)
    if not pasted:
        raise Rejected(names="Write or paste at least one name, one a line.")
    if len(pasted) > LARGEST_LIST:
        raise Rejected(names=f"Paste at most {LARGEST_LIST} names at once.")
    there = {
        names.name_key(given, family)
        for given, family in tx.execute(
            select(Student.given_name, Student.family_name)
            .join(
                Enrollment,
                (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
            )
            .where(Enrollment.classroom_id == classroom.id, Enrollment.ended_at.is_(None))
        )
    }
    compared = []
    for name in pasted:
        if name.problem:
            compared.append(Previewed(name, "problem", name.problem))
        elif name.key in there:
            compared.append(Previewed(name, "same", "Already in this class; stays as it is."))
        else:
            there.add(name.key)
            compared.append(Previewed(name, "new", "Will be added."))
    return compared


def _free_avatars(tx: Transaction, classroom: Classroom) -> Iterator[str]:
    """Pictures in random order, those that nobody in the class has yet first."""
    taken = set(
        tx.scalars(
            select(Enrollment.avatar).where(
                Enrollment.school_id == classroom.school_id,
                Enrollment.classroom_id == classroom.id,
                Enrollment.ended_at.is_(None),
            )
        )
    )
    shuffled = list(names.AVATARS)
    secrets.SystemRandom().shuffle(shuffled)
    # Children whose names look alike on the list are told apart by their pictures.
    return cycle(sorted(shuffled, key=lambda avatar: avatar in taken))


def _enroll_new(
    tx: Transaction, classroom: Classroom, *, given: str, family: str | None, avatar: str
) -> PublicId:
    student_id, public_id = tx.take_id(Student), new_public_id()
    now = clock.now()
    tx.execute(
        insert(Student).values(
            school_id=classroom.school_id,
            id=student_id,
            public_id=public_id,
            given_name=given,
            family_name=family,
            name_tokens=names.tokens(given, family, school_id=classroom.school_id),
            created_at=now,
        )
    )
    tx.execute(
        insert(Enrollment).values(
            school_id=classroom.school_id,
            classroom_id=classroom.id,
            student_id=student_id,
            avatar=avatar,
            balance=0,
            joined_at=now,
        )
    )
    return public_id
