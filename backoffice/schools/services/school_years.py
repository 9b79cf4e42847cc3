"""Beginning a school year: the classes of the old one are archived, new ones are made, students move up."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import case, func, insert, literal, select, tuple_, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import SCHOOL_YEARS_BEGIN
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    Door,
    Enrollment,
    School,
    SchoolKind,
    Student,
    TeachingRole,
)
from backoffice.schools.roster_models import ChangedHow, ChangeKind, RosterChange, RosterChangeStudent
from backoffice.schools.services.classrooms import LONGEST_NAME
from backoffice.schools.services.codes import issue_codes
from backoffice.schools.year_names import raised
from backoffice.storage import functions
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import new_public_id
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.wording import clean

# Beside these a page has 20,000 boxes, and a form what no server takes.
MOST_CLASSES = 200
_ROWS_AT_ONCE = 5_000

NO_CLASS = lazy("Choose at least one class whose year is over.")
NO_NAME = lazy("Give each new class a name, or make none of it.")
TOO_LONG = lazy("Shorten the names of the new classes to %(most)s letters.", most=LONGEST_NAME)
TOO_MANY = lazy("Choose at most %(most)s classes at once, and the others after that.", most=MOST_CLASSES)
GREW_OLD = lazy(
    "Something in these classes has changed since you looked. Look at the numbers again, then begin."
)


@dataclass(frozen=True)
class Pupil:
    """A student as the form shows them."""

    public_id: str
    name: str


@dataclass(frozen=True)
class YearClass:
    """A class that may end, and what its successor may be called."""

    public_id: str
    name: str
    proposed: str
    pupils: tuple[Pupil, ...]
    teachers: int


@dataclass(frozen=True)
class Ending:
    """What becomes of a class: the name of its successor, or None, who moves up, whether teachers stay."""

    classroom: str
    name: str | None
    moving: frozenset[str] = frozenset()
    teachers_stay: bool = True


@dataclass(frozen=True)
class Line:
    """What beginning the year does to one class."""

    name: str
    successor: str | None
    moving: int
    leaving: tuple[str, ...]
    teachers: int


@dataclass(frozen=True)
class YearPreview:
    """What beginning the year does altogether. Who is in two of the classes counts once."""

    lines: tuple[Line, ...]
    moving: int
    leaving: int
    codes: int
    cards: int
    tablets: int
    inside: int
    # Equal as long as neither the classes nor what is to become of them has changed.
    seen: str

    @property
    def successors(self) -> int:
        """How many new classes there are."""
        return sum(line.successor is not None for line in self.lines)


@dataclass(frozen=True)
class Begun:
    """How many classes ended and began, and how many students moved up."""

    ended: int
    made: int
    moved: int


@dataclass(frozen=True)
class _Seat:
    classroom_id: int
    student_id: int
    public_id: str
    name: str


@dataclass(frozen=True)
class _Year:
    """The classes that end, as they are now, and what is asked of each."""

    school: School
    rooms: Sequence[Classroom]
    plan: Mapping[int, Ending]
    seats: Sequence[_Seat]
    staff: Sequence[tuple[int, int, str]]

    @property
    def ids(self) -> list[int]:
        return [room.id for room in self.rooms]

    def moves(self, seat: _Seat) -> bool:
        ending = self.plan[seat.classroom_id]
        return ending.name is not None and seat.public_id in ending.moving

    @property
    def seen(self) -> str:
        state = (
            [(room.id, room.name, self.plan[room.id].name) for room in self.rooms],
            [(seat.classroom_id, seat.student_id, self.moves(seat)) for seat in self.seats],
            [(*each, self.plan[each[0]].teachers_stay) for each in self.staff],
        )
        return sha256(repr(state).encode()).hexdigest()[:32]


def classes_of_year(tx: Transaction, school: School) -> list[YearClass]:
    """The classes of a school that are not archived, by name, with their students."""
    rooms = tx.scalars(
        visible(
            tx.principal,
            select(Classroom).where(Classroom.school_id == school.id, Classroom.archived_at.is_(None)),
            SCHOOL_YEARS_BEGIN,
        )
    ).all()
    ids = [room.id for room in rooms]
    seats = _seats(tx, school.id, ids)
    teachers = Counter(room for room, _account, _role in _staff(tx, school.id, ids))
    listed = [
        YearClass(
            room.public_id,
            room.name,
            raised(room.name)[:LONGEST_NAME],
            tuple(Pupil(seat.public_id, seat.name) for seat in seats if seat.classroom_id == room.id),
            teachers[room.id],
        )
        for room in rooms
    ]
    return sorted(listed, key=lambda each: names.sort_key(each.name, None))


def preview_year(*, principal: Principal, school: str, endings: Sequence[Ending]) -> YearPreview:
    """What `begin_year` would do. Changes nothing. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        year = _year(tx, school, endings)
        here = year.ids
        up = {seat.student_id for seat in year.seats if year.moves(seat)}
        staying = Counter(room for room, _a, _r in _kept(tx, year))
        return YearPreview(
            lines=tuple(
                Line(
                    room.name,
                    year.plan[room.id].name,
                    sum(year.moves(seat) for seat in year.seats if seat.classroom_id == room.id),
                    tuple(
                        seat.name
                        for seat in year.seats
                        if seat.classroom_id == room.id and not year.moves(seat)
                    ),
                    staying[room.id],
                )
                for room in sorted(year.rooms, key=lambda each: names.sort_key(each.name, None))
            ),
            moving=len(up),
            leaving=len({seat.student_id for seat in year.seats} - up),
            codes=_count(tx, year, ClassroomCode, here, ClassroomCode.ended_at.is_(None)),
            cards=_count(tx, year, StudentCard, here, StudentCard.voided_at.is_(None)),
            tablets=_count(tx, year, ClassroomTablet, here, ClassroomTablet.voided_at.is_(None)),
            inside=_count(
                tx,
                year,
                StudentSession,
                here,
                StudentSession.ended_at.is_(None),
                StudentSession.expires_at > clock.now(),
            ),
            seen=year.seen,
        )


