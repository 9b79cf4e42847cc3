"""What stays in the inbox of whoever brought in a roster."""

from backoffice.language.texts import lazy
from backoffice.messages.kind import Category, Choice, Group, MessageKind
from plugins.rosters.mails import IMPORT_FINISHED
from plugins.rosters.permissions import ROSTERS_IMPORT

KINDS = (
    MessageKind(
        IMPORT_FINISHED,
        Category.NOTICE,
        lazy("We are done with the roster that you uploaded. The report says how it went."),
        Choice(Group.LISTS, ROSTERS_IMPORT),
        "/console/rosters/{}",
    ),
)
