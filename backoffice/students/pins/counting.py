"""Out of whose allowance a wrong PIN is taken, and which of a class's are used up.

Whoever has a class's code can use up what strangers have there, but not what the class's own tablets, devices
and cards have. `docs/decisions.md` has the numbers.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from backoffice import clock
from backoffice.access.permissions import PINS_CLEAR
from backoffice.access.policy import visible
from backoffice.access.principal import Nobody
from backoffice.access.transaction import Transaction, transaction
from backoffice.schools.models import Classroom, Student
from backoffice.settings import Throttles
from backoffice.storage import functions
from backoffice.storage.functions import AnyRow
from backoffice.students.models import StudentSession
from backoffice.students.pins import networks
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.throttles import locks
from backoffice.throttles.tries import Claim, Taken
from backoffice.throttles.visitor import Visitor

KINDS = PIN, USERNAME = "PIN", "username"
# The class knows a device that is one of the first three at which one of its children was in so long.
HISTORY, VOUCHED = timedelta(days=30), 3
# Where cookies are forgotten each evening, a class has as many devices as it has had sessions.
MOST = 1000


@dataclass(frozen=True)
class LockedDevice:
    """A device of the class at which no PIN is looked at now: a tablet's name, else who was last at it."""

    until: datetime
    tablet: str | None = None
    last_child: str | None = None


@dataclass(frozen=True)
class LockedClass:
    """Which of a class's allowances are used up, and until when."""

    strangers_until: datetime | None
    devices_until: datetime | None
    devices: list[LockedDevice]
    # Of all networks that were refused at the school. The class cannot open them.
    network_until: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.strangers_until or self.devices_until or self.devices or self.network_until)


def claims(
    what: str, *, classroom_id: int, visitor: Visitor, throttles: Throttles, by_card: bool = False
) -> tuple[Claim, ...]:
    """What a wrong PIN (or username) takes of where it is typed and of its class.

    The child has its own lock besides: that is all that stands before the tablets of a class together, and
    before whoever holds the child's card.
    """
    here = _here(classroom_id, visitor)
    if here is not None and here.tablet_id is not None:
        return (_by_tablet(what, here.tablet_id, throttles),)
    if visitor.device is not None:
        device = by_device(what, visitor.device.tag, throttles)
    elif by_card:
        # Apart, so that whoever has the code and forgets each cookie shuts no card out.
        device = Claim(f"{what} {networks.BY_NETWORK}, with cards", throttles.pin_network, visitor.network)
    else:
        device = Claim(f"{what} {networks.BY_NETWORK}", throttles.pin_network, visitor.network)
    if by_card:
        return (device,)
    known = here is not None and here.is_known
    return (device, (by_known_devices if known else by_strangers)(what, classroom_id, throttles))


def take_wrong(
    what: str, *, classroom_id: int, visitor: Visitor, throttles: Throttles, by_card: bool = False
) -> Taken:
    """Take a wrong PIN (or username) of whatever `claims` says. Raises `Throttled`."""
    wanted = claims(what, classroom_id=classroom_id, visitor=visitor, throttles=throttles, by_card=by_card)
    return networks.take_or_opened(wanted, classroom_id=classroom_id, visitor=visitor)


def by_device(what: str, tag: UUID, throttles: Throttles) -> Claim:
    """What is taken of a device that some class let in before."""
    return Claim(f"{what} by device", throttles.pin_device, str(tag))


def by_strangers(what: str, classroom_id: int, throttles: Throttles) -> Claim:
    """What all devices take together that the class does not know."""
    return Claim(f"{what} by class", throttles.pin_class, str(classroom_id))


def by_known_devices(what: str, classroom_id: int, throttles: Throttles) -> Claim:
    """What all devices take together that the class knows."""
    return Claim(f"{what} by known devices", throttles.pin_class_known, str(classroom_id))


@dataclass(frozen=True)
class ClassClaims:
    """All that wrong PINs and usernames are taken from in a class."""

    strangers: list[Claim]
    known_devices: list[Claim]
    # By the tablet's name, and by the child that was last at the device.
    tablets: dict[Claim, str]
    devices: dict[Claim, int]

    def __iter__(self) -> Iterator[Claim]:
        return chain(self.strangers, self.known_devices, self.tablets, self.devices)


