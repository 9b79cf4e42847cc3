"""What stays in the inbox of whoever gets a notice. Its mail cannot be turned off."""

from backoffice.access.transaction import Transaction
from backoffice.banner import Banner
from backoffice.language.spoken import language
from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from plugins.notifications.notices import mails, queries, showing, wordings


def _told(tx: Transaction, notice: str) -> Banner | None:
    row = queries.told(tx, notice)
    if row is None:
        return None
    template = wordings.template_of(row.template, row.template_version)
    return showing.banner_of(template, row.said, language())


NOTICE = MessageKind(
    mails.NOTICE_V1,
    Category.NOTICE,
    lazy("Something went wrong that concerns you or your school. Read what you can do."),
    Always.DATA,
    text=_told,
)
STEP = MessageKind(
    mails.NOTICE_STEP,
    Category.REQUEST,
    lazy("Another founder did something about a notice, or it waits for you."),
    Always.DEADLINE,
    "/console/incidents/notices/{}",
)
ALONE = MessageKind(
    mails.NOTICE_ALONE,
    Category.NOTICE,
    lazy("A notice about an incident could not wait for a second founder, who looks at it now."),
    Always.DATA,
)
KINDS = (NOTICE, STEP, ALONE)
# As which message the mail of a template's version stays: a version without one is seen as this is read.
_BY_MAIL = {kind.mail.name: kind for kind in KINDS}
BY = {each: _BY_MAIL[mail.name] for each, (mail, _parameters) in mails.BY.items()}
