"""Reading classrooms, students and points, always through the policy."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased, selectinload

from backoffice.access.permissions import CLASSROOMS_CREATE, SCHOOLS_COUNT, SCHOOLS_READ, Permission
from backoffice.access.policy import can, kept_statement, scope, visible
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.schools import names
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    CodeKind,
    Enrollment,
    Membership,
    PointEntry,
    School,
    SchoolKind,
    Student,
    TeachingRole,
)
from backoffice.storage import functions
from backoffice.storage.numbers import given, one_of
from backoffice.storage.sealed import open_text

LAST_ENTRIES = 20


@dataclass(frozen=True)
class ListedStudent:
    """A student as the list of one class shows them."""

    public_id: str
    given: str
    family: str | None
    avatar: str
    points: int

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family or ''}".strip()


@dataclass(frozen=True)
class Award:
    """One point entry, as a page shows it."""

    label: str
    value: int
    comment: str | None
    at: datetime
    by: int | None
    # Whether it was taken back: it counts no more.
    undone: bool = False


class Seat(NamedTuple):
    """A class that a student is in, by its name and its number, and the points there."""

    classroom: str
    points: int
    room: int


@dataclass(frozen=True)
class EarlierClass:
    """A class that a student was in: its end or the student's, whichever came first, is `until`."""

    public_id: str
    name: str
    points: int
    until: datetime


@dataclass(frozen=True)
class SchoolCounts:
    """Numbers of one school; the only thing of its children that a founder sees."""

    classrooms: int
    students: int
    staff: int


@dataclass(frozen=True)
class SchoolTotals(SchoolCounts):
    """Numbers of several schools together; who works at two of them counts once."""

    schools: int


def students_of(tx: Transaction, classroom: Classroom) -> list[ListedStudent]:
    """The students enrolled in a class, in the order of their names."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(Student, Enrollment.avatar, Enrollment.balance)
            .join(
                Enrollment,
                (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
            )
            .where(
                Enrollment.school_id == classroom.school_id,
                Enrollment.classroom_id == classroom.id,
                Enrollment.ended_at.is_(None),
            ),
        )
    )
    listed = [
        ListedStudent(student.public_id, student.given_name, student.family_name, avatar, balance)
        for student, avatar, balance in rows
    ]
    # Namesakes keep their places from one page to the next.
    return sorted(listed, key=lambda each: (names.sort_key(each.given, each.family), each.public_id))


def enrollments_of(tx: Transaction, student: Student) -> Sequence[Enrollment]:
    """The student's enrollments in classes that the principal may see, with their classrooms."""
    return tx.scalars(
        visible(
            tx.principal,
            select(Enrollment)
            .where(
                Enrollment.school_id == student.school_id,
                Enrollment.student_id == student.id,
                Enrollment.ended_at.is_(None),
            )
            .options(selectinload(Enrollment.classroom)),
        )
    ).all()


def earlier_classes(tx: Transaction, student: Student) -> list[EarlierClass]:
    """The classes that the student left or that are archived, which the principal may see, the last first."""
    here = and_(Classroom.school_id == Enrollment.school_id, Classroom.id == Enrollment.classroom_id)
    statement = (
        select(
            Classroom.public_id,
            Classroom.name,
            Classroom.archived_at,
            Enrollment.balance,
            Enrollment.ended_at,
        )
        .join(Enrollment, here)
        .where(
            Enrollment.school_id == student.school_id,
            Enrollment.student_id == student.id,
            or_(Enrollment.ended_at.is_not(None), Classroom.archived_at.is_not(None)),
        )
    )
    found = [
        EarlierClass(
            row.public_id,
            row.name,
            row.balance,
            min(moment for moment in (row.ended_at, row.archived_at) if moment is not None),
        )
        for row in tx.execute(visible(tx.principal, statement))
    ]
    return sorted(found, key=lambda each: each.until, reverse=True)


def last_awards(
    tx: Transaction,
    *,
    school_id: int,
    student_id: int,
    classroom_id: int | None = None,
    permission: Permission | None = None,
    undone: bool = False,
) -> list[Award]:
    """The newest point entries of a student, 20 at the most, that the principal may see.

    Those that were taken back are among them with `undone`; the entries against them never are.
    """
    statement = (
        select(PointEntry, Action.label)
        .join(Action, (Action.school_id == PointEntry.school_id) & (Action.id == PointEntry.action_id))
        .where(
            PointEntry.school_id == school_id,
            PointEntry.student_id == student_id,
            PointEntry.undoes.is_(None) if undone else stands(),
        )
        .order_by(PointEntry.awarded_at.desc(), PointEntry.id.desc())
        .limit(LAST_ENTRIES)
    )
    if classroom_id is not None:
        statement = statement.where(PointEntry.classroom_id == classroom_id)
    rows = tx.execute(visible(tx.principal, statement, permission)).all()
    back: set[int | None] = set()
    if undone and rows:
        against = select(PointEntry.undoes).where(
            PointEntry.school_id == school_id, PointEntry.undoes.in_([entry.id for entry, _label in rows])
        )
        back = set(tx.scalars(visible(tx.principal, against, permission)))
    return [
        Award(label, entry.value, entry.comment, entry.awarded_at, entry.awarded_by, entry.id in back)
        for entry, label in rows
    ]


