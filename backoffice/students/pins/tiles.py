"""The tiles of who is locked out after wrong PINs: students, and networks."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select

from backoffice import clock
from backoffice.access.permissions import NETWORKS_OPEN, PINS_CLEAR
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import weekday
from backoffice.language.texts import gettext, lazy
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.tiles import taught
from backoffice.settings import Throttles
from backoffice.storage.numbers import one_of
from backoffice.students.pins import networks, services
from backoffice.throttles import locks
from backoffice.tiles import Entry, List, Number, Tile, once

MOST_LISTED = 12


def _locked_out(tx: Transaction) -> List | None:
    """Who of the students taught waits now, each with the way to unlocking."""
    rooms = once(tx, taught).classrooms
    with_pin = select(Student.id).where(
        one_of(Student.school_id, {room.school_id for room in rooms}),
        Student.pin_hash.is_not(None),
        Student.id.in_(
            select(Enrollment.student_id).where(
                one_of(Enrollment.classroom_id, {room.id for room in rooms}), Enrollment.ended_at.is_(None)
            )
        ),
    )
    # Whether one holds is asked by its name; where its steps lie does not matter.
    ladders = Throttles()
    students = tx.scalars(visible(tx.principal, with_pin, PINS_CLEAR)).all()
    held = locks.held(tx, {each: services.by_student(each, ladders) for each in students})
    if not held:
        return None
    seats = (
        select(Student.id, Student.given_name, Student.family_name, Classroom.public_id, Classroom.name)
        .join(
            Enrollment,
            and_(Enrollment.school_id == Student.school_id, Enrollment.student_id == Student.id),
        )
        .join(
            Classroom,
            and_(Classroom.school_id == Enrollment.school_id, Classroom.id == Enrollment.classroom_id),
        )
        .where(
            one_of(Student.id, held),
            one_of(Classroom.id, {room.id for room in rooms}),
            Enrollment.ended_at.is_(None),
        )
    )
    found = {row.id: row for row in tx.execute(visible(tx.principal, seats, PINS_CLEAR))}
    zone, now = ZoneInfo(tx.principal.time_zone), clock.now()
    soonest = sorted((until, found[number]) for number, until in held.items() if number in found)
    return List(
        [
            Entry(
                f"{row.given_name} {row.family_name or ''}".strip(),
                [row.name],
                f"/console/classrooms/{row.public_id}/cards",
                badge=gettext(
                    "Until %(time)s", time=_hour(until.astimezone(zone), with_day=(until - now).days >= 1)
                ),
                tone="warn",
            )
            for until, row in soonest[:MOST_LISTED]
        ],
        note=gettext("the first %(most)s students", most=MOST_LISTED) if len(soonest) > MOST_LISTED else "",
    )


def _hour(at: datetime, *, with_day: bool) -> str:
    return f"{weekday(at)} {at:%H:%M}" if with_day else f"{at:%H:%M}"


def _networks(tx: Transaction) -> Number | None:
    """How many networks have no wrong PIN left, if one has none."""
    found = networks.count_locked(tx)
    return Number(found, tone="warn") if found else None


TILES: tuple[Tile, ...] = (
    Tile("locked-out", lazy("Locked out after wrong PINs"), PINS_CLEAR, _locked_out),
    Tile("locked-networks", lazy("Locked networks"), NETWORKS_OPEN, _networks, "/console/locked-networks/"),
)
