"""Whom a line of a pasted list may mean: those of the class, those who left it, those of other classes."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools import names
from backoffice.schools.matching import Known, Place, words_of
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.pasted import PastedName
from backoffice.storage import functions, keyring

# Beyond this many students of a school that somebody sees, those are read that share a word with the list.
READ_WHOLE = 5_000
SHORTEST_WORD = 2
_WRITTEN = select(Student.id, Student.public_id, Student.given_name, Student.family_name)


def may_be_meant(tx: Transaction, classroom: Classroom, pasted: Sequence[PastedName]) -> list[Known]:
    """Everybody whom the list may mean, as far as the principal may see them or, who left, recognise them."""
    here = {row.id: row for row in tx.execute(_in_class(tx, classroom))}
    known = [
        Known(row.public_id, Place.HERE, row.given_name, row.family_name, row.id) for row in here.values()
    ]
    left = who_left(tx, school_id=classroom.school_id, classrooms=[classroom.id]).get(classroom.id, [])
    known += left
    passed = here.keys() | {each.student_id for each in left}
    known += [
        Known(row.public_id, Place.ELSEWHERE, row.given_name, row.family_name, row.id)
        for row in _elsewhere(tx, classroom, pasted)
        if row.id not in passed
    ]
    return known


def classes_by_student(tx: Transaction, school_id: int, students: set[str]) -> dict[str, list[str]]:
    """The names of the classes that these students are in, as far as the principal may see, in order."""
    found: dict[str, list[str]] = {}
    statement = (
        select(Student.public_id, Classroom.name)
        .join(
            Enrollment,
            (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
        )
        .join(
            Classroom,
            (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
        )
        .where(
            Student.school_id == school_id,
            Student.public_id.in_(students),
            Enrollment.ended_at.is_(None),
            Classroom.archived_at.is_(None),
        )
    )
    for student, name in tx.execute(visible(tx.principal, statement)):
        found.setdefault(student, []).append(name)
    return {
        student: sorted(rooms, key=lambda name: names.sort_key(name, None))
        for student, rooms in found.items()
    }


def _in_class(tx: Transaction, classroom: Classroom) -> Select[int, str, str, str | None]:
    enrolled = select(Enrollment.student_id).where(
        Enrollment.school_id == classroom.school_id,
        Enrollment.classroom_id == classroom.id,
        Enrollment.ended_at.is_(None),
    )
    return visible(tx.principal, _WRITTEN.where(Student.id.in_(enrolled)))


def who_left(tx: Transaction, *, school_id: int, classrooms: Collection[int]) -> dict[int, list[Known]]:
    """Who left classes that the principal teaches or leads, by class; to recognise who comes back."""
    opener, found = keyring.current(), dict[int, list[Known]]()
    for row in functions.who_left(tx, school_id=school_id, classrooms=classrooms):
        given = opener.open(bytes(row.given_name), context="student.given_name").decode()
        family = row.family_name and opener.open(bytes(row.family_name), context="student.family_name")
        family = family.decode() if family else None
        known = Known(row.public_id, Place.LEFT, given, family, row.student_id)
        found.setdefault(row.classroom_id, []).append(known)
    return found


def _elsewhere(tx: Transaction, classroom: Classroom, pasted: Sequence[PastedName]) -> Sequence[Any]:
    school = classroom.school_id
    statement = visible(tx.principal, _WRITTEN.where(Student.school_id == school)).order_by(Student.id)
    rows = tx.execute(statement.limit(READ_WHOLE + 1)).all()
    if len(rows) <= READ_WHOLE:
        return rows
    words = {word for name in pasted for word in words_of(name.given, name.family)}
    tokens = [names.token(word, school_id=school) for word in words if len(word) >= SHORTEST_WORD]
    return tx.execute(statement.where(Student.name_tokens.overlap(tokens))).all()
