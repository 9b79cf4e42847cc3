"""The own messages, unread ones first."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, tuple_

from backoffice.access.lookup import find
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.messages.models import MailChoice, Message

# Beyond so many unread ones, it is said that there are more.
MOST_COUNTED = 99
ON_A_PAGE = 50
# So many stand beside other things.
AT_A_GLANCE = 5


class After(NamedTuple):
    """Behind which message a page begins, and whether that was unread as it was shown."""

    public_id: str
    unread: bool


class Page(NamedTuple):
    """Some messages, and behind what the next ones begin if there are more."""

    messages: Sequence[Message]
    after: After | None


def page(tx: Transaction, *, after: After | None = None, most: int = ON_A_PAGE) -> Page:
    """The own messages: unread ones, then the others, the newest first. Raises `NotFound`."""
    unread = Message.read_at.is_(None)
    found = visible(tx.principal, select(Message)).order_by(unread.desc(), Message.id.desc())
    if after is not None:
        last = message(tx, after.public_id)
        found = found.where(tuple_(unread, Message.id) < (after.unread, last.id))
    some = tx.scalars(found.limit(most + 1)).all()
    shown = some[:most]
    more = After(shown[-1].public_id, shown[-1].read_at is None) if len(some) > most else None
    return Page(shown, more)


def message(tx: Transaction, public_id: str) -> Message:
    """One of the own messages. Raises `NotFound`."""
    return find(tx, Message, public_id)


def unwanted_mails(tx: Transaction) -> frozenset[str]:
    """Of which kinds the principal wants no mail."""
    mine = MailChoice.account_id == tx.principal.account_id
    return frozenset(tx.scalar(visible(tx.principal, select(MailChoice.unwanted)).where(mine)) or ())
