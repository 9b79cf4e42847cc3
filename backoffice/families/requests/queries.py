"""What parents asked: the parent's own, and what waits for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from backoffice.access.lookup import find
from backoffice.access.permissions import (
    CHILDREN_READ,
    GUARDIANS_APPROVE,
    REQUESTS_ANSWER,
    STUDENTS_READ,
)
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.requests.models import DUE_AFTER, GuardianRequest
from backoffice.language.texts import gettext
from backoffice.schools.models import Student
from backoffice.storage import functions
from backoffice.storage.numbers import one_of

LAST_ANSWERED = 20
MOST_LISTED = 200


@dataclass(frozen=True)
class Own:
    """What the signed-in parent asked, and the answer."""

    kind: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    answer: str | None


@dataclass(frozen=True)
class Asked:
    """A request, with the names of the child and of the parent, as the parent wrote it.

    `student` is the child's record, for whoever may open it: who answers need not teach the child.
    """

    request: GuardianRequest
    child: str
    student: str | None
    parent: str


def own(tx: Transaction, student: str) -> list[Own]:
    """What the signed-in parent asked about the own child, the newest first."""
    child = select(Student.id).where(Student.public_id == student)
    number = tx.scalar(visible(tx.principal, child, CHILDREN_READ))
    statement = (
        select(
            GuardianRequest.kind,
            GuardianRequest.asked_at,
            GuardianRequest.answered_at,
            GuardianRequest.answer,
        )
        .where(GuardianRequest.student_id == number, GuardianRequest.account_id == tx.principal.account_id)
        .order_by(GuardianRequest.asked_at.desc())
    )
    return [
        Own(row.kind, row.asked_at, row.asked_at + DUE_AFTER, row.answered_at, row.answer)
        for row in tx.execute(visible(tx.principal, statement))
    ]


def is_answered(tx: Transaction, student: str) -> bool:
    """Whether there is anybody who answers what the signed-in parent asks about the own child."""
    child = select(Student.id).where(Student.public_id == student)
    number = tx.scalar(visible(tx.principal, child, CHILDREN_READ))
    return number is not None and functions.somebody_answers(tx, student_id=number)


def waiting(tx: Transaction) -> list[Asked]:
    """What the principal is to answer, what is due first first."""
    statement = select(GuardianRequest).where(GuardianRequest.answered_at.is_(None))
    ordered = statement.order_by(GuardianRequest.asked_at, GuardianRequest.id).limit(MOST_LISTED)
    return _named(tx, tx.scalars(visible(tx.principal, ordered, REQUESTS_ANSWER)).all())


def answered(tx: Transaction) -> list[Asked]:
    """What was answered last."""
    statement = select(GuardianRequest).where(GuardianRequest.answered_at.is_not(None))
    newest = statement.order_by(GuardianRequest.answered_at.desc()).limit(LAST_ANSWERED)
    return _named(tx, tx.scalars(visible(tx.principal, newest, REQUESTS_ANSWER)).all())


def asked(tx: Transaction, request: str) -> Asked:
    """One of them. Raises `NotFound`."""
    return _named(tx, [find(tx, GuardianRequest, request, permission=REQUESTS_ANSWER)])[0]


def count_waiting(tx: Transaction) -> int:
    """How many the principal is to answer."""
    open_ones = select(GuardianRequest.id).where(GuardianRequest.answered_at.is_(None))
    narrowed = visible(tx.principal, open_ones, REQUESTS_ANSWER)
    return tx.scalar(select(func.count()).select_from(narrowed.subquery())) or 0


def count_parents_waiting(tx: Transaction) -> int:
    """How many parents ask to follow a child, and the principal decides."""
    links = select(GuardianLink.id).where(GuardianLink.status == GuardianStatus.WAITING)
    narrowed = visible(tx.principal, links, GUARDIANS_APPROVE)
    return tx.scalar(select(func.count()).select_from(narrowed.subquery())) or 0


def _named(tx: Transaction, requests: Sequence[GuardianRequest]) -> list[Asked]:
    numbers = {each.student_id for each in requests}
    students = select(Student).where(one_of(Student.id, numbers))
    children = {each.id: each for each in tx.scalars(visible(tx.principal, students, REQUESTS_ANSWER))}
    opened = set(tx.scalars(visible(tx.principal, students.with_only_columns(Student.id), STUDENTS_READ)))
    links = select(GuardianLink).where(one_of(GuardianLink.student_id, numbers))
    parents = {
        (each.student_id, each.account_id): each.name
        for each in tx.scalars(visible(tx.principal, links, REQUESTS_ANSWER))
    }
    return [
        Asked(
            each,
            f"{child.given_name} {child.family_name or ''}".strip()
            if child
            else gettext("A child who has left"),
            child.public_id if child and child.id in opened else None,
            parents.get((each.student_id, each.account_id)) or gettext("A parent"),
        )
        for each in requests
        for child in [children.get(each.student_id)]
    ]
