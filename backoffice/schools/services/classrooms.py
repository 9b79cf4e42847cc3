"""Making and changing classrooms."""

from sqlalchemy import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_CREATE, CLASSROOMS_EDIT
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.entitlements import Entitlement, require_room
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools.models import (
    Classroom,
    Door,
    School,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services.codes import issue_code
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean

LONGEST_NAME = 80


def create_classroom(
    *, principal: Principal, school: str, name: str, shared_devices: bool = True
) -> PublicId:
    """Make a classroom with an open door and a standing code; the maker becomes its owner.

    Returns its public identifier. Raises `Rejected`, `LimitReached`, `NotFound`, `Denied`.
    """
    name = _named(name)
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        require(tx.principal, CLASSROOMS_CREATE, place)
        require_room(tx, school_id=place.id, entitlement=Entitlement.CLASSES)
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


def rename_classroom(
    *,
    principal: Principal,
    classroom: str,
    name: str,
    shared_devices: bool | None = None,
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Change what the class is called and, if that is said, whether its children share devices.

    `seen` is the `version` of what was shown: of the name, and with `shared_devices` of both.
    Raises `Rejected`, `Overtaken`, `NotFound`.
    """
    name = _named(name)
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        shared = row.shared_devices if shared_devices is None else shared_devices
        both = shared_devices is not None
        now, wanted = (row.name, row.shared_devices), (name, shared)
        if not is_to_be_written(seen, now=now if both else now[:1], wanted=wanted if both else wanted[:1]):
            return
        keep_change(tx, row, back, name=(row.name, name), shared_devices=(row.shared_devices, shared))
        row.name, row.shared_devices = name, shared
        record(tx, "classrooms.rename", school_id=row.school_id, classroom=row.id)


def problem_with(name: str) -> str | None:
    """What is wrong with the name of a class, as a sentence, or None."""
    if not name:
        return gettext("Give the class a name.")
    if len(name) > LONGEST_NAME:
        return gettext("Shorten the name to %(most)s letters.", most=LONGEST_NAME)
    return None


def _named(name: str) -> str:
    name = clean(name)
    if problem := problem_with(name):
        raise Rejected(name=problem)
    return name
