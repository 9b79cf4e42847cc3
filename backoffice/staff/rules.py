"""Who may see invitations."""

from backoffice.access.permissions import TEACHERS_INVITE
from backoffice.access.policy import Rule, register
from backoffice.staff.models import Invitation

register(Rule(Invitation, read=TEACHERS_INVITE))
