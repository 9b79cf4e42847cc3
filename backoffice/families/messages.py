"""What stays in the inbox of whoever answers parents."""

from backoffice.access.permissions import REQUESTS_ANSWER
from backoffice.families import mails
from backoffice.language.texts import lazy
from backoffice.messages.kind import Category, MessageKind

# Mailed to all all the same where nobody of those who answer wants the mail.
REQUEST_CAME = MessageKind(
    mails.REQUEST_CAME,
    Category.REQUEST,
    lazy("A parent asks to correct or delete something. You have 30 days to answer."),
    "/console/inbox/requests/{}",
    choice=REQUESTS_ANSWER,
)
# The law asks for an answer by then.
REQUEST_DUE = MessageKind(
    mails.REQUEST_DUE,
    Category.REQUEST,
    lazy("What a parent asked for has to be answered within a week."),
    "/console/inbox/requests/{}",
)
KINDS = (REQUEST_CAME, REQUEST_DUE)
