"""Making a field of a school's own, changing it, deleting it with all of its values, and writing in it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CLASSROOMS_EDIT, FIELDS_MANAGE, STUDENTS_EDIT
from backoffice.access.principal import Kind, Principal
from backoffice.access.seen import is_to_be_written, version
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.fields import queries, values
from backoffice.fields.models import (
    LONGEST_KEPT,
    CustomField,
    FieldKind,
    FieldSubject,
)
from backoffice.fields.words import sensitive_in
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, School, Student
from backoffice.storage import functions
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean

LONGEST_NAME, LONGEST_PURPOSE, LONGEST_NEED = 60, 300, 300
SHORTEST_PURPOSE = 10
MOST_FIELDS = 20
LEAST_CHOICES, MOST_CHOICES = 2, 30
# What a field is called in forms and addresses comes after it, so that nothing else is called so.
PREFIX = "field_"
# The job that has the ledger know of deleted fields, so that none comes back with a backup.
STAY_DELETED = "core.deleted-fields"

NO_NAME = lazy("Give the field a name.")
NO_PURPOSE = lazy("Say what you need it for, in a sentence.")
NO_DAYS = lazy("Write for how many days a value is kept, from 1 to 3,660.")
NO_CHOICES = lazy("Write 2 to 30 different choices, one a line.")
NOT_ITS_NAME = lazy("This is not what it is called. Type it as it stands above.")
TAKEN = lazy("There is a field of this name already.")
FULL = lazy("A school has at most 20 fields of its own on students, and 20 on classes. Delete one first.")
HAS_TO_BE_KEPT = lazy("There is an obligation to keep something that is written in it. It stays for now.")
NOT_TO_BE_EMPTIED = lazy(
    "There is an obligation to keep what is written here: no field that is filled in can be emptied for now."
)
STILL_CHOSEN = lazy("A choice can only go once it is chosen nowhere any more.")
DELETED_MEANWHILE = lazy("One of these fields was deleted just now. Nothing was saved: open the page again.")
NO_NEED = lazy("Say why the school cannot do without it.")


@dataclass(frozen=True)
class Wanted:
    """What a field is to be.

    `needed` says that the school needs what laws protect more and has told families, and `need` why it does;
    both count only where a word asks for it.
    """

    name: str
    purpose: str
    keep_days: int | None
    choices: tuple[str, ...] = ()
    needed: bool = False
    need: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that people read of it."""
        return (self.name, self.purpose, *self.choices)


