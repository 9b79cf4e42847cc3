"""Making and changing classrooms."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_CREATE, CLASSROOMS_EDIT
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    Door,
    School,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean

LONGEST_NAME = 80
CODE_TRIES = 5


def create_classroom(
    *, principal: Principal, school: str, name: str, shared_devices: bool = True
) -> PublicId:
    """Make a classroom with an open door and a standing code; the maker becomes its owner.

    Returns its public identifier. Raises `Rejected`, `NotFound`, `Denied`.
    """
    name = _named(name)
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        require(tx.principal, CLASSROOMS_CREATE, place)
        classroom_id, public_id = tx.take_id(Classroom), new_public_id()
        tx.execute(
            insert(Classroom).values(
                school_id=place.id,
                id=classroom_id,
                public_id=public_id,
                name=name,
                door=Door.OPEN,
                shared_devices=shared_devices,
                created_at=clock.now(),
            )
        )
        # The code first: once there is an owner, the database takes the class for an existing one.
        issue_code(tx, school_id=place.id, classroom_id=classroom_id)
        if tx.principal.account_id is not None:
            tx.execute(
                insert(TeachingRole).values(
                    school_id=place.id,
                    classroom_id=classroom_id,
                    account_id=tx.principal.account_id,
                    role=TeachingRoleName.OWNER,
                )
            )
        record(tx, "classrooms.create", school_id=place.id, classroom=classroom_id)
    return public_id


def rename_classroom(*, principal: Principal, classroom: str, name: str, shared_devices: bool) -> None:
    """Change what the class is called and whether its children share devices.

    Raises `Rejected`, `NotFound`.
    """
    name = _named(name)
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        row.name, row.shared_devices = name, shared_devices
        record(tx, "classrooms.rename", school_id=row.school_id, classroom=row.id)


def set_door(*, principal: Principal, classroom: str, door: Door, until: datetime | None = None) -> None:
    """Open or close the door, or open it until a moment. Raises `Rejected`, `NotFound`."""
    if (door is Door.UNTIL) != (until is not None):
        raise Rejected(until="Say until when the door stays open.")
    if until is not None and until <= clock.now():
        raise Rejected(until="Choose a time that is still to come.")
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        row.door, row.door_until = door, until
        record(tx, "classrooms.door", school_id=row.school_id, classroom=row.id, door=door)


def renew_code(*, principal: Principal, classroom: str) -> None:
    """Replace the class's code; the old one stops working at once. Raises `NotFound`.

    Children who came in with it are signed out: the database ends a session with the code that began it.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        tx.execute(
            update(ClassroomCode)
            .where(
                ClassroomCode.school_id == row.school_id,
                ClassroomCode.classroom_id == row.id,
                ClassroomCode.ended_at.is_(None),
            )
            .values(ended_at=clock.now())
        )
        issue_code(tx, school_id=row.school_id, classroom_id=row.id)
        record(tx, "classrooms.renew-code", school_id=row.school_id, classroom=row.id)


def issue_code(tx: Transaction, *, school_id: int, classroom_id: int) -> None:
    """Give the classroom a new code within the transaction of a service."""
    for _ in range(CODE_TRIES):
        code = codes.new_code()
        try:
            with tx.begin_nested():
                tx.execute(
                    insert(ClassroomCode).values(
                        school_id=school_id,
                        id=tx.take_id(ClassroomCode),
                        classroom_id=classroom_id,
                        code=code,
                        code_index=codes.index(code),
                        issued_at=clock.now(),
                        issued_by=tx.principal.account_id,
                    )
                )
        except IntegrityError:
            # Another live class has this code: one chance in a hundred thousand million codes.
            continue
        return
    raise Rejected.whole("No code could be made just now. Try once more.")


def live_code(tx: Transaction, classroom: Classroom) -> str | None:
    """The code that lets children into the class, or None."""
    return tx.scalar(
        select(ClassroomCode.code).where(
            ClassroomCode.school_id == classroom.school_id,
            ClassroomCode.classroom_id == classroom.id,
            ClassroomCode.ended_at.is_(None),
        )
    )


def _named(name: str) -> str:
    name = clean(name)
    if not name:
        raise Rejected(name="Give the class a name.")
    if len(name) > LONGEST_NAME:
        raise Rejected(name=f"Shorten the name to {LONGEST_NAME} letters.")
    return name
