"""What stays in the inbox of founders about what anybody reported."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.reports import mails

# It may be a leak, from which clocks of the law run.
CAME = MessageKind(
    mails.REPORTS_CAME,
    Category.REQUEST,
    lazy("Somebody reported something that looks wrong."),
    Always.DEADLINE,
    "/console/reports/",
)
KINDS = (CAME,)
