"""Who may read what children told."""

from sqlalchemy import and_, any_

from backoffice.access.permissions import WORRIES_ANSWER
from backoffice.access.policy import Rule, register
from backoffice.students.worries.models import GoesTo, Worry

register(
    Rule(
        Worry,
        read=WORRIES_ANSWER,
        classrooms=lambda classrooms: and_(
            Worry.classroom_id == any_(classrooms), Worry.goes_to == GoesTo.TEACHER
        ),
        classrooms_of=lambda row: (row.classroom_id,) if row.goes_to == GoesTo.TEACHER else (),
    )
)
