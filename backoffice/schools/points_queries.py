"""What was awarded in a class: awards, totals, weeks. Read through the policy, or of a class found by it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, and_, bindparam, case, func, select, tuple_

from backoffice import clock
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools import names
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.models import Action, Classroom, Enrollment, PointEntry, Student
from backoffice.schools.queries import Award, stands
from backoffice.storage.numbers import one_of

AWARDS_A_PAGE = 30


@dataclass(frozen=True)
class Pupil:
    """A child of a class as its points show it; `first` is enough where everybody looks on."""

    id: int
    public_id: str
    label: str
    first: str
    avatar: str
    points: int
    goal: int | None


@dataclass(frozen=True)
class Given:
    """One award: what for, to whom, by whom, and whether it was taken back.

    `to` names those who are still in the class; `others` counts those who are not.
    """

    public_id: str
    action: Action
    value: int
    to: tuple[str, ...]
    others: int
    everybody: bool
    comment: str | None
    at: datetime
    by: int | None
    undone_at: datetime | None
    undone_by: int | None


@dataclass(frozen=True)
class Sum:
    """Points given and taken, and how often; `taken` is negative. What was taken back is in neither."""

    given: int = 0
    taken: int = 0
    times: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.given + self.taken


@dataclass(frozen=True)
class Week:
    """Points of one week, which begins on this Monday."""

    monday: date
    points: Sum


@dataclass(frozen=True)
class Totals:
    """What was awarded in some weeks: by student, by Action and by week."""

    students: Mapping[int, Sum]
    actions: Mapping[int, Sum]
    weeks: Sequence[Week]


def actions_of(tx: Transaction, classroom: Classroom, *, retired: bool = False) -> list[Action]:
    """The Actions of a class, those that give points first, each kind in the order of their labels."""
    statement = select(Action).where(
        Action.school_id == classroom.school_id,
        Action.classroom_id == classroom.id,
        Action.retired_at.is_not(None) if retired else Action.retired_at.is_(None),
    )
    found = tx.scalars(visible(tx.principal, statement))
    return sorted(found, key=lambda each: (each.value < 0, names.plain(each.label), each.id))


def classroom_of(tx: Transaction, action: Action) -> Classroom:
    """The class of an Action that was found through the policy."""
    statement = select(Classroom).where(
        Classroom.school_id == action.school_id, Classroom.id == action.classroom_id
    )
    return tx.scalars(statement).one()


def enrolled(tx: Transaction, classroom: Classroom, *options: Any) -> list[tuple[Student, Enrollment]]:
    """Who is in a class now, with their place there. `options` are loader options."""
    statement = (
        select(Student, Enrollment)
        .join(
            Enrollment,
            (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
        )
        .where(
            Enrollment.school_id == classroom.school_id,
            Enrollment.classroom_id == classroom.id,
            Enrollment.ended_at.is_(None),
        )
        .options(*options)
    )
    return [(student, seat) for student, seat in tx.execute(visible(tx.principal, statement))]


def pupils(tx: Transaction, classroom: Classroom) -> list[Pupil]:
    """The children of a class, in the order of what they are called."""
    rows = enrolled(tx, classroom)
    people = [
        names.Named(
            student.id,
            seat.alias or student.given_name,
            None if seat.alias else student.family_name,
            seat.avatar,
        )
        for student, seat in rows
    ]
    labels = names.shown(people)
    times: dict[str, int] = defaultdict(int)
    for person in people:
        times[names.plain(person.given)] += 1
    found = [
        Pupil(
            student.id,
            student.public_id,
            labels[student.id],
            person.given if times[names.plain(person.given)] == 1 else labels[student.id],
            seat.avatar,
            seat.balance,
            seat.goal,
        )
        for (student, seat), person in zip(rows, people, strict=True)
    ]
    return sorted(found, key=lambda each: (names.plain(each.label), each.public_id))


def given(
    tx: Transaction, classroom: Classroom, *, award: str | None = None, before: str | None = None
) -> list[Given]:
    """The awards of a class, the newest first; or one; or those before one."""
    here = (PointAward.school_id == classroom.school_id, PointAward.classroom_id == classroom.id)
    statement = select(PointAward, Action).join(
        Action, (Action.school_id == PointAward.school_id) & (Action.id == PointAward.action_id)
    )
    statement = statement.where(*here).order_by(PointAward.awarded_at.desc(), PointAward.id.desc())
    if award is not None:
        statement = statement.where(PointAward.public_id == award)
    if before is not None:
        known = select(PointAward.awarded_at, PointAward.id).where(*here, PointAward.public_id == before)
        edge = tx.execute(visible(tx.principal, known)).one_or_none()
        if edge is None:
            return []
        statement = statement.where(tuple_(PointAward.awarded_at, PointAward.id) < tuple(edge))
    rows = tx.execute(visible(tx.principal, statement.limit(AWARDS_A_PAGE))).all()
    entries = _entries(tx, classroom, [award.id for award, _action in rows])
    called = {pupil.id: pupil.label for pupil in pupils(tx, classroom)} if rows else {}
    return [_given(award, action, entries[award.id], called) for award, action in rows]


def totals(
    tx: Transaction, classroom: Classroom, zone: ZoneInfo, *, weeks: int, student: int | None = None
) -> Totals:
    """What was awarded in so many weeks up to now, as the reader counts days; of one student, or of all.

    The class was found through the policy.
    """
    mondays = _mondays(zone, weeks)
    return _summed(_counted(tx, classroom, zone, mondays, student=student), mondays)


def totals_by_student(
    tx: Transaction, classroom: Classroom, zone: ZoneInfo, *, weeks: int
) -> Mapping[int, Totals]:
    """The totals of each student by themselves, in one statement; none of whom nothing was awarded to."""
    mondays = _mondays(zone, weeks)
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in _counted(tx, classroom, zone, mondays):
        rows[row.student_id].append(row)
    return {student: _summed(own, mondays) for student, own in rows.items()}


def no_totals(zone: ZoneInfo, *, weeks: int) -> Totals:
    """Those of somebody to whom nothing was awarded."""
    return _summed((), _mondays(zone, weeks))


def last_awards_by_student(tx: Transaction, classroom: Classroom, *, most: int) -> Mapping[int, list[Award]]:
    """The newest awards of each student of a class that were not taken back, so many at the most."""
    place = func.row_number().over(
        partition_by=PointEntry.student_id,
        order_by=(PointEntry.awarded_at.desc(), PointEntry.id.desc()),
    )
    ranked = visible(
        tx.principal,
        select(
            PointEntry.student_id,
            PointEntry.action_id,
            PointEntry.value,
            PointEntry.awarded_at,
            PointEntry.awarded_by,
            place.label("place"),
        ).where(
            PointEntry.school_id == classroom.school_id,
            PointEntry.classroom_id == classroom.id,
            stands(),
        ),
    ).subquery()
    statement = (
        select(ranked, Action.label)
        .join(Action, and_(Action.school_id == classroom.school_id, Action.id == ranked.c.action_id))
        .where(ranked.c.place <= most)
        .order_by(ranked.c.student_id, ranked.c.place)
    )
    found: dict[int, list[Award]] = defaultdict(list)
    for row in tx.execute(statement):
        found[row.student_id].append(Award(row.label, row.value, None, row.awarded_at, row.awarded_by))
    return found


def _counted(
    tx: Transaction,
    classroom: Classroom,
    zone: ZoneInfo,
    mondays: Sequence[date],
    *,
    student: int | None = None,
) -> Sequence[Any]:
    starts = [datetime.combine(day, time(), zone) for day in mondays]
    edges = bindparam(None, starts, type_=ARRAY(DateTime(timezone=True)), unique=True)
    week = func.width_bucket(PointEntry.awarded_at, edges).label("week")
    statement = (
        select(
            PointEntry.student_id,
            PointEntry.action_id,
            week,
            func.coalesce(func.sum(case((PointEntry.value > 0, PointEntry.value))), 0).label("given"),
            func.coalesce(func.sum(case((PointEntry.value < 0, PointEntry.value))), 0).label("taken"),
            func.count().label("times"),
        )
        .where(
            PointEntry.school_id == classroom.school_id,
            PointEntry.classroom_id == classroom.id,
            PointEntry.awarded_at >= starts[0],
            stands(),
        )
        .group_by(PointEntry.student_id, PointEntry.action_id, "week")
    )
    if student is not None:
        statement = statement.where(PointEntry.student_id == student)
    return tx.execute(statement).all()


def _summed(rows: Iterable[Any], mondays: Sequence[date]) -> Totals:
    by_student: dict[int, Sum] = defaultdict(Sum)
    by_action: dict[int, Sum] = defaultdict(Sum)
    by_week: dict[int, Sum] = defaultdict(Sum)
    for row in rows:
        for sums, key in ((by_student, row.student_id), (by_action, row.action_id), (by_week, row.week)):
            before = sums[key]
            sums[key] = Sum(before.given + row.given, before.taken + row.taken, before.times + row.times)
    listed = [Week(monday, by_week[number]) for number, monday in enumerate(mondays, 1)]
    return Totals(dict(by_student), dict(by_action), listed)


def _mondays(zone: ZoneInfo, weeks: int) -> list[date]:
    today = clock.now().astimezone(zone).date()
    last = today - timedelta(days=today.weekday())
    return [last - timedelta(weeks=back) for back in reversed(range(weeks))]


def _entries(
    tx: Transaction, classroom: Classroom, awards: Collection[int]
) -> Mapping[int, list[PointEntry]]:
    statement = select(PointEntry).where(
        PointEntry.school_id == classroom.school_id,
        one_of(PointEntry.award_id, awards),
        PointEntry.undoes.is_(None),
    )
    found: dict[int, list[PointEntry]] = defaultdict(list)
    for entry in tx.scalars(visible(tx.principal, statement)) if awards else ():
        assert entry.award_id is not None
        found[entry.award_id].append(entry)
    return found


def _given(
    award: PointAward, action: Action, entries: Sequence[PointEntry], called: Mapping[int, str]
) -> Given:
    to = sorted(
        (called[entry.student_id] for entry in entries if entry.student_id in called), key=names.plain
    )
    return Given(
        award.public_id,
        action,
        entries[0].value if entries else action.value,
        tuple(to),
        len(entries) - len(to),
        award.whom == Whom.CLASS,
        entries[0].comment if entries else None,
        award.awarded_at,
        award.awarded_by,
        award.undone_at,
        award.undone_by,
    )
