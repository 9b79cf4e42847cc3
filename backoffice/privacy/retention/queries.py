"""What is due of a kind of data, and taking it in batches. As the system only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    null,
    select,
    update,
)

from backoffice.access.transaction import Transaction
from backoffice.privacy.holds.extent import kept_rows
from backoffice.privacy.retention.kinds import Kind, Rows


def take(tx: Transaction, rows: Rows, *, before: datetime, most: int | None = None) -> int:
    """Delete what began before a moment, or what its columns tell, of so many rows at most; how many."""
    # Where a row lies: a batch is found and taken without looking its rows up again. One that is changed
    # meanwhile lies elsewhere, and stays.
    place: ColumnElement[Any] = literal_column(f"{rows.model.__table__}.ctid")
    batch = _due(tx, rows, before, place).limit(most).correlate(None).scalar_subquery()
    chosen = place == func.any(func.array(batch))
    statement: Any = (
        update(rows.model).values(dict.fromkeys(rows.empties, null())) if rows.empties else delete(rows.model)
    )
    done = tx.execute(statement.where(chosen).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def due(tx: Transaction, kind: Kind, *, before: datetime) -> int:
    """How many began before a moment."""
    return sum(tx.scalar(_due(tx, rows, before, func.count())) or 0 for rows in kind.rows)


def total(tx: Transaction, kind: Kind) -> int:
    """How many there are that go by age."""
    return sum(tx.scalar(_aging(tx, rows, func.count())) or 0 for rows in kind.rows)


def oldest(tx: Transaction, kind: Kind) -> datetime | None:
    """From when the oldest is, if there is any."""
    found = (tx.scalar(_aging(tx, rows, func.min(rows.since))) for rows in kind.rows)
    return min((each for each in found if each is not None), default=None)


def outlook(tx: Transaction, kind: Kind, *, moments: Sequence[datetime]) -> list[int]:
    """How many began before the first of these moments, and how many more before each of the others."""
    counts = [0] * len(moments)
    borders = bindparam("borders", list(moments), type_=ARRAY(DateTime(timezone=True)))
    for rows in kind.rows:
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
