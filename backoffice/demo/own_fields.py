"""A few fields of a school's own with what is written in them, so that the demo shows what they are for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select

from backoffice.access.transaction import Transaction
from backoffice.fields import queries, values
from backoffice.fields.models import CustomField, FieldKind, FieldSubject
from backoffice.schools.models import Classroom, Student
from backoffice.storage.public_id import new_public_id

# Days that values are kept: until the next year has long begun.
KEPT = 400
WRITTEN_WITHIN = timedelta(days=60)
BUSES = ("Line 7", "Line 12", "Walks home", "Is picked up")
# Not of every child: somebody has still to ask.
KNOWN = 0.9
REFUSED = 0.1


def give_own_fields(tx: Transaction, *, school: int, at: datetime) -> None:
    """The bus home and whether photos may be taken, of most children; the room of each class that goes on."""
    dice = Random(7)  # noqa: S311 - the same on every machine
    children = tx.scalars(select(Student).where(Student.school_id == school).order_by(Student.id)).all()
    rooms = tx.scalars(
        select(Classroom)
        .where(Classroom.school_id == school, Classroom.archived_at.is_(None))
        .order_by(Classroom.id)
    ).all()
    of = {"school_id": school, "created_at": at - WRITTEN_WITHIN}
    bus = _field(
        tx,
        subject=FieldSubject.STUDENT,
        kind=FieldKind.CHOICE,
        name="Bus",
        purpose="So that every child gets on the right bus after the last lesson",
        choices=list(BUSES),
        **of,
    )
    photos = _field(
        tx,
        subject=FieldSubject.STUDENT,
        kind=FieldKind.YES_NO,
        name="Photos allowed",
        purpose="So that nobody is in a picture of the class whose family said no",
        **of,
    )
    hall = _field(
        tx,
        subject=FieldSubject.CLASSROOM,
        kind=FieldKind.TEXT,
        name="Room",
        purpose="So that who stands in for a teacher finds the class",
        **of,
    )
    known = [child for child in children if dice.random() < KNOWN]
    _write(tx, bus, [(each.id, dice.choice(BUSES)) for each in known], dice, at)
    said = [(each.id, values.NO if dice.random() < REFUSED else values.YES) for each in known]
    _write(tx, photos, said, dice, at)
    doors = [(room.id, f"Room {100 + 2 * number}") for number, room in enumerate(rooms, 1)]
    _write(tx, hall, doors, dice, at)


def _field(tx: Transaction, **said: Any) -> CustomField:
    number = tx.take_id(CustomField)
    made = {"id": number, "public_id": new_public_id(), "keep_days": KEPT, **said}
    tx.execute(insert(CustomField).values(**made))
    return tx.scalars(select(CustomField).where(CustomField.id == number)).one()


def _write(
    tx: Transaction, field: CustomField, written: Sequence[tuple[int, str]], dice: Random, at: datetime
) -> None:
    model, column, _ = queries.OF[FieldSubject(field.subject)]
    rows = [
        {
            "school_id": field.school_id,
            "field_id": field.id,
            column.key: thing,
            **values.kept(field, value, at - WRITTEN_WITHIN * dice.random()),
        }
        for thing, value in written
    ]
    tx.execute(insert(model), rows)
