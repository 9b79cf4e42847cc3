"""Who may see erasures: whoever asked, and whoever reads the trail of the school that they were in."""

from backoffice.access.permissions import AUDIT_READ
from backoffice.access.policy import Rule, register
from backoffice.privacy.erasure.models import Erasure

register(Rule(Erasure, read=AUDIT_READ, account="asked_by"))
