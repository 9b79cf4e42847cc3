"""What is mailed to parents, as it lies in the outbox."""

import email
import re
from email.policy import default

from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.families.services.letters import write_family_letters
from backoffice.outbox.models import MailContent
from tests.factories.world import SYSTEM

_LINK = re.compile(r"/family/invitations/([A-Za-z0-9_-]{43})")


def mailed(address: str) -> list[str]:
    """The texts of the mails to an address, the oldest first, once the worker has written what waits."""
    write_family_letters(Purpose("test"))
    with transaction(SYSTEM) as tx:
        found = tx.scalars(
            select(MailContent).where(MailContent.recipient.is_not(None)).order_by(MailContent.mail_id)
        )
        messages = [each.message for each in found if each.recipient == address]
    parsed = [email.message_from_bytes(each, policy=default) for each in messages]
    bodies = [each.get_body(("plain",)) for each in parsed]
    return [" ".join(body.get_content().split()) for body in bodies if body is not None]


def token_for(address: str) -> str:
    """The token of the newest link in the mails to an address."""
    newest: str = _LINK.findall(" ".join(mailed(address)))[-1]
    return newest
