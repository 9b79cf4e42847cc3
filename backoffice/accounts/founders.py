"""Whom of the company to write to."""

from sqlalchemy import select

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.outbox.mail import Recipient


def founders(tx: Transaction) -> list[Recipient]:
    """Every active founder, to the system; nobody else may know them."""
    active = select(Account).where(Account.founder, Account.status == AccountStatus.ACTIVE)
    return [
        Recipient(each.id, each.email, each.name, each.language)
        for each in tx.scalars(active.order_by(Account.id))
    ]
