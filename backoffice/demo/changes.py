"""A few changes of the last days, so that the demo's forms show what was changed."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from backoffice.access.transaction import Transaction
from backoffice.changes.models import (
    ClassroomChange,
    ClassroomField,
    SchoolChange,
    SchoolField,
    StudentChange,
    StudentField,
)
from backoffice.schools.models import Classroom, Enrollment, School, Student
from backoffice.storage.public_id import new_public_id


def remember_changes(
    tx: Transaction, *, classrooms: Collection[int], by: int, leader: int, at: datetime
) -> None:
    """A name mistyped in each of these classes and its title shortened; other days for their schools."""
    rooms = tx.scalars(select(Classroom).where(Classroom.id.in_(classrooms)).order_by(Classroom.id)).all()
    for room in rooms:
        here = {"school_id": room.school_id, "classroom_id": room.id, "by": by}
        titles, devices = (
            (f"{room.name}, mornings", room.name),
            (not room.shared_devices, room.shared_devices),
        )
        _keep(tx, ClassroomChange, ClassroomField.NAME, titles, at - timedelta(hours=50), here)
        _keep(tx, ClassroomChange, ClassroomField.SHARED_DEVICES, devices, at - timedelta(hours=26), here)
        child = tx.scalars(
            select(Student)
            .join(Enrollment, Enrollment.student_id == Student.id)
            .where(Enrollment.classroom_id == room.id)
            .order_by(Student.id)
            .limit(1)
        ).one()
        written = [child.given_name.swapcase(), child.family_name], [child.given_name, child.family_name]
        of_child = {"school_id": child.school_id, "student_id": child.id, "by": by}
        _keep(tx, StudentChange, StudentField.NAME, written, at - timedelta(hours=3), of_child)
    for school in tx.scalars(select(School).where(School.id.in_({room.school_id for room in rooms}))):
        days = [*school.school_days, "sat"], school.school_days
        of_school = {"school_id": school.id, "by": leader}
        _keep(tx, SchoolChange, SchoolField.DAYS, days, at - timedelta(days=4), of_school)


def _keep(
    tx: Transaction,
    model: type[StudentChange | ClassroomChange | SchoolChange],
    field: str,
    values: tuple[Any, Any],
    at: datetime,
    of: Mapping[str, int],
) -> None:
    before, after = values
    made = {"id": tx.take_id(model), "public_id": new_public_id(), "field": field, "at": at, **of}
    tx.execute(insert(model).values(**made, difference={"before": before, "after": after}))