def make_field(
    *, principal: Principal, school: str, subject: FieldSubject, kind: FieldKind, wanted: Wanted
) -> PublicId:
    """Give a school a field of its own. Returns its public identifier. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=FIELDS_MANAGE)
        return make_field_in(tx, place.id, subject=subject, kind=kind, wanted=wanted)


def make_field_in(
    tx: Transaction, school: int, *, subject: FieldSubject, kind: FieldKind, wanted: Wanted
) -> PublicId:
    """The same as a part of something larger, for who manages the fields there. Raises `Rejected`."""
    wanted = checked(wanted, kind)
    confirmed = _confirmed(wanted)
    one_at_a_time(tx, school)
    there = queries.fields_of(tx, school, subject)
    if len(there) >= MOST_FIELDS:
        raise Rejected.whole(FULL)
    _keep_apart(there, wanted.name)
    number, public_id = tx.take_id(CustomField), new_public_id()
    tx.execute(
        insert(CustomField).values(
            school_id=school,
            id=number,
            public_id=public_id,
            subject=subject,
            kind=kind,
            name=wanted.name,
            purpose=wanted.purpose,
            choices=list(wanted.choices) or None,
            keep_days=wanted.keep_days,
            created_at=clock.now(),
            **_confirmation(tx, wanted, confirmed=confirmed),
        )
    )
    record(
        tx,
        "fields.make",
        school_id=school,
        field=number,
        of=str(subject),
        kind=str(kind),
        keep_days=wanted.keep_days,
        **_said(wanted, confirmed=confirmed),
    )
    return public_id


def shown(field: CustomField) -> tuple[str, ...]:
    """What a form shows of a field, for its `version`."""
    return (field.name or "", field.purpose or "", str(field.keep_days), *(field.choices or ()))


def change_field(*, principal: Principal, field: str, wanted: Wanted, seen: str | None = None) -> None:
    """What a field is called, what it is for, how long its values are kept and what can be chosen.

    All values that there are go by the new time as well. A choice that is chosen somewhere stays. `seen` is
    the `version` of what was shown. Raises `Rejected`, `Overtaken`, `NotFound`.
    """
    with transaction(principal) as tx:
        # Whoever brings many values in waits in this order, too.
        one_at_a_time(tx, queries.field_to_manage(tx, field).school_id)
        row = queries.field_to_manage(tx, field, lock=True)
        kind = FieldKind(row.kind)
        wanted = checked(wanted, kind)
        before = shown(row)
        after = (wanted.name, wanted.purpose, str(wanted.keep_days), *wanted.choices)
        if not is_to_be_written(seen, now=before, wanted=after) or before == after:
            return
        known = sensitive_in((row.name or "", row.purpose or "", *(row.choices or ())))
        confirmed = _confirmed(wanted, known=known if row.confirmed_at else ())
        others = queries.fields_of(tx, row.school_id, FieldSubject(row.subject))
        _keep_apart([each for each in others if each.id != row.id], wanted.name)
        _keep_chosen(tx, row, wanted)
        row.name, row.purpose = wanted.name, wanted.purpose
        row.choices = list(wanted.choices) or None
        for name, value in _confirmation(tx, wanted, confirmed=confirmed).items():
            setattr(row, name, value)
        if wanted.keep_days != row.keep_days:
            assert wanted.keep_days is not None
            row.keep_days = wanted.keep_days
            tx.flush()
            functions.keep_as_field_says(tx, school_id=row.school_id, field_id=row.id)
        record(
            tx,
            "fields.change",
            school_id=row.school_id,
            field=row.id,
            keep_days=wanted.keep_days,
            **_said(wanted, confirmed=confirmed),
        )


def erase_field(*, principal: Principal, field: str, typed: str) -> int:
    """Delete a field with all that is written in it, for good; how many values that were.

    `typed` is what it is called. What is left of it is its receipt. Raises `Rejected`, `NotFound` and
    `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        row = queries.field_to_manage(tx, field)
        if names.plain(" ".join(typed.split())) != names.plain(row.name or ""):
            raise Rejected(typed=NOT_ITS_NAME)
        answer = functions.erase_field(tx, school_id=row.school_id, field_id=row.id, at=clock.now())
        if answer.done == "has to be kept":
            raise Rejected.whole(HAS_TO_BE_KEPT)
        if answer.done != "erased":
            raise NotFound
        queue.defer(tx, STAY_DELETED)
        record(tx, "fields.erase", school_id=row.school_id, field=row.id, values=answer.gone)
    return int(answer.gone)


def write_student_values(
    *, principal: Principal, student: str, written: Mapping[str, str], seen: str | None = None
) -> None:
    """Write in the fields of a student, by their public identifiers; what is empty is taken away.

    `seen` is the `seen_of` what was shown of these fields. Raises `Rejected` by `PREFIX` and identifier,
    `Overtaken`, `NotFound` and `Closed`.
    """
    with transaction(principal) as tx:
        row = find(tx, Student, student, permission=STUDENTS_EDIT)
        gone = _write(tx, FieldSubject.STUDENT, row, written, seen)
        forget = functions.forget_student_values
        if gone and not forget(tx, school_id=row.school_id, student_id=row.id, fields=gone):
            raise Rejected.whole(NOT_TO_BE_EMPTIED)


def write_classroom_values(
    *, principal: Principal, classroom: str, written: Mapping[str, str], seen: str | None = None
) -> None:
    """The same for a class."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT)
        gone = _write(tx, FieldSubject.CLASSROOM, row, written, seen)
        forget = functions.forget_classroom_values
        if gone and not forget(tx, school_id=row.school_id, classroom_id=row.id, fields=gone):
            raise Rejected.whole(NOT_TO_BE_EMPTIED)


def seen_of(fields: Sequence[CustomField], there: Mapping[int, str]) -> str:
    """The `version` of what is written in these fields, in their order."""
    return version(*(there.get(each.id) for each in fields))


def _write(
    tx: Transaction, subject: FieldSubject, thing: Any, written: Mapping[str, str], seen: str | None
) -> list[int]:
    """Write what is there to be written; the numbers of the fields that are to be emptied."""
    model, column, _ = queries.OF[subject]
    fields = _held(tx, subject, thing.school_id, written)
    wanted = _fitting(fields, written)
    _one_writer_at_a_time(tx, subject, thing.id)
    there = queries.values_of(tx, subject, [thing]).get(thing.id, {})
    now = tuple(there.get(each.id) for each in fields)
    if not is_to_be_written(seen, now=now, wanted=tuple(wanted[each.id] for each in fields)):
        return []
    changed = [each for each in fields if wanted[each.id] != there.get(each.id)]
    if not changed:
        return []
    at = clock.now()
    for each in changed:
        value = wanted[each.id]
        if value is None:
            continue
        new = values.kept(each, value, at)
        key = (model.school_id == thing.school_id, column == thing.id, model.field_id == each.id)
        if each.id in there:
            tx.execute(update(model).where(*key).values(**new))
        else:
            of = {"school_id": thing.school_id, column.key: thing.id, "field_id": each.id}
            tx.execute(insert(model).values(**of, **new))
    about = {str(subject): thing.id, "fields": [each.id for each in changed]}
    record(tx, f"{subject}s.fill", school_id=thing.school_id, **about)
    return [each.id for each in changed if wanted[each.id] is None]


def _held(
    tx: Transaction, subject: FieldSubject, school: int, written: Mapping[str, str]
) -> Sequence[CustomField]:
    """The fields that somebody writes in, which nobody changes or deletes until it is done."""
    numbers = queries.numbers_of(tx, school, subject, written)
    if len(numbers) < len(written):
        raise NotFound
    hold(tx, school, numbers)
    # Read only now: whoever changed them a moment before is waited for.
    fields = [each for each in queries.fields_of(tx, school, subject) if each.public_id in written]
    if len(fields) < len(written):
        raise Rejected.whole(DELETED_MEANWHILE)
    return fields


def _fitting(fields: Sequence[CustomField], written: Mapping[str, str]) -> dict[int, str | None]:
    found: dict[int, str | None] = {}
    problems: dict[str, str] = {}
    for each in fields:
        try:
            found[each.id] = values.written(FieldKind(each.kind), each.choices or (), written[each.public_id])
        except values.Unfit as unfit:
            problems[f"{PREFIX}{each.public_id}"] = unfit.sentence
    if problems:
        raise Rejected(**problems)
    return found


def checked(wanted: Wanted, kind: FieldKind) -> Wanted:
    """What a field of this kind is to be, as it is kept. Raises `Rejected`; asks for no confirmation."""
    name, purpose = clean(wanted.name), clean(wanted.purpose)
    problems: dict[str, str] = {}
    if not name or len(name) > LONGEST_NAME:
        problems["name"] = NO_NAME
    if not SHORTEST_PURPOSE <= len(purpose) <= LONGEST_PURPOSE:
        problems["purpose"] = NO_PURPOSE
    if wanted.keep_days is None or not 1 <= wanted.keep_days <= LONGEST_KEPT:
        problems["keep_days"] = NO_DAYS
    choices = tuple(each for each in map(clean, wanted.choices) if each) if kind is FieldKind.CHOICE else ()
    if kind is FieldKind.CHOICE and not _are_choices(choices):
        problems["choices"] = NO_CHOICES
    if problems:
        raise Rejected(**problems)
    need = clean(wanted.need)[:LONGEST_NEED]
    return Wanted(name, purpose, wanted.keep_days, choices, wanted.needed, need)


def _are_choices(choices: Sequence[str]) -> bool:
    different = {each.casefold() for each in choices}
    fits = all(len(each) <= LONGEST_NAME for each in choices)
    return fits and LEAST_CHOICES <= len(choices) <= MOST_CHOICES and len(different) == len(choices)


def _confirmed(wanted: Wanted, *, known: Sequence[str] = ()) -> bool:
    """Whether somebody had to say that the school needs it, and did. Raises `Rejected` if nobody did.

    `known` are words for which it was said before.
    """
    found = [each for each in sensitive_in(wanted.texts) if each not in known]
    if not found:
        return False
    if not wanted.needed:
        raise Rejected(
            needed=gettext(
                "“%(word)s” stands for something that laws such as FERPA and the GDPR protect more than"
                " other data: a school may only keep it where it cannot do without, and has to tell families"
                " before. Ask for something else, or say that you need it and have told families.",
                word=found[0],
            )
        )
    if not wanted.need:
        raise Rejected(need=NO_NEED)
    return True


def _confirmation(tx: Transaction, wanted: Wanted, *, confirmed: bool) -> dict[str, Any]:
    if not confirmed:
        return {}
    return {"need": wanted.need, "confirmed_at": clock.now(), "confirmed_by": tx.principal.account_id}


def _said(wanted: Wanted, *, confirmed: bool) -> dict[str, Any]:
    """For the trail, whose details are sealed: why a school needs what laws protect more."""
    return {"need": wanted.need, "families_told": True} if confirmed else {}


def _keep_apart(others: Sequence[CustomField], name: str) -> None:
    if any(names.plain(each.name or "") == names.plain(name) for each in others):
        raise Rejected(name=TAKEN)


def _keep_chosen(tx: Transaction, row: CustomField, wanted: Wanted) -> None:
    """Raises `Rejected` where a choice goes that is chosen somewhere."""
    for choice in set(row.choices or ()) - set(wanted.choices):
        if queries.count_of_choice(tx, row, choice):
            raise Rejected(choices=STILL_CHOSEN)


def hold(tx: Transaction, school: int, fields: Collection[int]) -> None:
    """Have nobody change or delete these fields until the transaction ends; whoever is at it is waited for.

    To be called before any value is touched. What was read of them before may be over by then.
    """
    if tx.principal.kind is not Kind.SYSTEM:
        functions.hold_fields(tx, school_id=school, fields=fields)
        return
    held = select(CustomField.id).where(CustomField.school_id == school, one_of(CustomField.id, fields))
    tx.execute(held.order_by(CustomField.id).with_for_update(read=True))


def one_at_a_time(tx: Transaction, school: int) -> None:
    """Two who make fields of a school at once do not count past each other: wait for the other one."""
    functions.lock_fields(tx, of=f"school {school}")


def _one_writer_at_a_time(tx: Transaction, subject: FieldSubject, number: int) -> None:
    functions.lock_fields(tx, of=f"{subject} {number}")
