"""What stays in the inbox of founders about what anybody reported."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Category, MessageKind
from backoffice.reports import mails

CAME = MessageKind(
    mails.REPORTS_CAME,
    Category.REQUEST,
    lazy("Somebody reported something that looks wrong."),
    "/console/reports/",
)
KINDS = (CAME,)
