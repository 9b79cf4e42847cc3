"""What happens to mails after they have left."""

from dataclasses import dataclass
from typing import ClassVar

from backoffice.events import Event
from backoffice.language.texts import lazy


@dataclass(frozen=True)
class MailBounced(Event):
    """A mail came back for good that had been sent.

    `mail_id` is its number in the database and `public_id` what it is called outside, as `post_many` gave
    them; `status` is the enhanced status code (RFC 3463) that the other server gave, "5.1.1".
    """

    title: ClassVar[str] = lazy("a mail comes back")
    mail_id: int
    public_id: str
    status: str
