"""By whom the codes and cards were given out with which children came in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_, select, union

from backoffice.access.transaction import Transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.schools.models import ClassroomCode, Membership, Role, School, TeachingRole, TeachingRoleName
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession

# Who does one of these for a class gives it codes or cards; the services ask for the right to.
VERBS = (
    *("classrooms.create", "classrooms.restore", "classrooms.renew-code", "classrooms.lesson-code"),
    *("classrooms.import", "cards.issue", "school-years.begin"),
)
# The entry is written in the same transaction.
SAME_TIME = timedelta(minutes=1)


@dataclass(frozen=True)
class Issuers:
    """How many codes and cards were given out by somebody who is no teacher of the class and never was one.

    `nobodys` are those of which no account is noted: it is erased, or an import made the class.
    """

    strangers: int
    nobodys: int


def issuers(tx: Transaction, since: datetime) -> Issuers:
    """Of the codes and cards of all sessions since a moment.

    Who teaches or leads now may have given out what there is. Of anybody else the trail must tell that they
    did, for it is written only where the policy let them.
    """
    codes = _used(ClassroomCode, StudentSession.code_id, since)
    rows = tx.execute(union(codes, _used(StudentCard, StudentSession.card_id, since))).all()
    unexplained = [row for row in rows if row.issued_by is not None and not row.explained]
    strangers = sum(not _in_trail(tx, row) for row in unexplained)
    return Issuers(strangers, sum(row.issued_by is None for row in rows))


def _used(entity: Any, number: Any, since: datetime) -> Select[Any]:
    teaches = select(TeachingRole.account_id).where(
        TeachingRole.school_id == entity.school_id,
        TeachingRole.classroom_id == entity.classroom_id,
        TeachingRole.account_id == entity.issued_by,
        TeachingRole.role != TeachingRoleName.HELPER,
    )
    leads = (
        select(Membership.account_id)
        .join(
            School,
            or_(School.id == Membership.school_id, School.district_id == Membership.district_id),
        )
        .where(
            School.id == entity.school_id,
            Membership.account_id == entity.issued_by,
            Membership.role == Role.LEADER,
        )
    )
    return (
        select(
            entity.school_id,
            entity.classroom_id,
            entity.issued_by,
            entity.issued_at,
            or_(teaches.exists(), leads.exists()).label("explained"),
        )
        .join(StudentSession, and_(StudentSession.school_id == entity.school_id, number == entity.id))
        .where(StudentSession.started_at > since)
        .distinct()
    )


def _in_trail(tx: Transaction, row: Any) -> bool:
    """Whether the trail has it; what it has forgotten by now, it has had."""
    then = (row.issued_at - SAME_TIME, row.issued_at + SAME_TIME)
    its_own = and_(
        AuditDetail.entry_id == AuditEntry.id, AuditDetail.at == AuditEntry.at, AuditDetail.at.between(*then)
    )
    entries = tx.execute(
        select(AuditEntry.id, AuditDetail.detail)
        .outerjoin(AuditDetail, its_own)
        .where(
            AuditEntry.school_id == row.school_id,
            AuditEntry.verb.in_(VERBS),
            AuditEntry.at.between(*then),
        )
    )
    return any(each.detail is None or _did(each.detail, row) for each in entries)


def _did(detail: dict[str, Any], row: Any) -> bool:
    rooms: Iterable[Any] = (detail.get("classroom"), *detail.get("made", ()))
    return detail["actor"].get("account") == row.issued_by and row.classroom_id in rooms
