"""Who sees fields of a school's own, and what is written in them: whoever may see whom it is about."""

from sqlalchemy import any_

from backoffice.access.permissions import CLASSROOMS_READ, FIELDS_READ, STUDENTS_READ
from backoffice.access.policy import Rule, register
from backoffice.fields.models import ClassroomValue, CustomField, StudentValue
from backoffice.schools.rules import enrolled

register(
    Rule(CustomField, read=FIELDS_READ),
    Rule(
        StudentValue,
        read=STUDENTS_READ,
        classrooms=enrolled(StudentValue.__table__.c.student_id),
        classrooms_of=lambda value: [each.classroom_id for each in value.enrollments],
    ),
    Rule(
        ClassroomValue,
        read=CLASSROOMS_READ,
        classrooms=lambda classrooms: ClassroomValue.classroom_id == any_(classrooms),
        classrooms_of=lambda value: (value.classroom_id,),
    ),
)
