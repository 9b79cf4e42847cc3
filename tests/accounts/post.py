"""What is mailed about addresses, as it lies in the outbox once the worker has written what waits."""

import email
import re
from email.policy import default

from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.services import email_change, letters, sign_up
from backoffice.outbox.models import MailContent
from tests.factories.world import SYSTEM

_WRITER = Purpose("test")


def mailed(address: str) -> list[str]:
    """Subjects and texts of the mails to an address, the oldest first."""
    sign_up.write_sign_ups(_WRITER)
    email_change.write_email_changes(_WRITER)
    letters.write_letters(_WRITER)
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(MailContent).order_by(MailContent.mail_id)).all()
        messages = [each.message for each in found if each.recipient == address]
    return [_plain(each) for each in messages]


def link_for(address: str, below: str) -> str:
    """The token of the newest link below a path that was mailed to an address."""
    links = [
        each for text in mailed(address) for each in re.findall(rf"/{below}/([A-Za-z0-9_-]{{43}})", text)
    ]
    assert links
    return str(links[-1])


def _plain(message: bytes) -> str:
    parsed = email.message_from_bytes(message, policy=default)
    body = parsed.get_body(("plain",))
    assert body is not None
    return " ".join(f"{parsed['Subject']}: {body.get_content()}".split())
