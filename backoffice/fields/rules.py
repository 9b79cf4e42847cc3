"""Who sees fields of a school's own, and what is written in them: whoever may see whom it is about.

What laws protect more is for those who are in charge of the class, and not for who helps there. Of fields
themselves the database says so.
"""

from typing import Any

from sqlalchemy import ColumnElement, all_, and_, any_, or_

from backoffice.access.permissions import CLASSROOMS_READ, FIELDS_READ, STUDENTS_READ
from backoffice.access.policy import Rule, register
from backoffice.fields.models import ClassroomValue, CustomField, StudentValue
from backoffice.schools.rules import enrolled
from backoffice.storage import functions


def _of_students(classrooms: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        enrolled(StudentValue.__table__.c.student_id, now=True)(classrooms),
        or_(
            StudentValue.field_id != all_(functions.guarded_fields()),
            StudentValue.student_id == any_(functions.children_in_charge()),
        ),
    )


def _of_classes(classrooms: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        ClassroomValue.classroom_id == any_(classrooms),
        or_(
            ClassroomValue.field_id != all_(functions.guarded_fields()),
            ClassroomValue.classroom_id == any_(functions.rooms_in_charge()),
        ),
    )


register(
    Rule(CustomField, read=FIELDS_READ),
    Rule(
        StudentValue,
        read=STUDENTS_READ,
        classrooms=_of_students,
        classrooms_of=lambda value: [each.classroom_id for each in value.enrollments],
    ),
    Rule(
        ClassroomValue,
        read=CLASSROOMS_READ,
        classrooms=_of_classes,
        classrooms_of=lambda value: (value.classroom_id,),
    ),
)
