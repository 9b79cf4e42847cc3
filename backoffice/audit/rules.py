"""Who may see the trail."""

from backoffice.access.permissions import AUDIT_READ
from backoffice.access.policy import Rule, register
from backoffice.audit.models import AuditDetail, AuditEntry

register(Rule(AuditEntry, read=AUDIT_READ), Rule(AuditDetail, read=AUDIT_READ))
