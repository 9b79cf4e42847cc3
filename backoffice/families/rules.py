"""Who may see guardian links: the parent the own ones, a leader those of the school."""

from backoffice.access.permissions import STUDENTS_READ
from backoffice.access.policy import Rule, register
from backoffice.families.models import GuardianLink

register(Rule(GuardianLink, read=STUDENTS_READ, account="account_id"))