def stands() -> ColumnElement[bool]:
    """The condition that a point entry was not taken back, and takes none back."""
    against = aliased(PointEntry)
    taken_back = exists().where(against.school_id == PointEntry.school_id, against.undoes == PointEntry.id)
    return and_(PointEntry.undoes.is_(None), not_(taken_back))


def staff_of(tx: Transaction, classroom: Classroom) -> list[tuple[str, str]]:
    """Name and teaching role of the adults of a class."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(TeachingRole, Account)
            .join(Account, Account.id == TeachingRole.account_id)
            .where(
                TeachingRole.school_id == classroom.school_id,
                TeachingRole.classroom_id == classroom.id,
            ),
        )
    )
    return [(account.name, role.role) for role, account in rows]


def names_of(tx: Transaction, accounts: set[int]) -> dict[int, str]:
    """Names of those accounts that the principal may see."""
    found = tx.scalars(visible(tx.principal, select(Account).where(Account.id.in_(accounts))))
    return {account.id: account.name for account in found}


def schools_for(
    tx: Transaction, permission: Permission = CLASSROOMS_CREATE, *, most: int | None = None
) -> Sequence[School]:
    """The schools in which the principal holds a permission, in the order they joined."""
    return tx.scalars(visible(tx.principal, select(School).order_by(School.id).limit(most), permission)).all()


def school_name(tx: Transaction, classroom: Classroom) -> str | None:
    """What the school of a class is called."""
    return tx.scalar(select(School.name).where(School.id == classroom.school_id))


def school_public_id(tx: Transaction, number: int, permission: Permission | None = None) -> str | None:
    """The public identifier of a school that the principal may see, or holds a permission in."""
    return tx.scalar(visible(tx.principal, select(School.public_id).where(School.id == number), permission))


def is_personal(tx: Transaction, classroom: Classroom) -> bool:
    """Whether the school of a class is one teacher's own."""
    return tx.scalar(select(School.kind).where(School.id == classroom.school_id)) == SchoolKind.PERSONAL


def country_of(tx: Transaction, classroom: Classroom) -> str:
    """The country in which a class is taught."""
    return tx.scalar(select(School.country).where(School.id == classroom.school_id)) or ""


def classrooms_for(
    tx: Transaction,
    permission: Permission | None = None,
    *,
    school_id: int | None = None,
    most: int | None = None,
) -> list[Classroom]:
    """The classes that the principal may see, or do this in, and that are not archived, by name."""
    live = select(Classroom).where(Classroom.archived_at.is_(None))
    if school_id is not None:
        live = live.where(Classroom.school_id == school_id)
    found = tx.scalars(visible(tx.principal, live.limit(most), permission))
    return sorted(found, key=lambda classroom: names.sort_key(classroom.name, None))


def taught_by(tx: Transaction, account: Account) -> ColumnElement[bool]:
    """The condition that the account teaches the class, as far as the principal may see who teaches."""
    taught = select(TeachingRole.classroom_id).where(TeachingRole.account_id == account.id)
    return Classroom.id.in_(visible(tx.principal, taught))


def is_named(
    tx: Transaction,
    statement: Select[Any],
    words: str,
    *reads: InstrumentedAttribute[Any],
    called: Callable[[Any], str] | None = None,
) -> ColumnElement[bool]:
    """The condition that a row's name has words that begin so, among those of a statement.

    These names are sealed and have no tokens: all of them are read here, these columns alone. The name is
    what stands in them, or what a row with them is `called`.
    """
    key = reads[0].class_.id
    known = tx.execute(statement.with_only_columns(key, *reads))
    called = called or (lambda row: " ".join(text for text in row[1:] if text))
    return one_of(key, [row.id for row in known if names.begins(called(row), words)])


def is_in(classroom: Classroom) -> ColumnElement[bool]:
    """The condition that a student is enrolled in the class."""
    enrolled = select(Enrollment.student_id).where(
        Enrollment.classroom_id == classroom.id, Enrollment.ended_at.is_(None)
    )
    return and_(Student.school_id == classroom.school_id, Student.id.in_(enrolled))


