"""Who may see a message, and which mails somebody does without: whose it is, and nobody else."""

from backoffice.access.policy import Rule, register
from backoffice.messages.models import MailChoice, Message

register(Rule(Message, read=None, school=None, account="account_id"))
register(Rule(MailChoice, read=None, school=None, account="account_id"))
