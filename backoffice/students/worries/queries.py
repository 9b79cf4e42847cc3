"""What children told, for whoever is to read it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_READ, WORRIES_ANSWER
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.schools.models import Classroom, Student
from backoffice.storage.numbers import one_of
from backoffice.students.worries.models import Worry

LAST_CLOSED = 20
MOST_LISTED = 200
LEFT = lazy("A child who has left")


@dataclass(frozen=True)
class Told:
    """A worry, with the names of the child and of the class."""

    worry: Worry
    child: str
    classroom: str


def waiting(tx: Transaction) -> list[Told]:
    """What is open and the principal is to answer, the oldest first."""
    statement = (
        select(Worry).where(Worry.closed_at.is_(None)).order_by(Worry.told_at, Worry.id).limit(MOST_LISTED)
    )
    return _named(tx, tx.scalars(visible(tx.principal, statement, WORRIES_ANSWER)).all())


def closed(tx: Transaction) -> list[Told]:
    """What was closed last."""
    statement = select(Worry).where(Worry.closed_at.is_not(None))
    newest = statement.order_by(Worry.closed_at.desc(), Worry.id.desc()).limit(LAST_CLOSED)
    return _named(tx, tx.scalars(visible(tx.principal, newest, WORRIES_ANSWER)).all())


def told(tx: Transaction, worry: str) -> Told:
    """One of them. Raises `NotFound`."""
    return _named(tx, [find(tx, Worry, worry, permission=WORRIES_ANSWER)])[0]


def count_waiting(tx: Transaction) -> int:
    """How many are open."""
    waiting_ones = visible(tx.principal, select(Worry.id).where(Worry.closed_at.is_(None)), WORRIES_ANSWER)
    return tx.scalar(select(func.count()).select_from(waiting_ones.subquery())) or 0


def _named(tx: Transaction, worries: Sequence[Worry]) -> list[Told]:
    children = names_of_children(tx, {each.student_id for each in worries})
    rooms = select(Classroom).where(one_of(Classroom.id, {each.classroom_id for each in worries}))
    names = {room.id: room.name for room in tx.scalars(visible(tx.principal, rooms))}
    return [
        Told(each, children.get(each.student_id, LEFT), names.get(each.classroom_id, "")) for each in worries
    ]


def names_of_children(tx: Transaction, students: Collection[int]) -> dict[int, str]:
    """What those of these children are called whom the principal may see."""
    statement = select(Student).where(one_of(Student.id, students))
    found = tx.scalars(visible(tx.principal, statement, STUDENTS_READ))
    return {each.id: f"{each.given_name} {each.family_name or ''}".strip() for each in found}