# Of one school, and of several: each list of students asks for it.
_SEATS = {
    one: select(
        Enrollment.student_id,
        Enrollment.balance,
        Enrollment.classroom_id,
        type_coerce(Classroom.name, LargeBinary),
    )
    .join(
        Classroom,
        (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
    )
    .where(
        Enrollment.ended_at.is_(None),
        Classroom.archived_at.is_(None),
        given(Enrollment.school_id, "schools", one=one, planned_once=True),
        given(Enrollment.student_id, "students", one=False, planned_once=True),
    )
    for one in (False, True)
}


def seats_of(
    tx: Transaction, students: Sequence[Student], permission: Permission | None = None
) -> dict[int, list[Seat]]:
    """What the principal may see of where these students are enrolled now, by the student's number.

    With `permission`, the places on which the principal holds it.
    """
    schools = frozenset(student.school_id for student in students)
    one = len(schools) == 1
    narrowed = kept_statement(tx.principal, _SEATS[one], permission, schools=schools, planned_once=True)
    asked_for = {
        "schools": next(iter(schools)) if one else schools,
        "students": frozenset(student.id for student in students),
    }
    found: dict[int, list[Seat]] = {}
    # Many students sit in one class: its name is opened once.
    opened: dict[bytes, str] = {}
    for student, points, room, sealed in tx.rows(narrowed.statement, {**narrowed.values, **asked_for}):
        if sealed not in opened:
            opened[sealed] = open_text(sealed, context="classroom.name")
        found.setdefault(student, []).append(Seat(opened[sealed], points, room))
    return found


def memberships_by_account(tx: Transaction, accounts: Sequence[int]) -> dict[int, list[Membership]]:
    """What these accounts are at the schools that the principal leads, by the account's number."""
    found: dict[int, list[Membership]] = {}
    for membership in tx.scalars(
        select(Membership).where(
            Membership.account_id.in_(accounts), Membership.school_id.in_(tx.principal.led_schools)
        )
    ):
        found.setdefault(membership.account_id, []).append(membership)
    return found


def schools_where_they_are(tx: Transaction, people: Select[Any]) -> Select[Any]:
    """The numbers of the schools that the principal leads and where these accounts are anything."""
    led = tx.principal.led_schools
    at = (Membership.account_id.in_(people), one_of(Membership.school_id, led))
    return select(Membership.school_id).where(*at).distinct()


def classes_taught(tx: Transaction, accounts: Sequence[int]) -> Counter[int]:
    """In how many classes that the principal may see each of these accounts teaches."""
    taught = select(TeachingRole.account_id).where(TeachingRole.account_id.in_(accounts))
    return Counter(tx.scalars(visible(tx.principal, taught)))


def class_sizes(tx: Transaction, classrooms: Sequence[Classroom]) -> dict[int, int]:
    """How many students are enrolled in each of these classes."""
    counted = (
        select(Enrollment.classroom_id, func.count())
        .where(
            Enrollment.classroom_id.in_([classroom.id for classroom in classrooms]),
            Enrollment.ended_at.is_(None),
        )
        .group_by(Enrollment.classroom_id)
    )
    return dict(tx.execute(counted).all())


def live_codes(tx: Transaction, classrooms: Sequence[Classroom]) -> dict[int, str]:
    """The standing code of each of these classes."""
    statement = select(ClassroomCode).where(
        ClassroomCode.classroom_id.in_([classroom.id for classroom in classrooms]),
        ClassroomCode.kind == CodeKind.STANDING,
        ClassroomCode.ended_at.is_(None),
    )
    found = tx.scalars(visible(tx.principal, statement))
    return {each.classroom_id: each.code for each in found}


def school_names(tx: Transaction, schools: Collection[int]) -> dict[int, str]:
    """What those of these schools are called that the principal may see."""
    found = tx.scalars(visible(tx.principal, select(School).where(School.id.in_(schools)), SCHOOLS_READ))
    return {school.id: school.name for school in found}


def counts_by_school(tx: Transaction, schools: Collection[School]) -> dict[int, SchoolCounts]:
    """Numbers of those of these schools that the principal may count, by the school's number."""
    held = scope(tx.principal, SCHOOLS_COUNT)
    asked = {school.id for school in schools if held.everywhere or school.id in held.schools}
    return {
        row.school_id: SchoolCounts(row.classrooms, row.students, row.staff)
        for row in functions.school_counts(tx, schools=asked)
    }


def school_totals(tx: Transaction) -> SchoolTotals:
    """How many schools the principal may count, and their numbers together."""
    if not can(tx.principal, SCHOOLS_COUNT):
        return SchoolTotals(0, 0, 0, 0)
    row = functions.school_totals(tx)
    return SchoolTotals(row.classrooms, row.students, row.staff, row.schools)
