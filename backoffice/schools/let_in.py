"""Which children a code lets in at a moment: those that the checks try the ways in with."""

from datetime import datetime

from sqlalchemy import Select, and_, func, select

from backoffice.schools.models import Classroom, ClassroomCode, Enrollment, School, Student
from backoffice.schools.services.codes import is_live


def children_let_in(at: datetime) -> Select[bytes, str, str | None]:
    """A code's index, a child of its class and the hash of the child's PIN, for each pair at an open door.

    Only the system may ask; conditions of a check's own are added to it.
    """
    return (
        select(ClassroomCode.code_index, Student.public_id, Student.pin_hash)
        .join(
            Classroom,
            and_(Classroom.school_id == ClassroomCode.school_id, Classroom.id == ClassroomCode.classroom_id),
        )
        .join(School, School.id == Classroom.school_id)
        .join(
            Enrollment,
            and_(Enrollment.school_id == Classroom.school_id, Enrollment.classroom_id == Classroom.id),
        )
        .join(Student, and_(Student.school_id == Enrollment.school_id, Student.id == Enrollment.student_id))
        .where(
            is_live(at),
            func.app.door_is_open(
                Classroom.door,
                Classroom.door_until,
                Classroom.door_from,
                Classroom.door_to,
                School.school_days,
                School.time_zone,
                at,
            ),
            Enrollment.ended_at.is_(None),
        )
    )
