"""The tiles of schools and classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.permissions import (
    CLASSROOMS_READ,
    POINTS_AWARD,
    SCHOOLS_COUNT,
    STUDENTS_READ,
    TEACHERS_LIST,
)
from backoffice.access.policy import can, scope, visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools import codes, names, queries
from backoffice.schools.doors import DoorState, states_of
from backoffice.schools.models import Classroom, PointEntry, School, SchoolKind
from backoffice.storage.numbers import one_of
from backoffice.tiles import Amount, Chart, Entry, List, Number, Tile, once

MOST_LISTED = 12
CLASSES, STUDENTS, SCHOOLS = "/console/classrooms/", "/console/students/", "/console/schools/"


@dataclass(frozen=True)
class Taught:
    """The classes that somebody teaches, by name, and how many students each has."""

    classrooms: Sequence[Classroom]
    sizes: dict[int, int]

    @property
    def students(self) -> int:
        """How many there are in all of them."""
        return sum(self.sizes.values())


def taught(tx: Transaction) -> Taught:
    """What the principal teaches; a leader's whole school is not among it."""
    who = tx.principal
    own = select(Classroom).where(
        Classroom.archived_at.is_(None), one_of(Classroom.id, who.owned | who.co_taught | who.helped)
    )
    found = sorted(tx.scalars(visible(who, own)), key=lambda each: names.sort_key(each.name, None))
    return Taught(found, queries.class_sizes(tx, found))


def doors(tx: Transaction) -> dict[int, DoorState]:
    """How the doors of what the principal teaches stand, by the class's number."""
    return states_of(tx, once(tx, taught).classrooms, clock.now())


def students_in_words(count: int) -> str:
    """How many students."""
    return ngettext("%(count)s student", "%(count)s students", count, count=amount(count))


def _classes_in_words(count: int) -> str:
    return ngettext("%(count)s class", "%(count)s classes", count, count=amount(count))


def _adults_in_words(count: int) -> str:
    return ngettext("%(count)s adult", "%(count)s adults", count, count=amount(count))


def _total(part: str) -> Callable[[Transaction], Number]:
    return lambda tx: Number(getattr(once(tx, queries.school_totals), part))


def _going_on(tx: Transaction) -> dict[int, int]:
    """How many classes go on in each school, as far as their list opens; that is what it shows."""
    going_on = visible(
        tx.principal, select(Classroom.school_id).where(Classroom.archived_at.is_(None)), CLASSROOMS_READ
    )
    counted = going_on.add_columns(func.count()).group_by(Classroom.school_id)
    return dict(tx.execute(counted).all())


def _all_classes(tx: Transaction) -> Number:
    """How many classes the list opens with; to whom it does not open, how many there are."""
    if can(tx.principal, CLASSROOMS_READ):
        return Number(sum(once(tx, _going_on).values()))
    return Number(once(tx, queries.school_totals).classrooms)


def _own_students(tx: Transaction) -> Number | None:
    found = once(tx, taught)
    return Number(found.students) if found.students else None


def _open_doors(tx: Transaction) -> Number | None:
    found = once(tx, taught)
    if not found.students:
        return None
    standing_open = sum(state.is_open for state in once(tx, doors).values())
    count = len(found.classrooms)
    of = ngettext("of %(count)s class", "of %(count)s classes", count, count=amount(count))
    return Number(standing_open, of)


def _classes(tx: Transaction) -> List | None:
    """The classes taught: first those whose door is open, then those that open yet today, as they do."""
    found = once(tx, taught)
    if not found.students:
        return None
    stand = once(tx, doors)
    first = sorted(found.classrooms, key=lambda each: _turn(stand.get(each.id)))[:MOST_LISTED]
    live = queries.live_codes(tx, first)
    return List(
        [
            Entry(
                each.name,
                [students_in_words(found.sizes.get(each.id, 0))],
                f"{CLASSES}{each.public_id}",
                codes.spaced(live[each.id]) if each.id in live else None,
                *_badge(stand.get(each.id)),
            )
            for each in first
        ],
        CLASSES if len(found.classrooms) > MOST_LISTED else None,
    )


def _turn(state: DoorState | None) -> tuple[int, datetime | None]:
    if state is not None and state.is_open:
        return 0, None
    opens = _opens_today(state)
    return (1, opens) if opens else (2, None)


