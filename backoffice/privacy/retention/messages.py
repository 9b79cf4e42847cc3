"""What stays in the inbox of whoever answers for a school. What happens to data is always mailed, too."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Category, MessageKind
from backoffice.privacy.retention import mails

POLICY_CHANGED = MessageKind(
    mails.POLICY_CHANGED,
    Category.NOTICE,
    lazy("How long data is kept has changed, or will. The page says what holds."),
    "/privacy/retention",
)
KINDS = (POLICY_CHANGED,)
