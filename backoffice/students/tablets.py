"""Tablets that belong to a class: pairing one, what it opens, and voiding it.

The tablet's cookie holds a random token and nothing else. The class's code stays on our side: a cookie that
was stolen is worth nothing once the tablet is voided.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.models import Classroom
from backoffice.storage import functions, keyring
from backoffice.storage.public_id import new_public_id
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.throttles.visitor import CODE, Device, Visitor, voucher
from backoffice.wording import clean

PAIRING = timedelta(minutes=10)
# A school year at most; the next one pairs anew.
KEPT = timedelta(days=365)
LONGEST_LABEL = 40
MOST = 60


@dataclass(frozen=True)
class AtTablet:
    """What a tablet opens: the code of its class, if there is one, and who it is to the throttles."""

    code: str | None
    visitor: Visitor


def begin_pairing(*, principal: Principal, classroom: str, label: str) -> str:
    """Have a tablet paired within ten minutes; the token of the picture that does it, once.

    Raises `Rejected`, `NotFound`.
    """
    label = clean(label)
    if not label:
        raise Rejected(label=gettext("Give the tablet a name, such as “Window 1”."))
    if len(label) > LONGEST_LABEL:
        raise Rejected(label=gettext("Shorten the name to %(most)s letters.", most=LONGEST_LABEL))
    token, now = secrets.token_urlsafe(32), clock.now()
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        if len(tablets_of(tx, row)) >= MOST:
            raise Rejected(
                label=gettext("A class has %(most)s tablets at the most. Remove one first.", most=MOST)
            )
        number = tx.take_id(ClassroomTablet)
        tx.execute(
            insert(ClassroomTablet).values(
                school_id=row.school_id,
                id=number,
                public_id=new_public_id(),
                classroom_id=row.id,
                label=label,
                paired_by=tx.principal.account_id,
                created_at=now,
                pairing_digest=token_digest(token),
                pairing_until=now + PAIRING,
            )
        )
        record(tx, "tablets.begin", school_id=row.school_id, classroom=row.id, tablet=number)
    return token


def waits(*, token: str, address: str | None) -> bool:
    """Whether a picture still pairs a tablet."""
    with transaction(Nobody(address)) as tx:
        return functions.tablet_waits(tx, digest=token_digest(token), at=clock.now())


def pair(*, token: str, address: str | None) -> str:
    """Use a picture: from now on its device is a tablet of the class. What its cookie holds.

    Raises `Rejected` if the picture was used, voided, or shown too long ago.
    """
    own, now = secrets.token_urlsafe(32), clock.now()
    with transaction(Nobody(address)) as tx:
        paired = functions.pair_tablet(
            tx, digest=token_digest(token), token=token_digest(own), at=now, until=now + KEPT
        )
        if paired is None:
            raise Rejected.whole(
                gettext("This picture does not work any more. Ask your teacher for a new one.")
            )
        record(tx, "tablets.pair", school_id=paired.school_id, tablet=paired.tablet_id)
    return own


def opened(*, token: str, visitor: Visitor) -> AtTablet | None:
    """What the tablet with this token opens; None if it is nobody's.

    It counts as a device that the class's code has let in: nobody's guessing shuts it out.
    """
    with transaction(Nobody(visitor.address)) as tx:
        found = functions.open_tablet(tx, digest=token_digest(token), at=clock.now())
    if found is None:
        return None
    if found.code is None:
        return AtTablet(None, visitor)
    code = keyring.current().open(bytes(found.code), context="classroom_code.code").decode()
    known = voucher(CODE, codes.index(code).hex())
    return AtTablet(code, replace(visitor, device=Device(found.tablet, (known,)), tablet=token_digest(token)))


def void(*, principal: Principal, tablet: str) -> None:
    """Make a tablet, or the picture for one, stop at once; whoever is in at it is out. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, ClassroomTablet, tablet, permission=CLASSROOMS_EDIT, lock=True)
        if row.voided_at is None:
            row.voided_at = clock.now()
            record(tx, "tablets.void", school_id=row.school_id, classroom=row.classroom_id, tablet=row.id)


def void_within(tx: Transaction, classroom: Classroom) -> int:
    """Void all tablets of a class, and the pictures for more, within a service's transaction; how many."""
    voided = list(
        tx.scalars(
            update(ClassroomTablet)
            .where(
                ClassroomTablet.school_id == classroom.school_id,
                ClassroomTablet.classroom_id == classroom.id,
                ClassroomTablet.voided_at.is_(None),
            )
            .values(voided_at=clock.now())
            .returning(ClassroomTablet.id)
        )
    )
    if voided:
        record(
            tx, "tablets.void", school_id=classroom.school_id, classroom=classroom.id, tablets=sorted(voided)
        )
    return len(voided)


def tablets_of(tx: Transaction, classroom: Classroom) -> Sequence[ClassroomTablet]:
    """The tablets of a class that are paired or wait to be, in the order they came."""
    now = clock.now()
    statement = select(ClassroomTablet).where(
        ClassroomTablet.school_id == classroom.school_id,
        ClassroomTablet.classroom_id == classroom.id,
        ClassroomTablet.voided_at.is_(None),
        (ClassroomTablet.expires_at > now)
        | (ClassroomTablet.paired_at.is_(None) & (ClassroomTablet.pairing_until > now)),
    )
    return tx.scalars(visible(tx.principal, statement.order_by(ClassroomTablet.id))).all()
