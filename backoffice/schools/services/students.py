"""Adding, correcting and moving students. Only a teacher, a leader or an import makes one."""

import secrets
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import cycle

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_CREATE, STUDENTS_EDIT, STUDENTS_UNENROLL
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.schools import names, queries
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.pasted import PastedName, read_pasted
from backoffice.storage.public_id import new_public_id

LARGEST_LIST = 400


class LineState(StrEnum):
    """What adding a pasted line would do."""

    NEW = "new"
    BACK = "back"  # was in the class before and comes back to it
    SAME = "same"  # is in the class already
    TWICE = "twice"  # stands further up in the list
    PROBLEM = "problem"


@dataclass(frozen=True)
class Previewed:
    """A pasted line and what adding it would do. `note` is a sentence, or None where nothing is to say.

    `student_id` is who would come back.
    """

    name: PastedName
    state: LineState
    note: str | None = None
    student_id: int | None = None

    @property
    def may_be_another(self) -> bool:
        """Whether the line can be added as one more child of the same name."""
        return self.state in {LineState.BACK, LineState.SAME, LineState.TWICE}


@dataclass(frozen=True)
class Added:
    """What became of a list: how many are new and how many back, and the lines that were left out."""

    new: int
    back: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """How many left a class, and when: by that moment they can be brought back."""

    count: int
    at: datetime


def preview_names(*, principal: Principal, classroom: str, text: str) -> list[Previewed]:
    """What `add_students` would do with a pasted list. Changes nothing. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_CREATE)
        return _compare(tx, row, text)


def add_students(
    *, principal: Principal, classroom: str, text: str, another: AbstractSet[int] = frozenset()
) -> Added:
    """Put the names of a pasted list into the class, except those that are there already.

    Who was in the class before comes back with the points. `another` are the numbers of lines that name
    one more child, though the name stands in the class or the list already. Lines that cannot be used are
    left out, as the preview says. Raises `Rejected` if no line can be used at all, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_CREATE, lock=True)
        compared = _compare(tx, row, text, another)
        if all(line.state is LineState.PROBLEM for line in compared):
            raise Rejected(names="No line can be used as it is. Write one name a line.")
        fresh = [line.name for line in compared if line.state is LineState.NEW]
        back = [line.student_id for line in compared if line.state is LineState.BACK]
        if fresh:
            _enroll_new(tx, row, fresh)
        if back:
            _resume(tx, row, Enrollment.student_id.in_(back))
        record(tx, "students.add", school_id=row.school_id, classroom=row.id, count=len(fresh), students=back)
    lines = text.splitlines()
    left_out = (lines[line.name.line - 1] for line in compared if line.state is LineState.PROBLEM)
    return Added(len(fresh), len(back), tuple(left_out))


def correct_student(*, principal: Principal, student: str, given_name: str, family_name: str | None) -> None:
    """Change how a student's name is written. Raises `Rejected`, `NotFound`."""
    given, family = names.written(given_name), names.written(family_name or "") or None
    problem = names.problem_with(given, family)
    if problem:
        raise Rejected(given_name=problem)
    with transaction(principal) as tx:
        row = find(tx, Student, student, permission=STUDENTS_EDIT, lock=True)
        row.given_name, row.family_name = given, family
        row.name_tokens = names.tokens(given, family, school_id=row.school_id)
        record(tx, "students.correct", school_id=row.school_id, student=row.id)


def end_enrollments(*, principal: Principal, classroom: str, students: Sequence[str]) -> Left:
    """Take students out of the class; their points and other classes stay. Erases nobody.

    Identifiers that are not the class's are passed over. Raises `NotFound`.
    """
    left_at = clock.now()
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
                .values(ended_at=left_at)
            )
        record(tx, "students.unenroll", school_id=row.school_id, classroom=row.id, students=here)
    return Left(len(here), left_at)


def resume_enrollments(*, principal: Principal, classroom: str, left_at: datetime) -> int:
    """Bring back those who left the class at this very moment, with their points.

    Returns how many came back. Raises `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_UNENROLL)
        back = _resume(tx, row, Enrollment.ended_at == left_at)
        record(tx, "students.resume", school_id=row.school_id, classroom=row.id, students=back)
    return len(back)


def _resume(tx: Transaction, classroom: Classroom, which: ColumnElement[bool]) -> list[int]:
    resumed = (
        update(Enrollment)
        .where(
            Enrollment.school_id == classroom.school_id,
            Enrollment.classroom_id == classroom.id,
            Enrollment.ended_at.is_not(None),
            which,
        )
        .values(ended_at=None)
        .returning(Enrollment.student_id)
    )
    return sorted(tx.scalars(resumed))


def _compare(
    tx: Transaction, classroom: Classroom, text: str, another: AbstractSet[int] = frozenset()
) -> list[Previewed]:
    pasted = read_pasted(text)
    if not pasted:
        raise Rejected(names="Write or paste at least one name, one a line.")
    if len(pasted) > LARGEST_LIST:
        raise Rejected(names=f"Paste at most {LARGEST_LIST} names at once.")
    there = {names.name_key(student.given, student.family) for student in queries.students_of(tx, classroom)}
    left = queries.who_left(tx, classroom)
    first: dict[names.NameKey, int] = {}
    compared = []
    for name in pasted:
        if name.problem:
            compared.append(Previewed(name, LineState.PROBLEM, name.problem))
            continue
        before = first.setdefault(name.key, name.line)
        if name.line in another:
            compared.append(Previewed(name, LineState.NEW, name.note))
        elif name.key in there:
            compared.append(Previewed(name, LineState.SAME, "Stays as it is."))
        elif before != name.line:
            compared.append(Previewed(name, LineState.TWICE, f"The same as line {before}."))
        else:
            compared.append(_new_or_back(name, left.get(name.key)))
    return compared


def _new_or_back(name: PastedName, student_id: int | None) -> Previewed:
    if student_id is None:
        return Previewed(name, LineState.NEW, name.note)
    note = "Was in this class before and comes back with the points."
    return Previewed(name, LineState.BACK, note, student_id)


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


def _enroll_new(tx: Transaction, classroom: Classroom, fresh: Sequence[PastedName]) -> None:
    """Make students of these names and put them into the class, in as many statements as for one."""
    now, avatars, school = clock.now(), _free_avatars(tx, classroom), classroom.school_id
    numbers = tx.take_ids(Student, len(fresh))
    tx.execute(
        insert(Student).values(
            [
                {
                    "school_id": school,
                    "id": number,
                    "public_id": new_public_id(),
                    "given_name": name.given,
                    "family_name": name.family,
                    "name_tokens": names.tokens(name.given, name.family, school_id=school),
                    "created_at": now,
                }
                for number, name in zip(numbers, fresh, strict=True)
            ]
        )
    )
    tx.execute(
        insert(Enrollment).values(
            [
                {
                    "school_id": school,
                    "classroom_id": classroom.id,
                    "student_id": number,
                    "avatar": next(avatars),
                    "balance": 0,
                    "joined_at": now,
                }
                for number in numbers
            ]
        )
    )
