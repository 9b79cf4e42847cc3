"""Whom of the company to write to."""

from sqlalchemy import select

from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.outbox.mail import Recipient
from backoffice.storage import functions, keyring


def founders(tx: Transaction) -> list[Recipient]:
    """Every active founder, to the system; nobody else may know them."""
    active = select(Account).where(Account.founder, Account.status == AccountStatus.ACTIVE)
    return [
        Recipient(each.id, each.email, each.name, each.language)
        for each in tx.scalars(active.order_by(Account.id))
    ]


def other_founders(tx: Transaction) -> list[Recipient]:
    """Every active founder but the one at work: to the system, all of them; to anybody else, nobody."""
    if tx.principal.kind is Kind.SYSTEM:
        return founders(tx)
    opened = keyring.current().open
    return [
        Recipient(
            each.account_id,
            opened(bytes(each.email), context="account.email").decode(),
            opened(bytes(each.name), context="account.name").decode(),
            each.language,
        )
        for each in functions.other_founders(tx)
    ]


def names(tx: Transaction) -> dict[int, str]:
    """What the active founders are called, by their accounts' numbers; for a founder."""
    found = {each.account_id: each.name for each in other_founders(tx)}
    found[tx.principal.account_id] = tx.principal.name or ""
    return {number: name for number, name in found.items() if number is not None and name}
