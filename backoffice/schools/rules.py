"""Where schools, classrooms, students and points belong, for the policy."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, any_, func, or_, select

from backoffice.access.permissions import (
    CHILDREN_READ,
    CLASSROOMS_ARCHIVE,
    CLASSROOMS_ERASE,
    CLASSROOMS_EXPORT,
    CLASSROOMS_READ,
    OWN_POINTS_READ,
    POINTS_REPORT,
    SCHOOLS_COUNT,
    SCHOOLS_READ,
    STUDENTS_EXPORT,
    STUDENTS_READ,
    TEACHERS_LIST,
    TEACHERS_READ,
)
from backoffice.access.policy import Rule, register
from backoffice.schools.award_models import PointAward
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    District,
    Enrollment,
    PointEntry,
    School,
    Student,
    TeachingRole,
)
from backoffice.schools.roster_models import RosterChange, RosterChangeStudent

# What whoever taught an archived class still may, there and with its students.
STILL = frozenset(
    {
        CLASSROOMS_READ,
        CLASSROOMS_EXPORT,
        CLASSROOMS_ARCHIVE,
        CLASSROOMS_ERASE,
        STUDENTS_READ,
        STUDENTS_EXPORT,
        TEACHERS_READ,
        CHILDREN_READ,
        OWN_POINTS_READ,
        POINTS_REPORT,
    }
)


def enrolled(
    student: ColumnElement[Any], *, now: bool = False
) -> Callable[[ColumnElement[Any]], ColumnElement[bool]]:
    """The condition that a student (a column of their number) is enrolled in one of some classrooms.

    `now` passes over archived ones: their students are others' to decide about.
    """

    def condition(classrooms: ColumnElement[Any]) -> ColumnElement[bool]:
        statement = select(Enrollment.student_id).where(
            Enrollment.classroom_id == any_(classrooms), Enrollment.ended_at.is_(None)
        )
        if now:
            statement = statement.join(
                Classroom,
                (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
            ).where(Classroom.archived_at.is_(None))
        # An array and not IN (SELECT ...): inside an OR the latter scans the table.
        return student == any_(func.array(statement.scalar_subquery()))

    return condition


def _classroom_column(entity: Any, column: str = "classroom_id") -> Any:
    return lambda classrooms: getattr(entity, column) == any_(classrooms)


def _ends_at(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    """That of one of the schools, or of the district of one."""
    districts = select(School.district_id).where(School.id == any_(schools))
    return or_(ContractEnd.school_id == any_(schools), ContractEnd.district_id.in_(districts))


register(
    # Whoever belongs to one sees it by its schools.
    Rule(District, read=SCHOOLS_READ, school=None),
    Rule(ContractEnd, read=SCHOOLS_COUNT, school=None, schools=_ends_at),
    Rule(OwnerlessClass, read=TEACHERS_LIST),
    Rule(School, read=SCHOOLS_READ, school="id"),
    Rule(
        Classroom,
        read=CLASSROOMS_READ,
        classrooms=_classroom_column(Classroom, "id"),
        own_classroom="id",
        classrooms_of=lambda classroom: (classroom.id,),
        closed="archived_at",
        still=STILL,
    ),
    Rule(
        Student,
        read=STUDENTS_READ,
        student="id",
        classrooms=enrolled(Student.__table__.c.id),
        open_classrooms=enrolled(Student.__table__.c.id, now=True),
        still=STILL,
        classrooms_of=lambda student: [each.classroom_id for each in student.enrollments],
    ),
    *(
        Rule(
            entity,
            read=read,
            student="student_id" if hasattr(entity, "student_id") else None,
            classrooms=_classroom_column(entity),
            own_classroom="classroom_id" if entity is Action else None,
            classrooms_of=lambda row: (row.classroom_id,),
        )
        for entity, read in (
            (ClassroomCode, CLASSROOMS_READ),
            (TeachingRole, TEACHERS_READ),
            (Enrollment, STUDENTS_READ),
            (Action, CLASSROOMS_READ),
            (PointEntry, STUDENTS_READ),
            (PointAward, STUDENTS_READ),
            (RosterChange, STUDENTS_READ),
            (RosterChangeStudent, STUDENTS_READ),
        )
    ),
)
