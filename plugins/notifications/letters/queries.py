"""Which letters there are of a notice, how many are due, and to whom a batch goes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find, rows_of
from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.storage.numbers import array_of
from backoffice.storage.public_id import PublicId, is_public_id, new_public_id
from backoffice.storage.sealed import open_text
from plugins.notifications.letters.paper import Addressed
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import LetterBatch, Notice, NoticeState
from plugins.notifications.notices.queries import sealed_late
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN

# So long what was prepared can be fetched.
READY_FOR = timedelta(hours=1)


class Due(NamedTuple):
    """How many letters are to be made, how many more have no address, and who left the schools."""

    letters: int
    nowhere: int
    gone: int


def due(tx: Transaction, notice: Notice) -> Due:
    """What is due of a notice by now; for founders."""
    counted = func.plugin_notifications.letters_due_of(notice.id).table_valued("due", "nowhere", "gone")
    (row,) = tx.rows(select(counted.c.due, counted.c.nowhere, counted.c.gone))
    return Due(row.due, row.nowhere, row.gone)


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


def is_any_to_post(tx: Transaction, incident: Incident) -> bool:
    """Whether letters about an incident were made and not posted."""
    open_ones = (
        rows_of(tx.principal, LetterBatch, INCIDENTS_READ)
        .join(Notice, Notice.id == LetterBatch.notice_id)
        .where(
            Notice.incident_id == incident.id,
            Notice.state.in_((NoticeState.APPROVED, NoticeState.SENT)),
            LetterBatch.posted_at.is_(None),
        )
    )
    return tx.scalar(select(open_ones.exists())) or False


def make(tx: Transaction, notice: Notice, *, at: datetime, most: int) -> tuple[PublicId, int]:
    """Put letters that are due into a new batch, up to so many; which it is, and how many there are."""
    made = new_public_id()
    called = func.plugin_notifications.make_letters(notice.id, made, at, most)
    return made, tx.scalar(select(called)) or 0


def release(tx: Transaction, batch: LetterBatch, numbers: Sequence[int] | None = None) -> int:
    """Take these letters out of a batch that was not posted, else all of them; how many."""
    some = None if numbers is None else array_of(numbers)
    return tx.scalar(select(func.plugin_notifications.release_letters(batch.id, some))) or 0


def told_by(tx: Transaction, batch: LetterBatch) -> Sequence[int]:
    """The concerned schools that are told by posting a batch; none by letters to others. For founders."""
    return tx.scalars(
        select(func.plugin_notifications.told_by_letters(batch.id).column_valued("school"))
    ).all()


def post(tx: Transaction, batch: LetterBatch, *, at: datetime, late: str | None = None) -> int:
    """Note that a batch was posted; how many letters it had, none if somebody has noted it before."""
    called = func.plugin_notifications.post_letters(batch.id, at, sealed_late(late))
    return tx.scalar(select(called)) or 0


def prepared(tx: Transaction, notice: Notice) -> Collection[int]:
    """The batches of a notice that are ready to be fetched; for founders."""
    ready = rows_of(tx.principal, LetterBatch, INCIDENTS_READ).where(
        LetterBatch.notice_id == notice.id,
        LetterBatch.pdf.is_not(None),
        LetterBatch.print_asked_at > clock.now() - READY_FOR,
    )
    return set(tx.scalars(ready.with_only_columns(LetterBatch.id)))


def print_of(tx: Transaction, batch: LetterBatch) -> bytes | None:
    """What a worker has prepared; None if nothing yet, or if its hour is over."""
    fresh = LetterBatch.print_asked_at > clock.now() - READY_FOR
    return tx.scalar(select(LetterBatch.pdf).where(LetterBatch.id == batch.id, fresh))


def ask_for_print(tx: Transaction, batch: LetterBatch, *, at: datetime, language: str) -> bool:
    """Have the letters of a batch prepared; whether there is one."""
    return bool(tx.scalar(select(func.plugin_notifications.ask_for_print(batch.id, at, language))))


def keep_print(tx: Transaction, batch: LetterBatch, pdf: bytes) -> bool:
    """Keep what was prepared, if that is still wanted; whether it is. As the system."""
    mine = (LetterBatch.id == batch.id, LetterBatch.print_asked_at == batch.print_asked_at)
    kept = update(LetterBatch).where(*mine).values(pdf=pdf).returning(LetterBatch.id)
    return tx.scalar(kept.execution_options(synchronize_session=False)) is not None


def forget_prints(tx: Transaction, *, before: datetime) -> int:
    """Forget what was asked for before a moment, whatever became of it; how many. As the system."""
    nothing = {"pdf": None, "print_asked_at": None, "print_language": None}
    gone = update(LetterBatch).where(LetterBatch.print_asked_at <= before).values(**nothing)
    done = gone.returning(LetterBatch.id).execution_options(synchronize_session=False)
    return len(tx.scalars(done).all())


def addressed(tx: Transaction, batch: LetterBatch, *, at: datetime) -> Mapping[int, Addressed]:
    """To whom the letters of a batch go, by their numbers and as printed; for founders and workers."""
    is_worker = tx.principal.kind is Kind.SYSTEM
    read = func.plugin_notifications.letters_to if is_worker else func.plugin_notifications.letters_in
    called = read(batch.id, at).table_valued(
        *("delivery_id", "person", "language", "country", "school", "school_address"),
        *("district", "district_address"),
    )
    return {
        row.delivery_id: Addressed(
            person=open_text(row.person, context="account.name"),
            school=open_text(row.school, context="school.name"),
            lines=_lines(row),
            language=row.language,
            country=row.country,
        )
        for row in tx.rows(select(called))
    }


def _lines(row: Any) -> tuple[str, ...]:
    own = open_text(row.school_address, context="school.postal_address")
    if own is not None:
        return tuple(own.splitlines())
    wider = open_text(row.district_address, context="district.postal_address") or ""
    name = open_text(row.district, context="district.name")
    lines = wider.splitlines()
    return tuple(lines if name is None or lines[:1] == [name] else [name, *lines])
