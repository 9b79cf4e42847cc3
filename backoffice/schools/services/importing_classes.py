"""Bringing a list of classes into a school: looked at first, then done as it was shown, or not at all."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_CREATE
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import keep_changes
from backoffice.entitlements import Entitlement, no_room, require_room
from backoffice.imports.columns import Row
from backoffice.imports.plan import ChangedMeanwhile, Plan, beyond, require_size
from backoffice.schools.importing.classes import ComparedClasses, compare_classes, lock_names
from backoffice.schools.models import Classroom, Door, School, TeachingRole, TeachingRoleName
from backoffice.schools.services.codes import issue_codes
from backoffice.schools.services.importing import Imported
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id


def preview_classrooms(*, principal: Principal, school: str, rows: Sequence[Row]) -> Plan:
    """What `import_classrooms` would do. Changes nothing. Raises `NotFound`."""
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        compared = compare_classes(tx, place, rows)
        fresh = len(compared.fresh)
        full = no_room(tx, school_id=place.id, entitlement=Entitlement.CLASSES, wanted=fresh)
        return beyond(compared.plan, full)


def import_classrooms(
    *, principal: Principal, school: str, rows: Sequence[Row], seen: str, most: int
) -> Imported:
    """Make and rename classes as the plan of this digest said, all of it in one transaction.

    Rows that it refuses are left out. A new class has an open door, a standing code and the principal as its
    owner, as one that is made by itself. Raises `ChangedMeanwhile` if it would do something else by now,
    `Rejected` if there is nothing to do or more than `most` rows, `LimitReached`, and `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        # Whoever brings one list twice at once finds the classes of the first time at the second.
        functions.lock_new_classes(tx, school_id=place.id)
        # A class that was made meanwhile is among the own ones only for who comes in after that.
        tx.enter_again()
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        compared = compare_classes(tx, place, rows)
        before = {number: name for number, (name, _after) in compared.renamed.items()}
        if lock_names(tx, place.id, before) != before:
            raise ChangedMeanwhile(compare_classes(tx, place, rows).plan)
        if compared.plan.digest != seen:
            raise ChangedMeanwhile(compared.plan)
        require_size(compared.plan, most)
        fresh = len(compared.fresh)
        require_room(tx, school_id=place.id, entitlement=Entitlement.CLASSES, wanted=fresh)
        made = _make(tx, place.id, compared.fresh, now)
        _rename(tx, place.id, compared, now)
        record(tx, "classrooms.import", school_id=place.id, made=made, renamed=sorted(compared.renamed))
    return Imported(len(made), len(compared.renamed))


def _make(tx: Transaction, school_id: int, names: Sequence[str], at: datetime) -> list[int]:
    """Make classes with these names; their numbers."""
    if not names:
        return []
    numbers = list(tx.take_ids(Classroom, len(names)))
    tx.execute(
        insert(Classroom).values(
            [
                {
                    "school_id": school_id,
                    "id": number,
                    "public_id": new_public_id(),
                    "name": name,
                    "door": Door.OPEN,
                    "shared_devices": True,
                    "created_at": at,
                }
                for number, name in zip(numbers, names, strict=True)
            ]
        )
    )
    issue_codes(tx, school_id=school_id, classrooms=numbers, at=at)
    me = tx.principal.account_id
    if me is not None:
        owning = {"school_id": school_id, "account_id": me, "role": TeachingRoleName.OWNER}
        tx.execute(insert(TeachingRole).values([{**owning, "classroom_id": number} for number in numbers]))
    return numbers


def _rename(tx: Transaction, school_id: int, compared: ComparedClasses, at: datetime) -> None:
    if not compared.renamed:
        return
    kept = {
        Classroom(school_id=school_id, id=number): {"name": names}
        for number, names in compared.renamed.items()
    }
    keep_changes(tx, kept, at=at)
    statement = (
        update(Classroom.__table__)  # type: ignore[arg-type]
        .where(Classroom.school_id == school_id, Classroom.id == bindparam("number"))
        .values(name=bindparam("called"))
    )
    written = [{"number": number, "called": after} for number, (_before, after) in compared.renamed.items()]
    tx.connection().execute(statement, written)
