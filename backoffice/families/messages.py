"""What stays in the inbox of whoever answers parents, and in that of parents."""

from backoffice.access.permissions import CHILDREN_READ, GUARDIANS_APPROVE, REQUESTS_ANSWER
from backoffice.families import mails
from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, Choice, Group, MessageKind

# Mailed to all all the same where nobody of those who answer wants the mail.
REQUEST_CAME = MessageKind(
    mails.REQUEST_CAME,
    Category.REQUEST,
    lazy("A parent asks to correct or delete something. You have 30 days to answer."),
    Choice(Group.FAMILIES, REQUESTS_ANSWER),
    "/console/inbox/requests/{}",
)
# The law asks for an answer by then.
REQUEST_DUE = MessageKind(
    mails.REQUEST_DUE,
    Category.REQUEST,
    lazy("What a parent asked for has to be answered within a week."),
    Always.DEADLINE,
    "/console/inbox/requests/{}",
)
WAITS = MessageKind(
    mails.FAMILY_WAITS,
    Category.REQUEST,
    lazy("A parent asks to follow a child, and waits until you or a colleague says yes or no."),
    Choice(Group.FAMILIES, GUARDIANS_APPROVE),
    "/console/families/",
)
APPROVED = MessageKind(
    mails.FAMILY_APPROVED,
    Category.NOTICE,
    lazy("A teacher has confirmed you. You can see now how your child is doing."),
    Choice(Group.FAMILIES, CHILDREN_READ),
    "/family",
)
ENDED = MessageKind(
    mails.FAMILY_ENDED,
    Category.NOTICE,
    lazy("A school has refused or ended that you follow a child. Talk to its teacher if it is wrong."),
    Always.ACCESS,
    "/family",
)
# What it is stands with the child, for as long as its parents follow it.
ANSWERED = MessageKind(
    mails.REQUEST_ANSWERED,
    Category.NOTICE,
    lazy("Your school has answered what you asked about the data of your child."),
    Always.DATA,
    "/family",
)
KINDS = (REQUEST_CAME, REQUEST_DUE, WAITS, APPROVED, ENDED, ANSWERED)
