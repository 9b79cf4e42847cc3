"""What is due of a kind of data, and taking it in batches. As the system only."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    null,
    select,
    tuple_,
    update,
)

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.privacy.holds.extent import kept_rows
from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.storage import functions
from backoffice.storage.functions import LogDay

# What has been due for longer goes row by row and not with its day: no row is to be kept for more than a day
# too long, and runs come every six hours.
WITH_ITS_DAY = timedelta(hours=18)
# So many days go in one transaction: readers and writers wait until it has dropped them.
WEEK = 7
# Spans of 1, 2, 4 … 64 days, in which the oldest is looked for where that takes reading.
STEPS = 7


def take(tx: Transaction, rows: Rows, *, before: datetime, most: int | None = None) -> int:
    """Delete what began before a moment, or what its columns tell, of so many rows at most; how many.

    Of a log that is kept by the day only what cannot wait until its day goes whole.
    """
    statement: Any = (
        update(rows.model).values(dict.fromkeys(rows.empties, null())) if rows.empties else delete(rows.model)
    )
    in_batch = _in_batch_by_key if rows.by_day else _in_batch
    condition = in_batch(tx, rows, before, most)
    done = tx.execute(statement.where(condition).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def drop_days(tx: Transaction, rows: Rows, *, before: datetime) -> list[LogDay]:
    """Drop the oldest days of a log that is kept by the day that ended before a moment, a week at most.

    None while a legal hold keeps rows of it: then all go row by row. Raises `OperationalError` where somebody
    reads or writes for too long.
    """
    if not _days_go_whole(tx, rows):
        return []
    return functions.drop_days(tx, log=str(rows.model.__table__), before=before, most=WEEK)


def is_due(tx: Transaction, kind: Kind, *, before: datetime) -> bool:
    """Whether a run would take something that began before a moment."""
    return any(_is_due(tx, rows, before) for rows in kind.rows)


def total(tx: Transaction, kind: Kind) -> int:
    """How many there are that go by age."""
    return sum(tx.scalar(_aging(tx, rows, func.count())) or 0 for rows in kind.rows)


def oldest(tx: Transaction, kind: Kind) -> datetime | None:
    """From when the oldest is, if there is any."""
    found = (_oldest(tx, rows, kind.before(clock.now())) for rows in kind.rows)
    return min((each for each in found if each is not None), default=None)


def outlook(tx: Transaction, kind: Kind, *, moments: Sequence[datetime]) -> list[int]:
    """How many began before the first of these moments, and how many more before each of the others."""
    counts = [0] * len(moments)
    borders = bindparam("borders", list(moments), type_=ARRAY(DateTime(timezone=True)))
    for rows in kind.rows:
        if _days_go_whole(tx, rows):
            # A day goes whole, when its last moment is due.
            for day in functions.log_days(tx, log=str(rows.model.__table__), before=moments[-1]):
                counts[bisect_left(moments, day.until)] += day.amount
            continue
        place = func.width_bucket(rows.since, borders)
        found = _due(tx, rows, moments[-1], place, func.count()).group_by(place)
        for number, count in tx.execute(found):
            counts[number] += count
    return counts


def held(tx: Transaction, kind: Kind, *, before: datetime) -> int:
    """How many began before a moment and stay, since a legal hold keeps them."""
    count = 0
    for rows in kind.rows:
        kept = kept_rows(tx, rows.model)
        if kept is not None:
            count += tx.scalar(_of_age(rows, func.count()).where(rows.since < before, kept)) or 0
    return count


def _days_go_whole(tx: Transaction, rows: Rows) -> bool:
    return rows.by_day and kept_rows(tx, rows.model) is None


def _oldest(tx: Transaction, rows: Rows, before: datetime) -> datetime | None:
    if rows.only is None and _days_go_whole(tx, rows):
        return functions.log_oldest(tx, log=str(rows.model.__table__))
    first = func.min(rows.since)
    spans = (before + timedelta(days=2**step) for step in range(STEPS)) if _is_by_blocks(rows) else ()
    found = (tx.scalar(_due(tx, rows, until, first)) for until in spans)
    oldest: datetime | None = next((each for each in found if each is not None), None)
    return oldest if oldest is not None else tx.scalar(_aging(tx, rows, first))


def _is_by_blocks(rows: Rows) -> bool:
    """Whether an index finds the blocks of a span and has no first value, so that the first is looked for."""
    return any(
        index.dialect_options["postgresql"]["using"] == "brin" and rows.column.endswith(f".{column.name}")
        for index in rows.tables[0].indexes
        for column in index.columns
    )


def _is_due(tx: Transaction, rows: Rows, before: datetime) -> bool:
    if _days_go_whole(tx, rows):
        if functions.log_has_day(tx, log=str(rows.model.__table__), before=before):
            return True
        before = _not_with_its_day(before)
    return tx.scalar(_due(tx, rows, before, literal(1)).limit(1)) is not None


def _in_batch(tx: Transaction, rows: Rows, before: datetime, most: int | None) -> ColumnElement[bool]:
    # Where a row lies: a batch is found and taken without looking its rows up again. One that is changed
    # meanwhile lies elsewhere, and stays.
    place: ColumnElement[Any] = literal_column(f"{rows.model.__table__}.ctid")
    batch = _due(tx, rows, before, place).limit(most).correlate(None).scalar_subquery()
    return place == func.any(func.array(batch))


def _in_batch_by_key(tx: Transaction, rows: Rows, before: datetime, most: int | None) -> ColumnElement[bool]:
    # Rows of two days can lie at the same place: by their keys, and in the days alone that began before.
    if _days_go_whole(tx, rows):
        before = _not_with_its_day(before)
    key = tuple(rows.tables[0].primary_key.columns)
    batch = _due(tx, rows, before, *key).limit(most).correlate(None)
    return and_(rows.since < before, tuple_(*key).in_(batch))


def _not_with_its_day(before: datetime) -> datetime:
    """What began before this goes row by row: of days that are over there is only what came without a day."""
    here = before.astimezone(UTC)
    return max(here.replace(hour=0, minute=0, second=0, microsecond=0), here - WITH_ITS_DAY)


def _of_age(rows: Rows, *what: ColumnElement[Any]) -> Select[Any]:
    statement = select(*what).select_from(rows.model)
    if rows.through is not None:
        statement = statement.join(*rows.through)
    return statement.where(rows.since.is_not(None), *([] if rows.only is None else [rows.only]))


def _aging(tx: Transaction, rows: Rows, *what: ColumnElement[Any]) -> Select[Any]:
    """What goes by age; not what a legal hold keeps."""
    kept = kept_rows(tx, rows.model)
    statement = _of_age(rows, *what)
    return statement if kept is None else statement.where(~kept)


def _due(tx: Transaction, rows: Rows, before: datetime, *what: ColumnElement[Any]) -> Select[Any]:
    return _aging(tx, rows, *what).where(rows.since < before)