def _opens_today(state: DoorState | None) -> datetime | None:
    """When a closed door opens by itself before the day is over, in the time of its school."""
    if state is None or state.is_open or state.changes_at is None:
        return None
    opens = state.changes_at.astimezone(state.zone)
    return opens if opens.date() == clock.now().astimezone(state.zone).date() else None


def _badge(state: DoorState | None) -> tuple[str, str]:
    if state is None or not state.is_open:
        opens = _opens_today(state)
        at = opens.strftime("%H:%M") if opens else ""
        return gettext("Opens at %(time)s", time=at) if at else gettext("Closed"), "mute"
    return (gettext("Open for now"), "warn") if state.changes_at else (gettext("Open"), "good")


def _points(tx: Transaction) -> Chart | None:
    """What was given this week in each class, deductions taken off, and nothing that was taken back."""
    found = once(tx, taught)
    if not found.students:
        return None
    zone = ZoneInfo(tx.principal.time_zone)
    today = clock.now().astimezone(zone).date()
    monday = datetime.combine(today - timedelta(days=today.weekday()), time(), zone)
    statement = (
        select(PointEntry.classroom_id, func.sum(PointEntry.value))
        .where(
            one_of(PointEntry.school_id, {each.school_id for each in found.classrooms}),
            one_of(PointEntry.classroom_id, {each.id for each in found.classrooms}),
            PointEntry.awarded_at >= monday,
            queries.stands(),
        )
        .group_by(PointEntry.classroom_id)
    )
    given: dict[int, int] = dict(tx.execute(statement).all())
    ranked = sorted(found.classrooms, key=lambda each: -given.get(each.id, 0))
    return Chart(
        [
            Amount(each.name, given.get(each.id, 0), f"{CLASSES}{each.public_id}/points")
            for each in ranked[:MOST_LISTED]
        ],
        of=gettext("Points"),
        by=gettext("Class"),
        note=gettext("%(count)s together", count=amount(sum(given.values()))),
    )


def _schools(tx: Transaction) -> List | None:
    schools = queries.schools_for(tx, SCHOOLS_COUNT, most=MOST_LISTED)
    counts = queries.counts_by_school(tx, schools)
    if not counts:
        return None
    led = once(tx, _going_on) if can(tx.principal, CLASSROOMS_READ) else {}
    listed = {each.id for each in schools if classes_of(tx.principal, each)}
    return List(
        [
            Entry(
                shown_name(tx.principal, school),
                [
                    _classes_in_words(
                        led.get(school.id, 0) if school.id in listed else counts[school.id].classrooms
                    ),
                    students_in_words(counts[school.id].students),
                    _adults_in_words(counts[school.id].staff),
                ],
                classes_of(tx.principal, school),
            )
            for school in schools
            if school.id in counts
        ],
        SCHOOLS if once(tx, queries.school_totals).schools > len(schools) else None,
    )


def classes_of(who: Principal, school: School) -> str | None:
    """Where the school's classes are listed, for somebody who may read them."""
    readable = school.id in scope(who, CLASSROOMS_READ).schools
    return f"{CLASSES}?school={school.public_id}" if readable else None


def shown_name(who: Principal, school: School) -> str:
    """What a school is called here. A personal one names its teacher, which the company need not see."""
    hidden = who.founder and school.kind == SchoolKind.PERSONAL
    return gettext("A teacher's own school") if hidden else school.name


TILES: tuple[Tile, ...] = (
    Tile("schools", lazy("Schools"), SCHOOLS_COUNT, _total("schools"), SCHOOLS),
    Tile("classes", lazy("Classes"), SCHOOLS_COUNT, _all_classes, CLASSES, CLASSROOMS_READ),
    Tile("students", lazy("Students"), SCHOOLS_COUNT, _total("students"), STUDENTS, STUDENTS_READ),
    Tile("staff", lazy("Teachers"), SCHOOLS_COUNT, _total("staff"), "/console/teachers/", TEACHERS_LIST),
    Tile("own-schools", lazy("Schools in numbers"), SCHOOLS_COUNT, _schools),
    Tile("own-students", lazy("Your students"), POINTS_AWARD, _own_students, STUDENTS),
    Tile("open-doors", lazy("Doors open"), CLASSROOMS_READ, _open_doors, CLASSES),
    Tile("classes-today", lazy("Your classes today"), CLASSROOMS_READ, _classes),
    Tile("points-this-week", lazy("Points this week"), POINTS_AWARD, _points),
)
