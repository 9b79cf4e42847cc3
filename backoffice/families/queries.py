"""What a parent sees: the basic progress of the own child, who opened its record, and of nobody else.

Columns are named one by one: what is not named here, a parent's page does not even read. The control
`parent-view` compares them with what a parent may see.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backoffice.access.lookup import NotFound
from backoffice.access.permissions import CHILDREN_READ, GUARDIANS_APPROVE, GUARDIANS_INVITE
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.families.models import GuardianLink, GuardianStatus, StudentView
from backoffice.language.texts import gettext
from backoffice.schools.models import Action, Classroom, Enrollment, PointEntry, Student
from backoffice.schools.queries import LAST_ENTRIES, stands
from backoffice.storage import functions
from backoffice.storage.numbers import one_of
from backoffice.storage.sealed import open_text

LAST_VIEWS = 200


@dataclass(frozen=True)
class Given:
    """One award, without what the teacher noted beside it."""

    label: str
    value: int
    at: datetime


@dataclass(frozen=True)
class Child:
    """A child in one class: given name, class, points and the last awards."""

    public_id: str
    name: str
    classroom_name: str
    points: int
    awards: list[Given]
    is_over: bool


@dataclass(frozen=True)
class Opening:
    """That somebody of the staff opened the record on a day: last when, and how often."""

    name: str
    role: str
    at: datetime
    times: int


def links_in(tx: Transaction, numbers: Collection[int], status: GuardianStatus) -> int:
    """How many of these links are in a state, without one's own, about which nobody decides."""
    fitting = select(GuardianLink.id).where(
        one_of(GuardianLink.id, numbers),
        GuardianLink.status == status,
        GuardianLink.account_id != tx.principal.account_id,
    )
    decidable = visible(tx.principal, fitting, GUARDIANS_APPROVE).subquery()
    return tx.scalar(select(func.count()).select_from(decidable)) or 0


def children(tx: Transaction, student: str | None = None) -> list[Child]:
    """The signed-in parent's children, or one of them, once for each class."""
    statement = (
        select(
            Student.school_id,
            Student.id,
            Student.public_id,
            Student.given_name,
            Classroom.id.label("room"),
            Classroom.name,
            Enrollment.balance,
            Classroom.archived_at,
        )
        .join(Enrollment, (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id))
        .join(
            Classroom,
            (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
        )
        .where(Enrollment.ended_at.is_(None))
        # The classes of the years before come last.
        .order_by(Student.id, Classroom.archived_at.desc().nulls_first(), Classroom.id)
    )
    if student is not None:
        statement = statement.where(Student.public_id == student)
    rows = tx.execute(visible(tx.principal, statement, CHILDREN_READ)).all()
    return [
        Child(
            row.public_id,
            row.given_name,
            row.name,
            row.balance,
            _awards(tx, row.school_id, row.id, row.room),
            row.archived_at is not None,
        )
        for row in rows
    ]


def between_classes(tx: Transaction) -> list[tuple[str, str]]:
    """The signed-in parent's children who are in no class, not even in one of a year before."""
    seated = select(Enrollment.student_id).where(
        Enrollment.school_id == Student.school_id,
        Enrollment.student_id == Student.id,
        Enrollment.ended_at.is_(None),
    )
    statement = select(Student.public_id, Student.given_name).where(~seated.exists()).order_by(Student.id)
    rows = tx.execute(visible(tx.principal, statement, CHILDREN_READ))
    return [(row.public_id, row.given_name) for row in rows]


def given_name(tx: Transaction, student: str) -> str:
    """What the own child with this identifier is called. Raises `NotFound`."""
    statement = select(Student.given_name).where(Student.public_id == student)
    found: str | None = tx.scalar(visible(tx.principal, statement, CHILDREN_READ))
    if found is None:
        raise NotFound
    return found


def openings(tx: Transaction, student: str, zone: ZoneInfo) -> list[Opening]:
    """Who of the staff opened the own child's record, the newest day first, each once a day."""
    child = select(Student.id).where(Student.public_id == student)
    statement = (
        select(StudentView.viewer_id, StudentView.role, StudentView.at)
        .where(StudentView.student_id == tx.scalar(visible(tx.principal, child, CHILDREN_READ)))
        .order_by(StudentView.at.desc(), StudentView.id.desc())
        .limit(LAST_VIEWS)
    )
    rows = tx.execute(visible(tx.principal, statement)).all()
    names = functions.names_of_viewers(tx) if rows else {}
    known: dict[int | None, str] = {
        number: open_text(name, context="account.name") for number, name in names.items()
    }
    times: Counter[tuple[int | None, str, date]] = Counter()
    last: dict[tuple[int | None, str, date], datetime] = {}
    for row in rows:
        day = (row.viewer_id, row.role, row.at.astimezone(zone).date())
        times[day] += 1
        last.setdefault(day, row.at)
    return [
        Opening(known.get(viewer, gettext("Somebody who has left")), role, last[viewer, role, day], count)
        for (viewer, role, day), count in times.items()
    ]


def links_of(tx: Transaction, student: Student) -> list[GuardianLink]:
    """The guardian links of a child, for whoever decides about them."""
    statement = select(GuardianLink).where(
        GuardianLink.school_id == student.school_id, GuardianLink.student_id == student.id
    )
    narrowed = visible(tx.principal, statement, GUARDIANS_APPROVE)
    return list(tx.scalars(narrowed.order_by(GuardianLink.id)))


def students_by_number(tx: Transaction, students: Collection[int]) -> dict[int, Student]:
    """Those of these children whose parents the principal may invite, by their numbers."""
    statement = select(Student).where(one_of(Student.id, students))
    return {each.id: each for each in tx.scalars(visible(tx.principal, statement, GUARDIANS_INVITE))}


def _awards(tx: Transaction, school_id: int, student_id: int, classroom_id: int) -> list[Given]:
    statement = (
        select(Action.label, PointEntry.value, PointEntry.awarded_at)
        .join(PointEntry, (Action.school_id == PointEntry.school_id) & (Action.id == PointEntry.action_id))
        .where(
            PointEntry.school_id == school_id,
            PointEntry.student_id == student_id,
            PointEntry.classroom_id == classroom_id,
            stands(),
        )
        .order_by(PointEntry.awarded_at.desc(), PointEntry.id.desc())
        .limit(LAST_ENTRIES)
    )
    return [
        Given(row.label, row.value, row.awarded_at)
        for row in tx.execute(visible(tx.principal, statement, CHILDREN_READ))
    ]
