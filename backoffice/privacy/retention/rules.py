"""Who may see what retention did. Everybody reads the sums at /privacy/retention."""

from backoffice.access.permissions import RETENTION_READ
from backoffice.access.policy import Rule, register
from backoffice.privacy.retention.models import RetentionRun

register(Rule(RetentionRun, read=RETENTION_READ, school=None))
