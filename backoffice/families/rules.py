"""Who may see guardian links: the parent the own ones, whoever may read the student the student's."""

from backoffice.access.permissions import STUDENTS_READ
from backoffice.access.policy import Rule, register
from backoffice.families.models import GuardianLink

register(Rule(GuardianLink, read=STUDENTS_READ, account="account_id"))
