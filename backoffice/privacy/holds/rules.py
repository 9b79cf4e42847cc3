"""Who may see legal holds: founders, who answer for them. Everybody else learns how many there are."""

from backoffice.access.permissions import HOLDS_READ
from backoffice.access.policy import Rule, register
from backoffice.privacy.holds.models import LegalHold

register(Rule(LegalHold, read=HOLDS_READ, school=None))