def begin_year(*, principal: Principal, school: str, endings: Sequence[Ending], seen: str) -> Begun:
    """Archive classes, make their successors and move students up, all of it or nothing.

    Codes, cards and tablets of the old classes stop, whoever is signed in is out, points stay with the old
    classes. `seen` is what the preview said: who looked at something else looks again. A successor has the
    old class's settings, Actions, and a new code behind a closed door. Raises `Rejected`, `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        year = _year(tx, school, endings, lock=True)
        if year.seen != seen:
            raise Rejected.whole(GREW_OLD)
        successors = _make_successors(tx, year, now)
        moved = _move_up(tx, year, successors, now) if successors else 0
        _archive(tx, year, now)
        record(
            tx,
            "school-years.begin",
            school_id=year.school.id,
            ended_classrooms=sorted(year.ids),
            made=sorted(successors.values()),
            moved=moved,
        )
    return Begun(len(year.rooms), len(successors), moved)


def _year(tx: Transaction, school: str, endings: Sequence[Ending], *, lock: bool = False) -> _Year:
    place = find(tx, School, school, permission=SCHOOL_YEARS_BEGIN)
    wanted = _judged(endings)
    if not wanted:
        raise Rejected.whole(NO_CLASS)
    if len(wanted) > MOST_CLASSES:
        raise Rejected.whole(TOO_MANY)
    statement = (
        select(Classroom)
        .where(Classroom.school_id == place.id, Classroom.public_id.in_(wanted))
        .order_by(Classroom.id)
    )
    if lock:
        statement = statement.with_for_update()
    rooms = tx.scalars(visible(tx.principal, statement, SCHOOL_YEARS_BEGIN)).all()
    if len(rooms) < len(wanted):
        # Archived by somebody since, or nobody's to end.
        raise Rejected.whole(GREW_OLD)
    ids = [room.id for room in rooms]
    return _Year(
        place,
        rooms,
        {room.id: wanted[room.public_id] for room in rooms},
        _seats(tx, place.id, ids),
        _staff(tx, place.id, ids),
    )


def _judged(endings: Sequence[Ending]) -> dict[str, Ending]:
    """The endings by their classes. Raises `Rejected`, by the classes of which the name is none."""
    found = {
        each.classroom: each if each.name is None else replace(each, name=clean(each.name))
        for each in endings
    }
    wrong = {
        classroom: TOO_LONG if each.name else NO_NAME
        for classroom, each in found.items()
        if each.name is not None and not 0 < len(each.name) <= LONGEST_NAME
    }
    if wrong:
        raise Rejected(**wrong)
    return found


def _seats(tx: Transaction, school_id: int, rooms: Collection[int]) -> list[_Seat]:
    """Who sits in these classes, by name."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(
                Enrollment.classroom_id,
                Student.id,
                Student.public_id,
                Student.given_name,
                Student.family_name,
            )
            .join(
                Student, (Student.school_id == Enrollment.school_id) & (Student.id == Enrollment.student_id)
            )
            .where(
                Enrollment.school_id == school_id,
                one_of(Enrollment.classroom_id, rooms),
                Enrollment.ended_at.is_(None),
            ),
        )
    ).all()
    rows = sorted(rows, key=lambda row: (names.sort_key(row.given_name, row.family_name), row.id))
    return [
        _Seat(row.classroom_id, row.id, row.public_id, f"{row.given_name} {row.family_name or ''}".strip())
        for row in rows
    ]


