"""The fields of a school, and what is written in them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from backoffice.access.lookup import NotFound
from backoffice.access.permissions import FIELDS_MANAGE
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.fields import values
from backoffice.fields.models import (
    ClassroomValue,
    CustomField,
    FieldSubject,
    StudentValue,
    Value,
)
from backoffice.schools.models import Classroom, Student
from backoffice.storage import functions
from backoffice.storage.numbers import one_of

# Values by the number of their student or class, and of their field.
Written = Mapping[int, Mapping[int, str]]
OF: Mapping[FieldSubject, tuple[type[Value], Any, Any]] = {
    FieldSubject.STUDENT: (StudentValue, StudentValue.student_id, Student),
    FieldSubject.CLASSROOM: (ClassroomValue, ClassroomValue.classroom_id, Classroom),
}
_NONE: Mapping[int, str] = {}


def fields_of(tx: Transaction, school: int, subject: FieldSubject | None = None) -> Sequence[CustomField]:
    """The fields of a school that the principal may see, the oldest first."""
    statement = select(CustomField).where(CustomField.school_id == school, CustomField.erased_at.is_(None))
    if subject is not None:
        statement = statement.where(CustomField.subject == subject)
    return tx.scalars(visible(tx.principal, statement).order_by(CustomField.id)).all()


def numbers_of(
    tx: Transaction, school: int, subject: FieldSubject, public_ids: Collection[str]
) -> Sequence[int]:
    """The numbers of those of these fields that the principal may see."""
    statement = select(CustomField.id).where(
        CustomField.school_id == school,
        CustomField.subject == subject,
        CustomField.public_id.in_(public_ids),
        CustomField.erased_at.is_(None),
    )
    return tx.scalars(visible(tx.principal, statement)).all()


def fields_in(tx: Transaction, schools: Collection[int]) -> Sequence[CustomField]:
    """The fields of these schools that the principal may see, school by school."""
    statement = select(CustomField).where(
        one_of(CustomField.school_id, schools), CustomField.erased_at.is_(None)
    )
    ordered = visible(tx.principal, statement).order_by(CustomField.school_id, CustomField.id)
    return tx.scalars(ordered).all()


def erased_of(tx: Transaction, school: int, *, most: int) -> Sequence[CustomField]:
    """What is left of the fields of a school that were deleted, the last first, for who manages them."""
    statement = select(CustomField).where(CustomField.school_id == school, CustomField.erased_at.is_not(None))
    managed = visible(tx.principal, statement, FIELDS_MANAGE)
    return tx.scalars(managed.order_by(CustomField.erased_at.desc()).limit(most)).all()


def field_to_manage(
    tx: Transaction, public_id: str, *, erased: bool = False, lock: bool = False
) -> CustomField:
    """The field of this identifier, if the principal manages it. Raises `NotFound`."""
    statement = select(CustomField).where(
        CustomField.public_id == public_id,
        CustomField.erased_at.is_not(None) if erased else CustomField.erased_at.is_(None),
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = tx.scalars(visible(tx.principal, statement, FIELDS_MANAGE)).one_or_none()
    if found is None:
        raise NotFound
    return found


def values_of(tx: Transaction, subject: FieldSubject, things: Collection[Any]) -> Written:
    """What is written about these students or classes, as far as the principal may read it; one statement."""
    model, column, _ = OF[subject]
    if not things:
        return {}
    statement = select(column, model.field_id, model.value).where(
        one_of(model.school_id, sorted({each.school_id for each in things})),
        one_of(column, [each.id for each in things]),
    )
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for thing, field, value in tx.execute(visible(tx.principal, statement)):
        found[thing][field] = value
    return found


def written_in(written: Written, thing: int) -> Mapping[int, str]:
    """What of that is about one of them, by the numbers of the fields."""
    return written.get(thing, _NONE)


def count_values(tx: Transaction, field: CustomField) -> int:
    """How many values a field has, for who manages it."""
    return functions.count_in_field(tx, school_id=field.school_id, field_id=field.id)


def count_of_choice(tx: Transaction, field: CustomField, choice: str) -> int:
    """In how many places a choice is chosen, for who manages the field."""
    digest = values.digest(field, choice)
    return functions.count_in_field(tx, school_id=field.school_id, field_id=field.id, digest=digest)


def has_value(field: CustomField, digest: bytes) -> ColumnElement[bool]:
    """The condition that a student or class has the value of this digest in a field."""
    model, column, entity = OF[FieldSubject(field.subject)]
    found = select(column).where(
        model.school_id == field.school_id, model.field_id == field.id, model.value_index == digest
    )
    condition: ColumnElement[bool] = (entity.school_id == field.school_id) & entity.id.in_(found)
    return condition


def value_of(tx: Transaction, field: CustomField, digest: bytes) -> str | None:
    """The value of this digest, where it is written about somebody whom the principal sees."""
    model, _, _ = OF[FieldSubject(field.subject)]
    statement = select(model.value).where(
        model.school_id == field.school_id, model.field_id == field.id, model.value_index == digest
    )
    return tx.scalars(visible(tx.principal, statement).limit(1)).first()
