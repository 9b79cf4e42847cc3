"""What staff sees of how a class shows its children."""

from dataclasses import dataclass

from sqlalchemy import and_, select

from backoffice.access.permissions import STUDENTS_EDIT
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools import labels, names
from backoffice.schools.labels import Seat
from backoffice.schools.models import Classroom, Enrollment, Student


@dataclass(frozen=True)
class Shown:
    """A student with what the class shows. Whether there is a username is known, never which."""

    public_id: str
    name: str
    given_name: str
    family_name: str
    alias: str
    avatar: str
    picture: str
    label: str
    has_username: bool


def shown(tx: Transaction, classroom: Classroom) -> list[Shown]:
    """The students of a class, in the order of their names."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(Student, Enrollment.alias, Enrollment.avatar)
            .join(
                Enrollment,
                and_(Enrollment.school_id == Student.school_id, Enrollment.student_id == Student.id),
            )
            .where(
                Enrollment.school_id == classroom.school_id,
                Enrollment.classroom_id == classroom.id,
                Enrollment.ended_at.is_(None),
            ),
            STUDENTS_EDIT,
        )
    ).all()
    seats = [
        Seat(student.public_id, student.given_name, student.family_name, alias, avatar)
        for student, alias, avatar in rows
    ]
    texts = labels.shown(seats, classroom.names_shown)
    rows = sorted(rows, key=lambda row: (*names.sort_key(row[0].given_name, row[0].family_name), row[0].id))
    return [
        Shown(
            student.public_id,
            f"{student.given_name} {student.family_name or ''}".strip(),
            student.given_name,
            student.family_name or "",
            alias or "",
            avatar,
            labels.in_words(avatar),
            texts[student.public_id].text,
            student.username_digest is not None,
        )
        for student, alias, avatar in rows
    ]
