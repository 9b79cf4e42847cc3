"""Who may see invitations: leaders those into their schools, owners those into their classes."""

from sqlalchemy import any_

from backoffice.access.permissions import TEACHERS_INVITE
from backoffice.access.policy import Rule, register
from backoffice.staff.models import Invitation

register(
    Rule(
        Invitation,
        read=TEACHERS_INVITE,
        classrooms=lambda classrooms: Invitation.classroom_id == any_(classrooms),
        classrooms_of=lambda invitation: [each for each in (invitation.classroom_id,) if each],
    )
)
