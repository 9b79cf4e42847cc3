"""Which letters there are of a notice, how many are due, and to whom a batch goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from backoffice.access.lookup import NotFound, find, rows_of
from backoffice.access.transaction import Transaction
from backoffice.storage.public_id import is_public_id, new_public_id
from backoffice.storage.sealed import open_text
from plugins.notifications.letters.paper import Addressed
from plugins.notifications.notices.models import LetterBatch, Notice
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN


class Due(NamedTuple):
    """How many letters are to be made, and how many more have no address that one could go to."""

    letters: int
    nowhere: int


def due(tx: Transaction, notice: Notice) -> Due:
    """What is due of a notice by now; for founders."""
    counted = func.plugin_notifications.letters_due_of(notice.id).table_valued("due", "nowhere")
    (row,) = tx.rows(select(counted.c.due, counted.c.nowhere))
    return Due(row.due, row.nowhere)


def batches(tx: Transaction, notice: Notice) -> Sequence[tuple[LetterBatch, int]]:
    """The batches of a notice, the latest first, and how many letters each has; for founders."""
    counted = func.plugin_notifications.letters_of(notice.id).table_valued("batch_id", "letters")
    numbers = {row.batch_id: row.letters for row in tx.rows(select(counted.c.batch_id, counted.c.letters))}
    mine = rows_of(tx.principal, LetterBatch, INCIDENTS_READ).where(LetterBatch.notice_id == notice.id)
    return [
        (each, numbers.get(each.id, 0)) for each in tx.scalars(mine.order_by(LetterBatch.id.desc())).all()
    ]


def batch_of(tx: Transaction, notice: Notice, public_id: str) -> LetterBatch:
    """A batch of that notice. Raises `NotFound`."""
    if not is_public_id(public_id):
        raise NotFound
    row = find(tx, LetterBatch, public_id, permission=INCIDENTS_RUN)
    if row.notice_id != notice.id:
        raise NotFound
    return row


def make(tx: Transaction, notice: Notice, *, at: datetime, most: int) -> int:
    """Put letters that are due into a new batch, up to so many; how many there are."""
    called = func.plugin_notifications.make_letters(notice.id, new_public_id(), at, most)
    return tx.scalar(select(called)) or 0


def post(tx: Transaction, batch: LetterBatch, *, at: datetime) -> int:
    """Note that a batch was posted; how many letters it had, none if somebody has noted it before."""
    return tx.scalar(select(func.plugin_notifications.post_letters(batch.id, at))) or 0


def addressed(tx: Transaction, batch: LetterBatch) -> Sequence[Addressed]:
    """To whom the letters of a batch go, in the order in which they are printed; for founders."""
    called = func.plugin_notifications.letters_in(batch.id).table_valued(
        *("person", "language", "country", "school", "school_address", "district", "district_address")
    )
    return [
        Addressed(
            person=open_text(row.person, context="account.name"),
            school=open_text(row.school, context="school.name"),
            lines=_lines(row),
            language=row.language,
            country=row.country,
        )
        for row in tx.rows(select(called))
    ]


def _lines(row: Any) -> tuple[str, ...]:
    own = open_text(row.school_address, context="school.postal_address")
    if own is not None:
        return tuple(own.splitlines())
    wider = open_text(row.district_address, context="district.postal_address") or ""
    name = open_text(row.district, context="district.name")
    lines = wider.splitlines()
    return tuple(lines if name is None or lines[:1] == [name] else [name, *lines])
