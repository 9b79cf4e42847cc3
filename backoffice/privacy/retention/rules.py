"""Who may see what retention did, and who decided it. Everybody reads the rest at /privacy/retention."""

from backoffice.access.permissions import RETENTION_POLICIES_EDIT, RETENTION_READ
from backoffice.access.policy import Rule, register
from backoffice.privacy.retention.models import PolicyVersion, RetentionRun

register(
    Rule(RetentionRun, read=RETENTION_READ, school=None),
    Rule(PolicyVersion, read=RETENTION_POLICIES_EDIT, school=None),
)
