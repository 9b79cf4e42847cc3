"""What stays in the inbox of the grown-ups whom a child told something. Its mail always comes."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.students.worries import mails

CHILD_TOLD = MessageKind(
    mails.CHILD_TOLD,
    Category.REQUEST,
    lazy("A child told you something. Look at it soon."),
    Always.CHILD,
    "/console/inbox/worries/{}",
)
CHILD_WAITS = MessageKind(
    mails.CHILD_WAITS,
    Category.REQUEST,
    lazy("What a child told was not closed for two days."),
    Always.CHILD,
    "/console/inbox/worries/{}",
)
KINDS = (CHILD_TOLD, CHILD_WAITS)
