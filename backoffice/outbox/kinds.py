"""How long mails are kept that have come to an end."""

from backoffice.outbox.models import HANDED_OVER, REACHED_NOBODY, MailContent, MailState, OutgoingMail
from backoffice.privacy.retention.kinds import Kind, Rows

ENDED = OutgoingMail.state.in_({*HANDED_OVER, *REACHED_NOBODY})

MAILS = Kind("mails", (Rows(OutgoingMail, OutgoingMail.finished_at, only=ENDED),))
WORDS = Kind(
    "mail-words",
    (
        Rows(
            MailContent,
            OutgoingMail.finished_at,
            only=OutgoingMail.state == MailState.FAILED,
            through=(OutgoingMail, OutgoingMail.id == MailContent.mail_id),
        ),
    ),
)
KINDS = (MAILS, WORDS)
