"""Keeping what somebody changes, within the transaction of the service that changes it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import DeclarativeBase

from backoffice import clock
from backoffice.access import seen
from backoffice.access.transaction import Transaction
from backoffice.audit.trail import record
from backoffice.changes.models import (
    ActionChange,
    Change,
    ClassroomChange,
    JobChange,
    PluginChange,
    SchoolChange,
    StudentChange,
)
from backoffice.host.models import PluginState
from backoffice.jobs.models import JobSchedule
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import Action, Classroom, School, Student
from backoffice.storage.public_id import new_public_id

ALREADY = lazy("It is so already. There is nothing to put back.")
OVERTAKEN = lazy("Somebody has changed this since the page was opened. Look at it again.")

# The table of a record's changes, and the columns that say of which record a change is, by the record's own.
OF: Mapping[type[DeclarativeBase], tuple[type[Change], Mapping[str, str]]] = {
    Student: (StudentChange, {"school_id": "school_id", "student_id": "id"}),
    Classroom: (ClassroomChange, {"school_id": "school_id", "classroom_id": "id"}),
    Action: (
        ActionChange,
        {"school_id": "school_id", "action_id": "id", "classroom_id": "classroom_id"},
    ),
    School: (SchoolChange, {"school_id": "id"}),
    PluginState: (PluginChange, {"plugin_state_id": "id"}),
    JobSchedule: (JobChange, {"job_schedule_id": "id"}),
}


@dataclass(frozen=True)
class PutBack:
    """What a verb is to put back: the field of one change, as long as its value is still the one seen."""

    number: int
    field: str
    seen: str


def version(value: Any) -> str:
    """What equal values, as JSON has them, have in common: by it a page notices that one is another now."""
    return seen.version(json.dumps(value, sort_keys=True))


def keep_change(
    tx: Transaction,
    row: DeclarativeBase,
    back: PutBack | None = None,
    *,
    at: datetime | None = None,
    **fields: tuple[Any, Any],
) -> None:
    """Keep what a verb is about to change: each field's value before and after, as JSON has them.

    `row` is held by the verb. Where both are the same nothing is kept. With `back` it is put back: then
    nothing else may change with it. Raises `Rejected` for that, with `back` alone.
    """
    keep_changes(tx, {row: fields}, back, at=at)


def keep_changes(
    tx: Transaction,
    changed: Mapping[Any, Mapping[str, tuple[Any, Any]]],
    back: PutBack | None = None,
    *,
    at: datetime | None = None,
) -> None:
    """The same for several records of one kind, in one statement."""
    kept = [
        (row, field, values[0], values[1])
        for row, fields in changed.items()
        for field, values in fields.items()
        if version(values[0]) != version(values[1])
    ]
    if back is not None:
        _refuse_what_was_not_meant(back, [(field, before) for _row, field, before, _after in kept])
    if not kept:
        return
    model, columns = OF[type(kept[0][0])]
    at, numbers = at or clock.now(), tx.take_ids(model, len(kept))
    tx.execute(
        insert(model).values(
            [
                {
                    **{column: getattr(row, own) for column, own in columns.items()},
                    "id": number,
                    "public_id": new_public_id(),
                    "field": field,
                    "difference": {"before": before, "after": after},
                    "at": at,
                    "by": tx.principal.account_id,
                }
                for number, (row, field, before, after) in zip(numbers, kept, strict=True)
            ]
        )
    )
    if back is not None:
        record(
            tx,
            "changes.put-back",
            school_id=_school_of(kept[0][0]),
            change=back.number,
            field=back.field,
        )


def _school_of(row: Any) -> int | None:
    """In which school the record is; None where it is the company's own."""
    return row.id if isinstance(row, School) else getattr(row, "school_id", None)


def _refuse_what_was_not_meant(back: PutBack, kept: Iterable[tuple[str, Any]]) -> None:
    before = dict(kept)
    if not before:
        raise Rejected.whole(ALREADY)
    if set(before) != {back.field} or version(before[back.field]) != back.seen:
        raise Rejected.whole(OVERTAKEN)
