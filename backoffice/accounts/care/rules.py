"""Who may see suspensions, resets of second factors and security events."""

from backoffice.access.permissions import FACTORS_RESET, SECURITY_READ, TEACHERS_SUSPEND
from backoffice.access.policy import Rule, register
from backoffice.accounts.care.models import FactorReset, SecurityEvent, Suspension

register(
    Rule(Suspension, read=TEACHERS_SUSPEND),
    Rule(FactorReset, read=FACTORS_RESET),
    Rule(SecurityEvent, read=SECURITY_READ, school=None),
)
