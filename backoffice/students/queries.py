"""What a child sees of itself."""

from dataclasses import dataclass

from sqlalchemy import select

from backoffice.access.permissions import OWN_POINTS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools import labels, names
from backoffice.schools.labels import Seat
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.queries import Award, last_awards


@dataclass(frozen=True)
class OwnPage:
    """The child's own page, in one class."""

    name: str
    avatar: str
    points: int
    classroom: str
    class_mark: str | None
    awards: list[Award]
    goal: int | None
    # The class asks each child for one, and this child has none.
    pin_is_missing: bool


def own_page(tx: Transaction) -> OwnPage:
    """What the signed-in child sees: its label in the class, points, the last awards."""
    who = tx.principal
    assert who.school_id is not None
    assert who.student_id is not None
    student, enrollment, classroom = tx.execute(
        visible(
            who,
            select(Student, Enrollment, Classroom)
            .join(
                Enrollment,
                (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
            )
            .join(
                Classroom,
                (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
            )
            .where(Enrollment.classroom_id == who.classroom_id),
            OWN_POINTS_READ,
        )
    ).one()
    seat = Seat(student.id, student.given_name, student.family_name, enrollment.alias, enrollment.avatar)
    return OwnPage(
        name=labels.shown([seat], classroom.names_shown)[student.id].text,
        avatar=enrollment.avatar,
        points=enrollment.balance,
        classroom=classroom.name,
        class_mark=names.picture(classroom.icon, classroom.colour),
        awards=last_awards(
            tx,
            school_id=who.school_id,
            student_id=who.student_id,
            classroom_id=who.classroom_id,
            permission=OWN_POINTS_READ,
        ),
        goal=enrollment.goal,
        pin_is_missing=classroom.pins_required and student.pin_hash is None,
    )
