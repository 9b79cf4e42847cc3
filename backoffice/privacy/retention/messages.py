"""What stays in the inbox about how long data is kept. What happens to data is always mailed, too."""

from backoffice.access.permissions import RETENTION_POLICIES_EDIT
from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, Choice, Group, MessageKind
from backoffice.privacy.retention import mails

POLICY_CHANGED = MessageKind(
    mails.POLICY_CHANGED,
    Category.NOTICE,
    lazy("How long data is kept has changed, or will. The page says what holds."),
    Always.DATA,
    "/privacy/retention",
)
# Unconfirmed, nothing of it is ever in force.
POLICY_PROPOSED = MessageKind(
    mails.POLICY_PROPOSED,
    Category.REQUEST,
    lazy("Another founder proposed to change for how long data is kept. Confirm it or withdraw it."),
    Choice(Group.COMPANY, RETENTION_POLICIES_EDIT),
    "/console/retention/",
)
RUN_PAUSED = MessageKind(
    mails.RUN_PAUSED,
    Category.REQUEST,
    lazy("So much would be erased at once that somebody is to look at it first."),
    Always.COMPANY,
    "/console/retention/",
)
KINDS = (POLICY_CHANGED, POLICY_PROPOSED, RUN_PAUSED)