def claims_of_class(tx: Transaction, classroom: Classroom, throttles: Throttles) -> ClassClaims:
    """What is counted in a class and at its tablets and devices."""
    number = classroom.id
    tablets, devices = _tablets(tx, classroom), _last_at(tx, classroom)
    return ClassClaims(
        [by_strangers(what, number, throttles) for what in KINDS],
        [by_known_devices(what, number, throttles) for what in KINDS],
        {_by_tablet(what, each, throttles): label for each, label in tablets.items() for what in KINDS},
        {by_device(what, tag, throttles): child for tag, child in devices.items() for what in KINDS},
    )


def locked(tx: Transaction, classroom: Classroom, throttles: Throttles) -> LockedClass:
    """Which of a class's allowances are used up, as whoever may clear PINs there sees it."""
    counted = claims_of_class(tx, classroom, throttles)
    until = locks.used_up(tx, list(counted))
    last = _names(tx, classroom, {child for claim, child in counted.devices.items() if claim in until})
    return LockedClass(
        max((until[each] for each in counted.strangers if each in until), default=None),
        max((until[each] for each in counted.known_devices if each in until), default=None),
        [
            *(
                LockedDevice(until[each], tablet=name)
                for each, name in counted.tablets.items()
                if each in until
            ),
            *(
                LockedDevice(until[each], last_child=last.get(child))
                for each, child in counted.devices.items()
                if each in until
            ),
        ],
        functions.network_locked_until(tx, classroom_id=classroom.id, at=clock.now()),
    )


def _by_tablet(what: str, tablet: int, throttles: Throttles) -> Claim:
    return Claim(f"{what} by tablet", throttles.pin_device, str(tablet))


def _here(classroom_id: int, visitor: Visitor) -> AnyRow | None:
    """Whether the class knows where this comes from; None of a device that no class knows."""
    if visitor.device is None and visitor.tablet is None:
        return None
    now = clock.now()
    with transaction(Nobody(visitor.address)) as tx:
        return functions.device_in_class(
            tx,
            classroom_id=classroom_id,
            tablet=visitor.tablet,
            device=visitor.device.tag if visitor.device else None,
            vouched=VOUCHED,
            since=now - HISTORY,
            at=now,
        )


def _tablets(tx: Transaction, classroom: Classroom) -> dict[int, str]:
    statement = select(ClassroomTablet.id, ClassroomTablet.label).where(
        ClassroomTablet.school_id == classroom.school_id,
        ClassroomTablet.classroom_id == classroom.id,
        ClassroomTablet.voided_at.is_(None),
        ClassroomTablet.paired_at.is_not(None),
    )
    return {row.id: row.label for row in tx.execute(visible(tx.principal, statement, PINS_CLEAR))}


def _last_at(tx: Transaction, classroom: Classroom) -> dict[UUID, int]:
    """The devices of the class, each with the child that was last at it; the newest of very many."""
    ranked = visible(
        tx.principal,
        select(StudentSession.device, StudentSession.student_id, StudentSession.started_at)
        .where(
            StudentSession.school_id == classroom.school_id,
            StudentSession.classroom_id == classroom.id,
            StudentSession.device.is_not(None),
            StudentSession.started_at > clock.now() - HISTORY,
        )
        .order_by(StudentSession.device, StudentSession.started_at.desc())
        .ext(distinct_on(StudentSession.device)),
        PINS_CLEAR,
    ).subquery()
    newest = select(ranked.c.device, ranked.c.student_id).order_by(ranked.c.started_at.desc()).limit(MOST)
    return {row.device: row.student_id for row in tx.execute(newest)}


def _names(tx: Transaction, classroom: Classroom, students: Collection[int]) -> dict[int, str]:
    statement = select(Student.id, Student.given_name, Student.family_name).where(
        Student.school_id == classroom.school_id, Student.id.in_(students)
    )
    return {
        row.id: f"{row.given_name} {row.family_name or ''}".strip()
        for row in tx.execute(visible(tx.principal, statement, PINS_CLEAR))
    }
