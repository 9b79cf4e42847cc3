"""Who may see a message: whom it is for, and nobody else."""

from backoffice.access.policy import Rule, register
from backoffice.messages.models import Message

register(Rule(Message, read=None, school=None, account="account_id"))
