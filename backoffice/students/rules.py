"""Who may see signed-in children."""

from sqlalchemy import any_

from backoffice.access.permissions import CLASSROOMS_EDIT, STUDENTS_READ
from backoffice.access.policy import Rule, register
from backoffice.students.models import StudentSession
from backoffice.students.tablet_models import ClassroomTablet

register(
    Rule(
        StudentSession,
        read=STUDENTS_READ,
        classrooms=lambda classrooms: StudentSession.classroom_id == any_(classrooms),
        classrooms_of=lambda row: (row.classroom_id,),
    ),
    Rule(
        ClassroomTablet,
        read=CLASSROOMS_EDIT,
        classrooms=lambda classrooms: ClassroomTablet.classroom_id == any_(classrooms),
        classrooms_of=lambda row: (row.classroom_id,),
    ),
)
