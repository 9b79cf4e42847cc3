"""Bringing a list of students into a school: looked at first, then done as it was shown, or not at all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import keep_changes
from backoffice.entitlements import Entitlement, no_room, require_room
from backoffice.imports.columns import Row
from backoffice.imports.plan import ChangedMeanwhile, Plan, beyond, require_size
from backoffice.schools import names
from backoffice.schools.importing import queries
from backoffice.schools.importing.compare import Compared, Elsewhere, Fresh, compare, rooms_named
from backoffice.schools.models import Classroom, Enrollment, School, Student
from backoffice.schools.roster_models import ChangedHow, ChangeKind
from backoffice.schools.services.changes import note_change
from backoffice.schools.services.rosters import enroll, take_back
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import new_public_id


class Imported(NamedTuple):
    """How many are new, and how many rows changed what was here."""

    new: int
    changed: int


def preview_students(
    *, principal: Principal, school: str, rows: Sequence[Row], elsewhere: Elsewhere = Elsewhere.ASK
) -> Plan:
    """What `import_students` would do. Changes nothing. Raises `NotFound`."""
    with transaction(principal) as tx:
        place = find(tx, School, school)
        compared = compare(tx, place.id, queries.rooms_of(tx, place.id), rows, elsewhere)
        fresh = len(compared.fresh)
        full = no_room(tx, school_id=place.id, entitlement=Entitlement.STUDENTS, wanted=fresh)
        return beyond(compared.plan, full)


def import_students(
    *,
    principal: Principal,
    school: str,
    rows: Sequence[Row],
    seen: str,
    most: int,
    elsewhere: Elsewhere = Elsewhere.ASK,
) -> Imported:
    """Do what the plan of this digest said, all of it in one transaction; rows that it refuses are left out.

    Nobody is taken out of a class or erased, and no mail goes out. Raises `ChangedMeanwhile` if it would do
    something else by now, `Rejected` if there is nothing to do or more than `most` rows, `LimitReached`, and
    `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        place = find(tx, School, school)
        rooms = queries.rooms_of(tx, place.id)
        # A row by its ID may name no class: its name is noted in one of the child's, held as the others.
        noted = compare(tx, place.id, rooms, rows, elsewhere).noted_in
        wanted = {*rooms_named(rows, rooms), *noted.values()}
        # Classes before their students, as whoever changes a list of names.
        locked = {room.id: room for room in queries.lock_rooms(tx, place.id, wanted)}
        rooms = queries.rooms_of(tx, place.id)
        compared = compare(tx, place.id, rooms, rows, elsewhere)
        written = queries.lock_students(tx, place.id, compared.renamed)
        if written != {number: renamed.before for number, renamed in compared.renamed.items()}:
            compared = compare(tx, place.id, rooms, rows, elsewhere)
            raise ChangedMeanwhile(compared.plan)
        plan = compared.plan
        if plan.digest != seen or not locked.keys() >= _rooms_of(compared):
            raise ChangedMeanwhile(plan)
        require_size(plan, most)
        fresh = len(compared.fresh)
        require_room(tx, school_id=place.id, entitlement=Entitlement.STUDENTS, wanted=fresh)
        _write(tx, place.id, compared, locked, now)
        changed = {*compared.renamed, *(each for group in compared.joins.values() for each in group)}
        record(
            tx,
            "students.import",
            school_id=place.id,
            classrooms=sorted(locked),
            count=fresh,
            students=sorted(changed),
        )
    return Imported(fresh, plan.size - fresh)


def _write(
    tx: Transaction, school_id: int, compared: Compared, rooms: Mapping[int, Classroom], now: datetime
) -> None:
    fresh = _write_down(tx, school_id, compared.fresh, now)
    _rename(tx, school_id, compared, now)
    there = _who_was_there(tx, school_id, compared.joins)
    for number, room in sorted(rooms.items()):
        coming = compared.joins.get(number, ())
        back = [each for each in coming if (number, each) in there]
        joining = [each for each in coming if (number, each) not in there]
        new = fresh.get(number, [])
        if new or joining:
            enroll(tx, room, [*new, *joining], now)
        if back:
            take_back(tx, room, back)
        how = dict.fromkeys(new, ChangedHow.NEW) | dict.fromkeys(joining, ChangedHow.JOINED)
        how |= dict.fromkeys(back, ChangedHow.BACK)
        renamed = [student for student, noted_in in compared.noted_in.items() if noted_in == number]
        kind = ChangeKind.ADD if how else ChangeKind.RENAME
        how = dict.fromkeys(renamed, ChangedHow.RENAMED) | how
        note_change(tx, room, kind, how, at=now)


def _write_down(
    tx: Transaction, school_id: int, fresh: Sequence[Fresh], now: datetime
) -> Mapping[int, list[int]]:
    """Make students; their numbers by those of their classes."""
    if not fresh:
        return {}
    numbers = tx.take_ids(Student, len(fresh))
    tx.execute(
        insert(Student),
        [
            {
                "school_id": school_id,
                "id": number,
                "public_id": new_public_id(),
                "given_name": each.given,
                "family_name": each.family,
                "name_tokens": names.tokens(each.given, each.family, school_id=school_id),
                "created_at": now,
            }
            for number, each in zip(numbers, fresh, strict=True)
        ],
    )
    found: dict[int, list[int]] = defaultdict(list)
    for number, each in zip(numbers, fresh, strict=True):
        for room in each.rooms:
            found[room].append(number)
    return found


def _rooms_of(compared: Compared) -> set[int]:
    """The classes that somebody comes into, or whose names are noted there."""
    return {
        *compared.joins,
        *compared.noted_in.values(),
        *(room for each in compared.fresh for room in each.rooms),
    }


def _rename(tx: Transaction, school_id: int, compared: Compared, now: datetime) -> None:
    if not compared.renamed:
        return
    kept = {
        Student(school_id=school_id, id=number): {"name": ([*renamed.before], [*renamed.after])}
        for number, renamed in compared.renamed.items()
    }
    keep_changes(tx, kept, at=now)
    statement = (
        update(Student.__table__)  # type: ignore[arg-type]
        .where(Student.school_id == school_id, Student.id == bindparam("number"))
        .values(
            given_name=bindparam("given"), family_name=bindparam("family"), name_tokens=bindparam("tokens")
        )
    )
    tx.connection().execute(
        statement,
        [
            {
                "number": number,
                "given": given,
                "family": family,
                "tokens": names.tokens(given, family, school_id=school_id),
            }
            for number, renamed in compared.renamed.items()
            for given, family in [renamed.after]
        ],
    )


def _who_was_there(
    tx: Transaction, school_id: int, joins: Mapping[int, Sequence[int]]
) -> set[tuple[int, int]]:
    """Of those who join, who was in that class before, by class and student."""
    if not joins:
        return set()
    students = {each for group in joins.values() for each in group}
    before = select(Enrollment.classroom_id, Enrollment.student_id).where(
        Enrollment.school_id == school_id,
        one_of(Enrollment.classroom_id, joins),
        one_of(Enrollment.student_id, students),
        Enrollment.ended_at.is_not(None),
    )
    return {(room, student) for room, student in tx.execute(before)}
