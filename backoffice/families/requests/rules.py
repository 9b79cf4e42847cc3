"""Who may see what parents ask: the parent who asked, and whoever may answer."""

from backoffice.access.permissions import CHILDREN_READ
from backoffice.access.policy import Rule, register
from backoffice.families.requests.models import GuardianRequest
from backoffice.schools.rules import enrolled

register(
    Rule(
        GuardianRequest,
        read=CHILDREN_READ,
        account="account_id",
        classrooms=enrolled(GuardianRequest.__table__.c.student_id, now=True),
        classrooms_of=lambda asked: [each.classroom_id for each in asked.enrollments],
    )
)