def _staff(tx: Transaction, school_id: int, rooms: Collection[int]) -> list[tuple[int, int, str]]:
    """Class, account and role of whoever teaches these classes."""
    statement = (
        select(TeachingRole.classroom_id, TeachingRole.account_id, TeachingRole.role)
        .where(TeachingRole.school_id == school_id, one_of(TeachingRole.classroom_id, rooms))
        .order_by(TeachingRole.classroom_id, TeachingRole.account_id)
    )
    rows = tx.execute(visible(tx.principal, statement))
    return [(row.classroom_id, row.account_id, row.role) for row in rows]


def _kept(tx: Transaction, year: _Year) -> list[tuple[int, int, str]]:
    """Who teaches the successors: of those whose teachers stay, whoever is of the school still.

    In a personal school its teacher does in any case.
    """
    me = tx.principal.account_id
    own = year.school.kind == SchoolKind.PERSONAL
    asked = [
        each
        for each in year.staff
        if year.plan[each[0]].name is not None
        and (year.plan[each[0]].teachers_stay or (own and each[1] == me))
    ]
    there = set(functions.who_works_at(tx, school_id=year.school.id, accounts={each[1] for each in asked}))
    return [each for each in asked if each[1] in there or each[1] == me]


def _count(
    tx: Transaction,
    year: _Year,
    entity: type[ClassroomCode | StudentCard | ClassroomTablet | StudentSession],
    rooms: Collection[int],
    *which: object,
) -> int:
    here = (entity.school_id == year.school.id, one_of(entity.classroom_id, rooms))
    return tx.scalar(select(func.count()).where(*here, *which)) or 0  # type: ignore[arg-type]


def _make_successors(tx: Transaction, year: _Year, at: datetime) -> dict[int, int]:
    """Make the new classes, with codes, teachers and Actions; their numbers by those of the old ones."""
    rooms = [room for room in year.rooms if year.plan[room.id].name is not None]
    if not rooms:
        return {}
    school = year.school.id
    successors = dict(zip((room.id for room in rooms), tx.take_ids(Classroom, len(rooms)), strict=True))
    tx.execute(
        insert(Classroom).values(
            [
                {
                    "school_id": school,
                    "id": successors[room.id],
                    "public_id": new_public_id(),
                    "name": year.plan[room.id].name,
                    "door": Door.CLOSED,
                    "door_from": room.door_from,
                    "door_to": room.door_to,
                    "shared_devices": room.shared_devices,
                    "pins_required": room.pins_required,
                    "names_shown": room.names_shown,
                    "colour": room.colour,
                    "icon": room.icon,
                    "created_at": at,
                    "follows": room.id,
                }
                for room in rooms
            ]
        )
    )
    # The codes first: once there is an owner, the database takes the class for an existing one.
    issue_codes(tx, school_id=school, classrooms=list(successors.values()), at=at)
    if staff := _kept(tx, year):
        tx.execute(
            insert(TeachingRole).values(
                [
                    {
                        "school_id": school,
                        "classroom_id": successors[room],
                        "account_id": account,
                        "role": role,
                    }
                    for room, account, role in staff
                ]
            )
        )
    _copy_actions(tx, school, successors, at)
    return successors


