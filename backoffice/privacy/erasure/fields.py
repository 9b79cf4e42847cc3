"""Deleted fields of a school's own stay deleted: the ledger has them, and a replay takes what came back.

A field is no subject of an erasure. Whoever manages it deletes it at once, with all that is written in it,
and the web writes into no file: a worker notes it in the ledger a moment later.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, null, select, update

from backoffice import clock
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.fields.models import ClassroomValue, CustomField, StudentValue
from backoffice.privacy.erasure import ledger
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.ledger import Line
from backoffice.privacy.holds.extent import kept_rows
from backoffice.storage import functions

# What the ledger calls it.
KIND = "field"
AT_ONCE = 5_000
VALUES: tuple[Any, ...] = (StudentValue, ClassroomValue)


def stay_deleted(eraser: Eraser) -> tuple[int, int]:
    """Note in the ledger what was deleted, and delete what came back: how many fields of each.

    Safe to repeat. Raises `LedgerError`.
    """
    noted = note(eraser)
    with transaction(eraser.who) as tx:
        return noted, take_again(tx)


def note(eraser: Eraser) -> int:
    """Put the deleted fields into the ledger that it does not have; how many. Raises `LedgerError`."""
    with transaction(eraser.who) as tx:
        known = ledger.known_ends(tx)
        if eraser.ledger.is_ahead(known):
            # A restore: it is replayed first. What is added now would hide that there is something to replay.
            return 0
        lines = [line for some in _parts(tx, gone=True) for line in _unknown(tx, some)]
        if lines:
            ledger.note(tx, lines)
            tx.flush()
            ledger.add(tx, eraser.ledger, lines, known)
    return len(lines)


def take_again(tx: Transaction) -> int:
    """Delete the fields that the ledger has and a restore brought back, with their values; how many.

    What a legal hold keeps something of waits, and is found again by the next look.
    """
    back: list[int] = []
    for some in _parts(tx, gone=False):
        marks = {ledger.mark_of(KIND, public_id): number for number, public_id, _at in some}
        back += [marks[mark] for mark in marks.keys() - ledger.missing_of(tx, marks)]
    return sum(_take(tx, number) for number in sorted(back))


def _unknown(tx: Transaction, some: Collection[tuple[int, str, datetime]]) -> Iterator[Line]:
    marks: dict[UUID, Line] = {}
    for _number, public_id, at in some:
        mark = ledger.mark_of(KIND, public_id)
        marks[mark] = Line((mark,), KIND, public_id, at)
    missing = ledger.missing_of(tx, marks)
    return (line for mark, line in marks.items() if mark in missing)


def _parts(tx: Transaction, *, gone: bool) -> Iterator[Collection[tuple[int, str, datetime]]]:
    """Number, identifier and end of all fields that are deleted, or of all that are not."""
    ended = CustomField.erased_at.is_not(None) if gone else CustomField.erased_at.is_(None)
    found = select(CustomField.id, CustomField.public_id, CustomField.erased_at).where(ended)
    for rows in tx.execute(found.execution_options(yield_per=AT_ONCE)).partitions():
        yield [(row.id, row.public_id, row.erased_at) for row in rows]


def _take(tx: Transaction, number: int) -> bool:
    row = tx.scalars(
        select(CustomField)
        .where(CustomField.id == number, CustomField.erased_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return False
    # Whoever proposes a hold at this moment comes before, or finds it gone.
    functions.lock_holds(tx, alone=False)
    if any(tx.scalar(select(kept)) for kept in _kept(tx, row)):
        return False
    gone = sum(_emptied(tx, model, row) for model in VALUES)
    tx.execute(
        update(CustomField)
        .where(CustomField.school_id == row.school_id, CustomField.id == row.id)
        .values(
            name=null(),
            purpose=null(),
            choices=null(),
            need=null(),
            erased_at=clock.now(),
            values_gone=gone,
        )
        .execution_options(synchronize_session=False)
    )
    record(tx, "fields.erase", school_id=row.school_id, field=row.id, values=gone)
    return True


def _kept(tx: Transaction, row: CustomField) -> Iterator[ColumnElement[bool]]:
    """Whether a hold keeps something that is written in it."""
    for model in VALUES:
        kept = kept_rows(tx, model)
        if kept is not None:
            yield exists(select(1).select_from(model).where(*_of(model, row), kept))


def _emptied(tx: Transaction, model: Any, row: CustomField) -> int:
    found: Any = tx.execute(
        delete(model).where(*_of(model, row)).execution_options(synchronize_session=False)
    )
    return int(found.rowcount)


def _of(model: Any, row: CustomField) -> tuple[ColumnElement[bool], ...]:
    return model.school_id == row.school_id, model.field_id == row.id
