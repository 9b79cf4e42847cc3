"""Who is signed in to a class now, and ending that."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_SIGN_OUT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.schools import names
from backoffice.schools.models import Classroom, ClassroomCode, Student
from backoffice.students.models import StudentSession
from backoffice.students.tablet_models import ClassroomTablet


@dataclass(frozen=True)
class Inside:
    """A child who is signed in, and by which way: the kind of a code, a card, or the name of a tablet."""

    student: str
    name: str
    since: datetime
    last_seen: datetime
    devices: int
    code: str | None
    by_card: bool
    at_tablet: bool
    tablet: str | None


def inside(tx: Transaction, classroom: Classroom) -> list[Inside]:
    """The children who are signed in to a class now, in the order of their names."""
    statement = (
        select(StudentSession, Student)
        .join(
            Student,
            and_(Student.school_id == StudentSession.school_id, Student.id == StudentSession.student_id),
        )
        .where(*_live(classroom))
        .order_by(StudentSession.started_at)
    )
    found: dict[int, list[StudentSession]] = {}
    children = {}
    for session, student in tx.execute(visible(tx.principal, statement)):
        found.setdefault(student.id, []).append(session)
        children[student.id] = student
    kinds, labels = _kinds(tx, classroom), _labels(tx, classroom)
    listed = [
        (
            names.sort_key(child.given_name, child.family_name),
            Inside(
                child.public_id,
                f"{child.given_name} {child.family_name or ''}".strip(),
                sessions[0].started_at,
                max(each.last_seen_at for each in sessions),
                len(sessions),
                kinds.get(sessions[-1].code_id or 0),
                sessions[-1].card_id is not None,
                sessions[-1].tablet_id is not None,
                labels.get(sessions[-1].tablet_id),
            ),
        )
        for child, sessions in ((children[number], sessions) for number, sessions in found.items())
    ]
    return [each for _key, each in sorted(listed, key=lambda pair: (pair[0], pair[1].student))]


def sign_out(*, principal: Principal, classroom: str, student: str) -> bool:
    """Sign a child out of a class, on every device; whether it was in. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_SIGN_OUT)
        child = find(tx, Student, student, permission=STUDENTS_SIGN_OUT)
        ended = _end(tx, row, StudentSession.student_id == child.id)
        if ended:
            record(tx, "students.sign-out", school_id=row.school_id, classroom=row.id, student=child.id)
    return bool(ended)


def sign_all_out(*, principal: Principal, classroom: str) -> int:
    """Sign everybody out of a class; how many children. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_SIGN_OUT)
        ended = _end(tx, row)
        if ended:
            record(tx, "students.sign-all-out", school_id=row.school_id, classroom=row.id, count=len(ended))
    return len(ended)


def _end(tx: Transaction, classroom: Classroom, *of: ColumnElement[bool]) -> set[int]:
    """End live sessions of a class; the numbers of their children."""
    statement = update(StudentSession).where(*_live(classroom), *of).values(ended_at=clock.now())
    return set(tx.scalars(statement.returning(StudentSession.student_id)))


def _live(classroom: Classroom) -> tuple[ColumnElement[bool], ...]:
    now = clock.now()
    idle = func.make_interval(0, 0, 0, 0, 0, StudentSession.idle_minutes)
    return (
        StudentSession.school_id == classroom.school_id,
        StudentSession.classroom_id == classroom.id,
        StudentSession.ended_at.is_(None),
        StudentSession.expires_at > now,
        StudentSession.last_seen_at + idle > now,
    )


def _kinds(tx: Transaction, classroom: Classroom) -> dict[int, str]:
    statement = select(ClassroomCode.id, ClassroomCode.kind).where(
        ClassroomCode.school_id == classroom.school_id, ClassroomCode.classroom_id == classroom.id
    )
    return {row.id: row.kind for row in tx.execute(visible(tx.principal, statement))}


def _labels(tx: Transaction, classroom: Classroom) -> dict[int | None, str]:
    """What the tablets are called, for whoever may see that."""
    statement = select(ClassroomTablet.id, ClassroomTablet.label).where(
        ClassroomTablet.school_id == classroom.school_id, ClassroomTablet.classroom_id == classroom.id
    )
    return {row.id: row.label for row in tx.execute(visible(tx.principal, statement))}
