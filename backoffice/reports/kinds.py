"""How long what was reported is kept."""

from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.reports.models import Report

REPORTS = Kind("reports", (Rows(Report, Report.reported_at),), events=True)
KINDS = (REPORTS,)
