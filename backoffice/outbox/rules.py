"""Who may see mails, as envelopes. What they say, nobody reads here."""

from backoffice.access.permissions import MAIL_READ
from backoffice.access.policy import Rule, register
from backoffice.outbox.models import OutgoingMail

register(Rule(OutgoingMail, read=MAIL_READ))
