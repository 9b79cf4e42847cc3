"""Owners of accounts, and what is mailed to them."""

import email
import re
from email.policy import default

from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.providers.services import linking
from backoffice.accounts.services import people
from backoffice.outbox.models import MailContent
from backoffice.storage.public_id import new_public_id
from tests.factories.world import COST, PASSWORD, SYSTEM

_LINK = re.compile(r"/sign-in/link/([A-Za-z0-9_-]{43})")


def newcomer(*, founder: bool = False) -> str:
    """The address of a new account."""
    address = f"{new_public_id()}@people.example"
    people.create_account(
        principal=SYSTEM, email=address, name="Ona Owner", password=PASSWORD, cost=COST, founder=founder
    )
    return address


def mails_to(address: str) -> list[str]:
    """The texts of the mails to an address, the oldest first."""
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(select(MailContent).order_by(MailContent.mail_id)).all()
        found = [
            email.message_from_bytes(row.message, policy=default) for row in rows if row.recipient == address
        ]
    bodies = [each.get_body(("plain",)) for each in found]
    return [" ".join(body.get_content().split()) for body in bodies if body is not None]


def mailed_token(address: str) -> str:
    """The token of the link in the newest mail, once the worker has written what waits."""
    linking.write_offers(Purpose("test"))
    found = _LINK.search(mails_to(address)[-1])
    assert found
    return found.group(1)