def _copy_actions(tx: Transaction, school_id: int, successors: Mapping[int, int], at: datetime) -> None:
    found = tx.scalars(
        visible(
            tx.principal,
            select(Action)
            .where(
                Action.school_id == school_id,
                one_of(Action.classroom_id, successors.keys()),
                Action.retired_at.is_(None),
            )
            .order_by(Action.id),
        )
    ).all()
    if not found:
        return
    numbers = tx.take_ids(Action, len(found))
    tx.execute(
        insert(Action).values(
            [
                {
                    "school_id": school_id,
                    "id": number,
                    "public_id": new_public_id(),
                    "classroom_id": successors[action.classroom_id],
                    "label": action.label,
                    "value": action.value,
                    "icon": action.icon,
                    "created_at": at,
                }
                for number, action in zip(numbers, found, strict=True)
            ]
        )
    )


def _move_up(tx: Transaction, year: _Year, successors: Mapping[int, int], at: datetime) -> int:
    """Give students places in the new classes, with name and picture as before; how many students."""
    pairs = [(seat.classroom_id, seat.student_id) for seat in year.seats if year.moves(seat)]
    if not pairs:
        return 0
    out = [
        (seat.classroom_id, seat.student_id)
        for seat in year.seats
        if seat.classroom_id in successors and not year.moves(seat)
    ]
    moved = select(
        Enrollment.school_id,
        case(dict(successors), value=Enrollment.classroom_id),
        Enrollment.student_id,
        # As it lies there, sealed.
        Enrollment.alias,
        Enrollment.avatar,
        literal(0),
        literal(at),
    ).where(
        Enrollment.school_id == year.school.id,
        one_of(Enrollment.classroom_id, successors.keys()),
        Enrollment.ended_at.is_(None),
    )
    if out:
        moved = moved.where(tuple_(Enrollment.classroom_id, Enrollment.student_id).not_in(out))
    columns = ["school_id", "classroom_id", "student_id", "alias", "avatar", "balance", "joined_at"]
    tx.execute(insert(Enrollment).from_select(columns, moved))
    _note_changes(tx, year.school.id, [(successors[room], student) for room, student in pairs], at)
    return len({student for _room, student in pairs})


def _note_changes(tx: Transaction, school_id: int, pairs: Sequence[tuple[int, int]], at: datetime) -> None:
    """Keep of each new class who came in, so that it can be undone there."""
    tx.execute(
        insert(RosterChange).values(
            [
                {
                    "school_id": school_id,
                    "classroom_id": room,
                    "kind": ChangeKind.ADD,
                    "at": at,
                    "by": tx.principal.account_id,
                }
                for room in dict.fromkeys(room for room, _student in pairs)
            ]
        )
    )
    for first in range(0, len(pairs), _ROWS_AT_ONCE):
        tx.execute(
            insert(RosterChangeStudent).values(
                [
                    {
                        "school_id": school_id,
                        "classroom_id": room,
                        "student_id": student,
                        "how": ChangedHow.JOINED,
                    }
                    for room, student in pairs[first : first + _ROWS_AT_ONCE]
                ]
            )
        )


def _archive(tx: Transaction, year: _Year, at: datetime) -> None:
    """Archive the classes, within the transaction. The database ends the sessions."""
    functions.forget_roster_changes(tx, school_id=year.school.id, classrooms=year.ids)
    for entity, column in (
        (ClassroomCode, "ended_at"),
        (StudentCard, "voided_at"),
        (ClassroomTablet, "voided_at"),
    ):
        tx.execute(
            update(entity)
            .where(
                entity.school_id == year.school.id,
                one_of(entity.classroom_id, year.ids),
                getattr(entity, column).is_(None),
            )
            .values({column: at})
            .execution_options(synchronize_session=False)
        )
    tx.execute(
        update(Classroom)
        .where(Classroom.school_id == year.school.id, one_of(Classroom.id, year.ids))
        .values(door=Door.CLOSED, door_until=None, archived_at=at)
        .execution_options(synchronize_session=False)
    )
