"""What a parent sees: the basic progress of the own child, and of nobody else."""

from dataclasses import dataclass

from sqlalchemy import select

from backoffice.access.permissions import CHILDREN_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.queries import Award, last_awards


@dataclass(frozen=True)
class Child:
    """A child in one class: given name, class, points and the last awards, without comments."""

    name: str
    classroom_name: str
    points: int
    awards: list[Award]


def children(tx: Transaction) -> list[Child]:
    """The signed-in parent's children, once for each class."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(Student, Enrollment, Classroom)
            .join(
                Enrollment,
                (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
            )
            .join(
                Classroom,
                (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
            )
            .where(Enrollment.ended_at.is_(None))
            .order_by(Student.id, Classroom.id),
            CHILDREN_READ,
        )
    ).all()
    return [
        Child(
            name=student.given_name,
            classroom_name=classroom.name,
            points=enrollment.balance,
            awards=last_awards(
                tx,
                school_id=student.school_id,
                student_id=student.id,
                classroom_id=classroom.id,
                permission=CHILDREN_READ,
            ),
        )
        for student, enrollment, classroom in rows
    ]
