"""What stays in the inbox about what goes soon. Its mail always comes: it has to be read in time."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.outbox.mail import Mail
from plugins.retention import mails


def _warning(mail: Mail, sentence: str, page: str) -> MessageKind:
    return MessageKind(mail, Category.WARNING, sentence, Always.DEADLINE, page)


KINDS = (
    _warning(
        mails.IDLE_WARNING,
        lazy("Nobody used your account for a long time, so it was to be deleted. Signing in keeps it."),
        "/privacy/retention",
    ),
    _warning(
        mails.IDLE_COLLEAGUE,
        lazy("The account of a colleague will be deleted. Give the classes to somebody before."),
        "/console/classrooms/",
    ),
    _warning(
        mails.ALONE_WARNING,
        lazy("Your account is in no school and follows no child, so it will be deleted."),
        "/privacy/retention",
    ),
    _warning(
        mails.CONTRACT_ENDED,
        lazy("A contract ends, and everything of it is deleted some time later. Take your lists out before."),
        "/privacy/retention",
    ),
    _warning(
        mails.OWNERLESS_CLASSES,
        lazy("Nobody teaches some classes any more. Give them to somebody, or they are deleted."),
        "/console/",
    ),
)
