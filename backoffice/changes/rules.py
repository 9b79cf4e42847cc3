"""Who may see the last changes of a record: whoever may change it now. To read it alone is not enough."""

from sqlalchemy import any_

from backoffice.access.permissions import (
    ACTIONS_EDIT,
    CLASSROOMS_EDIT,
    JOBS_EDIT,
    PLUGINS_EDIT,
    SCHOOL_DAYS_EDIT,
    STUDENTS_EDIT,
)
from backoffice.access.policy import Rule, register
from backoffice.changes.models import (
    ActionChange,
    ClassroomChange,
    JobChange,
    PluginChange,
    SchoolChange,
    StudentChange,
)
from backoffice.schools.rules import enrolled

register(
    Rule(
        StudentChange,
        read=STUDENTS_EDIT,
        classrooms=enrolled(StudentChange.__table__.c.student_id, now=True),
        classrooms_of=lambda change: [each.classroom_id for each in change.enrollments],
    ),
    Rule(
        ClassroomChange,
        read=CLASSROOMS_EDIT,
        classrooms=lambda classrooms: ClassroomChange.classroom_id == any_(classrooms),
        classrooms_of=lambda change: (change.classroom_id,),
    ),
    Rule(
        ActionChange,
        read=ACTIONS_EDIT,
        classrooms=lambda classrooms: ActionChange.classroom_id == any_(classrooms),
        classrooms_of=lambda change: (change.classroom_id,),
    ),
    Rule(SchoolChange, read=SCHOOL_DAYS_EDIT),
    Rule(PluginChange, read=PLUGINS_EDIT, school=None),
    Rule(JobChange, read=JOBS_EDIT, school=None),
)
