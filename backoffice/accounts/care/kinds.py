"""What of looking after accounts is kept for a time."""

from backoffice.accounts.care.models import FactorReset, SecurityEvent
from backoffice.privacy.retention.kinds import Kind, Rows

EVENTS = Kind(
    "security-events",
    (Rows(SecurityEvent, SecurityEvent.opened_at), Rows(FactorReset, FactorReset.asked_at)),
    events=True,
)
KINDS = (EVENTS,)
