"""What of a school a list of students is compared with, as far as the principal may see it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import or_, select

from backoffice.access.permissions import STUDENTS_CREATE, STUDENTS_EDIT
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.storage.numbers import one_of

# Beyond this many students of a school, those are read that share a word with the list.
READ_WHOLE = 10_000


@dataclass
class Kept:
    """A student as kept, with the numbers of the classes that go on."""

    id: int
    public_id: str
    given: str
    family: str | None
    rooms: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Given and family name, as lists show them."""
        return f"{self.given} {self.family or ''}".strip()


@dataclass(frozen=True)
class Room:
    """A class that goes on. `open_` says whether the principal may add students to it."""

    id: int
    public_id: str
    name: str
    open_: bool


def rooms_of(tx: Transaction, school_id: int) -> list[Room]:
    """The school's classes that go on."""
    live = (Classroom.school_id == school_id, Classroom.archived_at.is_(None))
    may = set(tx.scalars(visible(tx.principal, select(Classroom.id).where(*live), STUDENTS_CREATE)))
    statement = select(Classroom.id, Classroom.public_id, Classroom.name).where(*live)
    return [
        Room(row.id, row.public_id, row.name, row.id in may)
        for row in tx.execute(visible(tx.principal, statement.order_by(Classroom.id)))
    ]


def lock_rooms(tx: Transaction, school_id: int, numbers: Collection[int]) -> list[Classroom]:
    """Those of these classes that the principal may add students to, kept from changing, in one order."""
    statement = (
        select(Classroom)
        .where(
            Classroom.school_id == school_id,
            one_of(Classroom.id, numbers),
            Classroom.archived_at.is_(None),
        )
        .order_by(Classroom.id)
        .with_for_update()
    )
    return list(tx.scalars(visible(tx.principal, statement, STUDENTS_CREATE)))


def students_of(
    tx: Transaction, school_id: int, *, words: Collection[str], public_ids: Collection[str]
) -> dict[int, Kept]:
    """The school's students by their numbers; of a very large school, those that the list may mean."""
    chosen = select(Student.id, Student.public_id, Student.given_name, Student.family_name).where(
        Student.school_id == school_id
    )
    statement = visible(tx.principal, chosen).order_by(Student.id)
    rows = tx.execute(statement.limit(READ_WHOLE + 1)).all()
    if len(rows) > READ_WHOLE:
        tokens = [names.token(word, school_id=school_id) for word in sorted(words)]
        of_list = or_(Student.name_tokens.overlap(tokens), Student.public_id.in_(sorted(public_ids)))
        rows = tx.execute(statement.where(of_list)).all()
    found = {row.id: Kept(row.id, row.public_id, row.given_name, row.family_name) for row in rows}
    seats = (
        select(Enrollment.student_id, Enrollment.classroom_id)
        .join(
            Classroom,
            (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
        )
        .where(
            Enrollment.school_id == school_id,
            Enrollment.ended_at.is_(None),
            Classroom.archived_at.is_(None),
        )
    )
    if not found:
        return found
    seats = seats.where(one_of(Enrollment.student_id, found))
    for student, room in tx.execute(visible(tx.principal, seats)):
        found[student].rooms.add(room)
    return found


def may_rename(tx: Transaction, school_id: int, students: Collection[int]) -> set[int]:
    """Those of these students whose names the principal may correct."""
    if not students:
        return set()
    statement = select(Student.id).where(Student.school_id == school_id, one_of(Student.id, students))
    return set(tx.scalars(visible(tx.principal, statement, STUDENTS_EDIT)))


def lock_students(
    tx: Transaction, school_id: int, students: Collection[int]
) -> Mapping[int, tuple[str, str | None]]:
    """How these students are written now, kept from changing, as far as they may be corrected."""
    statement = (
        select(Student.id, Student.given_name, Student.family_name)
        .where(Student.school_id == school_id, one_of(Student.id, students))
        .order_by(Student.id)
        .with_for_update(of=Student)
    )
    rows = tx.execute(visible(tx.principal, statement, STUDENTS_EDIT))
    return {row.id: (row.given_name, row.family_name) for row in rows}
