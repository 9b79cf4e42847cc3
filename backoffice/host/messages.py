"""What stays in the inbox of founders about the parts of the system."""

from backoffice.host.mails import PLUGIN_SWITCHED
from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind

SWITCHED = MessageKind(
    PLUGIN_SWITCHED,
    Category.NOTICE,
    lazy("A part that keeps promises was switched on or off by another founder."),
    Always.COMPANY,
    "/console/plugins/{}",
)
KINDS = (SWITCHED,)
