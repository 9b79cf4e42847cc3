"""What stays in the inbox of founders about legal holds."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.privacy.holds import mails

HOLD_STEP = MessageKind(
    mails.HOLD_STEP,
    Category.REQUEST,
    lazy("Something happened to a legal hold, or it waits for a second founder."),
    Always.DEADLINE,
    "/console/holds/",
)
KINDS = (HOLD_STEP,)
