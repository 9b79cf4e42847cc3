"""Who may see what was reported: founders. Whoever reported something reads nothing of it again."""

from backoffice.access.permissions import REPORTS_READ
from backoffice.access.policy import Rule, register
from backoffice.reports.models import Report

register(Rule(Report, read=REPORTS_READ, school=None))
