"""The tiles of mails that wait and that were given up."""

from collections.abc import Collection

from sqlalchemy import func, select

from backoffice.access.permissions import MAIL_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.tiles import MOST_COUNTED, Number, Tile

# Longer than so the queue stands when nobody fetches from it.
LONG = 100


def _waiting(tx: Transaction) -> Number:
    count = _count(tx, (MailState.QUEUED, MailState.SENDING))
    return Number(min(count, MOST_COUNTED), "", "warn" if count > LONG else "", count > MOST_COUNTED)


def _given_up(tx: Transaction) -> Number:
    count = _count(tx, (MailState.FAILED,))
    return Number(min(count, MOST_COUNTED), "", "bad" if count else "good", count > MOST_COUNTED)


def _count(tx: Transaction, states: Collection[MailState]) -> int:
    """How many mails are so far; no further than one beyond what is told."""
    some = visible(tx.principal, select(OutgoingMail.id).where(OutgoingMail.state.in_(states)))
    return tx.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery())) or 0


TILES: tuple[Tile, ...] = (
    Tile("mails-waiting", "Mails waiting", MAIL_READ, _waiting, "/console/outbox/?state=queued"),
    Tile("mails-given-up", "Mails given up", MAIL_READ, _given_up, "/console/outbox/?state=failed"),
)
