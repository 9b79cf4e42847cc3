"""Mails as tests write them: of kinds that nobody has turned off, so that each is written."""

from typing import Any

from backoffice.access.transaction import Transaction
from backoffice.outbox import services
from backoffice.outbox.mail import Mail
from backoffice.outbox.services import Posted
from backoffice.storage.public_id import PublicId


def post(tx: Transaction, mail: Mail, **said: Any) -> PublicId:
    """One mail, as `outbox.services.post` writes it; its public identifier."""
    posted = services.post(tx, mail, **said)
    assert posted is not None
    return posted


def post_many(tx: Transaction, mail: Mail, letters: Any) -> list[Posted]:
    """Many mails, as `outbox.services.post_many` writes them."""
    posted = services.post_many(tx, mail, letters)
    return [each for each in posted if each is not None]
