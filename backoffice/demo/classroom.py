"""What makes the demo's classes look lived in: PINs, cards, a goal, a lesson, a tablet, last year's class."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.accounts.tokens import token_digest
from backoffice.schools import codes
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    CodeKind,
    Door,
    Enrollment,
    NamesShown,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.names import COLOURS, FIGURES
from backoffice.schools.services.archiving import archive
from backoffice.settings import Passwords
from backoffice.storage.public_id import new_public_id
from backoffice.students.cards.models import StudentCard
from backoffice.students.cards.services import SECRET_BYTES, digest
from backoffice.students.models import StudentSession
from backoffice.students.pins import digits
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.tablets import KEPT, PAIRING

# Of each demo child that has one: whoever tries the demo has to know it.
PIN = "4937"
SOME, GOAL = 6, 40
SCHOOL_HOURS = (8 * 60, 15 * 60 + 30)
LESSON, MINUTES_IN = timedelta(hours=3), timedelta(minutes=12)
DAYS_IN = (1, 4, 8, 15)
OLD = "3C Reading 2025"


def live_in(tx: Transaction, classes: Sequence[int], cost: Passwords) -> None:
    """Give these classes, in the order in which they were made, what a term leaves behind.

    The first stays open, for whoever tries its code, and its first child comes in without a PIN.
    """
    rooms = {room.id: room for room in tx.scalars(select(Classroom).where(Classroom.id.in_(classes)))}
    first, second, *others = (rooms[each] for each in classes)
    for number, room in enumerate((first, second, *others)):
        room.colour, room.icon = COLOURS[number % len(COLOURS)], FIGURES[number * 5 % len(FIGURES)]
    tx.flush()
    teacher = _owner(tx, first)
    _pins(tx, first, slice(1, SOME + 1), cost)
    _come_and_go(tx, first, _cards(tx, first, teacher))
    _lesson(tx, first, teacher)
    _tablet(tx, first, teacher)
    _goal(tx, first)

    second.pins_required = True
    second.door, (second.door_from, second.door_to) = Door.SCHOOL_DAYS, SCHOOL_HOURS
    _pins(tx, second, slice(None, -SOME), cost)
    others[-1].names_shown = NamesShown.AVATARS
    tx.flush()
    _last_year(tx, first, teacher)


def _owner(tx: Transaction, room: Classroom) -> int:
    owner = (TeachingRole.classroom_id == room.id, TeachingRole.role == TeachingRoleName.OWNER)
    return tx.scalars(select(TeachingRole.account_id).where(*owner)).one()


def _children(tx: Transaction, room: Classroom) -> Sequence[int]:
    return tx.scalars(
        select(Enrollment.student_id)
        .where(Enrollment.classroom_id == room.id)
        .order_by(Enrollment.student_id)
    ).all()


def _pins(tx: Transaction, room: Classroom, which: slice, cost: Passwords) -> None:
    at = clock.now() - timedelta(days=20)
    for number in _children(tx, room)[which]:
        made = digits.hash_pin(PIN, student_id=number, cost=cost)
        tx.execute(
            update(Student)
            .where(Student.school_id == room.school_id, Student.id == number)
            .values(pin_hash=made, pin_changed_at=at)
        )


def _cards(tx: Transaction, room: Classroom, teacher: int) -> Mapping[int, int]:
    """The card of each child: printed a month ago; nobody in the demo holds the paper."""
    children = _children(tx, room)
    numbers = tx.take_ids(StudentCard, len(children))
    rows = [
        {
            "school_id": room.school_id,
            "id": number,
            "classroom_id": room.id,
            "student_id": child,
            "secret_digest": digest(secrets.token_urlsafe(SECRET_BYTES)),
            "issued_at": clock.now() - timedelta(days=30),
            "issued_by": teacher,
        }
        for number, child in zip(numbers, children, strict=True)
    ]
    tx.execute(insert(StudentCard), rows)
    return dict(zip(children, numbers, strict=True))


def _come_and_go(tx: Transaction, room: Classroom, cards: Mapping[int, int]) -> None:
    """Whoever was in on the last days, each by the own card and for some minutes."""
    numbers = tx.take_ids(StudentSession, len(cards) * len(DAYS_IN))
    rows: list[dict[str, Any]] = []
    for at, (child, card) in enumerate(cards.items()):
        for days in DAYS_IN:
            begun = clock.now() - timedelta(days=days + at % 3, minutes=at)
            rows.append(
                {
                    "school_id": room.school_id,
                    "id": numbers[len(rows)],
                    "token_id": uuid4(),
                    "classroom_id": room.id,
                    "student_id": child,
                    "card_id": card,
                    "started_at": begun,
                    "last_seen_at": begun + MINUTES_IN,
                    "ended_at": begun + MINUTES_IN,
                    "idle_minutes": 5,
                    "expires_at": begun + timedelta(hours=8),
                }
            )
    tx.execute(insert(StudentSession), rows)


def _lesson(tx: Transaction, room: Classroom, teacher: int) -> None:
    code = codes.new_lesson_code()
    tx.execute(
        insert(ClassroomCode).values(
            school_id=room.school_id,
            id=tx.take_id(ClassroomCode),
            classroom_id=room.id,
            kind=CodeKind.LESSON,
            code=code,
            code_index=codes.index(code),
            issued_at=clock.now(),
            issued_by=teacher,
            expires_at=clock.now() + LESSON,
        )
    )


def _tablet(tx: Transaction, room: Classroom, teacher: int) -> None:
    paired = clock.now() - timedelta(days=12)
    tx.execute(
        insert(ClassroomTablet).values(
            school_id=room.school_id,
            id=tx.take_id(ClassroomTablet),
            public_id=new_public_id(),
            classroom_id=room.id,
            label="Window 1",
            paired_by=teacher,
            created_at=paired,
            pairing_until=paired + PAIRING,
            token_digest=token_digest(secrets.token_urlsafe(32)),
            paired_at=paired,
            expires_at=paired + KEPT,
            last_used_at=clock.now() - timedelta(days=1),
        )
    )


def _goal(tx: Transaction, room: Classroom) -> None:
    tx.execute(update(Enrollment).where(Enrollment.classroom_id == room.id).values(goal=GOAL))


def _last_year(tx: Transaction, now: Classroom, teacher: int) -> None:
    """A class that some of today's children were in, put away in summer."""
    old = Classroom(
        id=tx.take_id(Classroom),
        school_id=now.school_id,
        public_id=new_public_id(),
        name=OLD,
        door=Door.CLOSED,
        shared_devices=True,
        pins_required=False,
        names_shown=NamesShown.NAMES,
        created_at=clock.now() - timedelta(days=400),
    )
    tx.add(old)
    tx.flush()
    tx.execute(
        insert(TeachingRole).values(
            school_id=old.school_id,
            classroom_id=old.id,
            account_id=teacher,
            role=TeachingRoleName.OWNER,
        )
    )
    seats = [
        {
            "school_id": old.school_id,
            "classroom_id": old.id,
            "student_id": child,
            "avatar": "star-sun",
            "balance": 0,
            "joined_at": clock.now() - timedelta(days=395),
        }
        for child in _children(tx, now)[SOME:]
    ]
    tx.execute(insert(Enrollment), seats)
    archive(tx, old)
