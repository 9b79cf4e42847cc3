"""How long messages are kept."""

from backoffice.messages.models import Message
from backoffice.privacy.retention.kinds import Kind, Rows

MESSAGES = Kind("messages", (Rows(Message, Message.created_at),))
KINDS = (MESSAGES,)
