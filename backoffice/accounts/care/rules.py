"""Who may see suspensions, resets of second factors and security events."""

from backoffice.access.permissions import SECURITY_READ, TEACHERS_RESET, TEACHERS_SUSPEND
from backoffice.access.policy import Rule, register
from backoffice.accounts.care.models import FactorReset, SecurityEvent, Suspension

register(
    Rule(Suspension, read=TEACHERS_SUSPEND),
    Rule(FactorReset, read=TEACHERS_RESET),
    Rule(SecurityEvent, read=SECURITY_READ, school=None),
)
