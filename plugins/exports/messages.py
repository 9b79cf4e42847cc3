"""What stays in the inbox of whoever asked for an export."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, Choice, Group, MessageKind
from plugins.exports import mails

KINDS = (
    MessageKind(
        mails.EXPORT_READY,
        Category.NOTICE,
        lazy("The export that you asked for is ready. Fetch it within its days."),
        # Everybody may take along what is theirs.
        Choice(Group.LISTS),
        "/account/exports",
    ),
    MessageKind(
        mails.EXPORT_DOWNLOADED,
        Category.WARNING,
        lazy("An export that you asked for was downloaded. If it was not you, change your password at once."),
        Always.SECURITY,
        "/account/exports",
    ),
)
