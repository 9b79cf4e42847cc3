"""What a class has from the school's own system, whose rosters come in as files."""

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom, Enrollment, TeachingRole

# The origin of a place or a role that a roster gave.
ROSTER = "roster"


def comes_from_source(tx: Transaction, classroom: Classroom) -> bool:
    """Whether a roster has put somebody into the class, as far as the principal may see it."""
    here = {"school_id": classroom.school_id, "classroom_id": classroom.id}
    taught = select(TeachingRole.account_id).filter_by(**here).where(TeachingRole.origin == ROSTER)
    seated = select(Enrollment.student_id).filter_by(**here).where(Enrollment.in_source.is_(True))
    return any(
        tx.scalar(visible(tx.principal, statement.limit(1))) is not None for statement in (taught, seated)
    )


def has_source(tx: Transaction, school_id: int) -> bool:
    """Whether a roster has put children into a class of the school that is not archived."""
    statement = (
        select(Enrollment.student_id)
        .join(
            Classroom,
            (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
        )
        .where(
            Enrollment.school_id == school_id, Enrollment.in_source.is_(True), Classroom.archived_at.is_(None)
        )
        .limit(1)
    )
    return tx.scalar(visible(tx.principal, statement)) is not None
