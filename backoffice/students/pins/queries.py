"""What staff sees of the PINs and cards of a class: who has one, who is locked. Never which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from backoffice.access.permissions import PINS_CLEAR
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.settings import Throttles
from backoffice.students.cards.models import StudentCard
from backoffice.students.pins import services as pins
from backoffice.students.pins.models import PinOverride
from backoffice.throttles import locks

LAST_OVERRIDES = 10


@dataclass(frozen=True)
class Pupil:
    """One student of the class, as the page of its cards and PINs shows them."""

    id: int
    public_id: str
    name: str
    avatar: str
    # As a list of names shows them, and as their card does.
    label: str
    has_pin: bool
    locked_until: datetime | None
    card_from: datetime | None


def pupils(tx: Transaction, classroom: Classroom, throttles: Throttles) -> list[Pupil]:
    """The students of a class in the order of their names."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(
                Student.id,
                Student.public_id,
                Student.given_name,
                Student.family_name,
                Enrollment.alias,
                Enrollment.avatar,
            )
            .join(
                Enrollment,
                and_(Enrollment.school_id == Student.school_id, Enrollment.student_id == Student.id),
            )
            .where(
                Enrollment.school_id == classroom.school_id,
                Enrollment.classroom_id == classroom.id,
                Enrollment.ended_at.is_(None),
            ),
            PINS_CLEAR,
        )
    ).all()
    with_pin = set(
        tx.scalars(
            visible(
                tx.principal,
                select(Student.id).where(
                    Student.school_id == classroom.school_id,
                    Student.id.in_([row.id for row in rows]),
                    Student.pin_hash.is_not(None),
                ),
                PINS_CLEAR,
            )
        )
    )
    cards = dict(
        tx.execute(
            visible(
                tx.principal,
                select(StudentCard.student_id, StudentCard.issued_at).where(
                    StudentCard.school_id == classroom.school_id,
                    StudentCard.classroom_id == classroom.id,
                    StudentCard.voided_at.is_(None),
                ),
            )
        ).all()
    )
    held = locks.held(tx, {row.id: pins.by_student(row.id, throttles) for row in rows})
    labels = names.shown(
        [
            names.Named(row.id, row.alias or row.given_name, None if row.alias else row.family_name, "")
            for row in rows
        ]
    )
    ordered = sorted(rows, key=lambda row: (*names.sort_key(row.given_name, row.family_name), row.public_id))
    return [
        Pupil(
            row.id,
            row.public_id,
            f"{row.given_name} {row.family_name or ''}".strip(),
            row.avatar,
            labels[row.id],
            row.id in with_pin,
            held.get(row.id) if row.id in with_pin else None,
            cards.get(row.id),
        )
        for row in ordered
    ]


def last_overrides(tx: Transaction, classroom: Classroom) -> Sequence[PinOverride]:
    """What was last done about PINs in a class, the newest first."""
    return tx.scalars(
        visible(
            tx.principal,
            select(PinOverride)
            .where(
                PinOverride.school_id == classroom.school_id,
                PinOverride.classroom_id == classroom.id,
            )
            .order_by(PinOverride.made_at.desc(), PinOverride.id.desc())
            .limit(LAST_OVERRIDES),
        )
    ).all()
