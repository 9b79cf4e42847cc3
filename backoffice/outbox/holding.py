"""Holding mails back that wait, letting them go, calling them off. What is being sent is touched by none.

Parts of a verb: whoever calls them says who may and writes the entry of the trail, in the same transaction.
The database lets founders and the system. `mails` selects numbers of mails; each returns how many it changed.
"""

from typing import Any

from sqlalchemy import Select

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.outbox import queries
from backoffice.outbox.models import MailState
from backoffice.outbox.services import TRIED_FOR, wake


def hold(tx: Transaction, mails: Select[Any]) -> int:
    """Those that wait are not sent until they are let go. After a month they are called off."""
    return queries.step(tx, mails, of=[MailState.QUEUED], state=MailState.HELD)


def let_go(tx: Transaction, mails: Select[Any]) -> int:
    """Those that are held are sent, and tried for as long as if they had been written now."""
    now = clock.now()
    fresh = {"next_try_at": now, "give_up_at": now + TRIED_FOR}
    freed = queries.step(tx, mails, of=[MailState.HELD], state=MailState.QUEUED, **fresh)
    if freed:
        wake(tx)
    return freed


def call_off(tx: Transaction, mails: Select[Any]) -> int:
    """Those that wait or are held are never sent, and what they said is deleted."""
    ended = {"state": MailState.CALLED_OFF, "finished_at": clock.now(), "reason": None}
    return queries.step(tx, mails, of=[MailState.QUEUED, MailState.HELD], **ended)
