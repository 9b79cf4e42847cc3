"""Who may see what belongs to families.

A link is the parent's own; to staff it is open where they may approve or invite, which each query names. A
child ties no parent to another: there is no rule by student for links and invitations.
"""

from backoffice.access.permissions import CHILDREN_READ, GUARDIANS_INVITE
from backoffice.access.policy import Rule, register
from backoffice.families.models import GuardianInvitation, GuardianLink, StudentView
from backoffice.schools.rules import enrolled

register(
    Rule(
        GuardianLink,
        read=CHILDREN_READ,
        account="account_id",
        classrooms=enrolled(GuardianLink.__table__.c.student_id, now=True),
        classrooms_of=lambda link: [each.classroom_id for each in link.enrollments],
    ),
    Rule(
        GuardianInvitation,
        read=GUARDIANS_INVITE,
        classrooms=enrolled(GuardianInvitation.__table__.c.student_id, now=True),
        classrooms_of=lambda invitation: [each.classroom_id for each in invitation.enrollments],
    ),
    # The school is told nothing by it: whoever looked sees no list of it, only the child's parents do.
    Rule(StudentView, read=CHILDREN_READ, school=None, student="student_id"),
)
