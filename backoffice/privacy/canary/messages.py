"""What stays in the inbox of founders about the nightly test of erasing."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.privacy.canary.mails import CANARY_FAILED

FAILED = MessageKind(
    CANARY_FAILED,
    Category.WARNING,
    lazy("The nightly test of erasing failed. What we promise about erasing may not be true now."),
    Always.COMPANY,
    "/console/jobs/",
)
KINDS = (FAILED,)
