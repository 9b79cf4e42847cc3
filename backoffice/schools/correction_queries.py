"""Who wrote a student's name as it is."""

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.seen import Changed
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Student
from backoffice.schools.queries import names_of
from backoffice.schools.roster_models import ChangedHow, RosterChange, RosterChangeStudent


def corrected_by(tx: Transaction, student: Student) -> Changed | None:
    """Who corrected the name last and when, while a class's last change still says so."""
    found = tx.execute(
        visible(
            tx.principal,
            select(RosterChange, RosterChangeStudent.names)
            .join(
                RosterChangeStudent,
                (RosterChangeStudent.school_id == RosterChange.school_id)
                & (RosterChangeStudent.classroom_id == RosterChange.classroom_id),
            )
            .where(
                RosterChangeStudent.school_id == student.school_id,
                RosterChangeStudent.student_id == student.id,
                RosterChangeStudent.how == ChangedHow.RENAMED,
            )
            .order_by(RosterChange.at.desc())
            .limit(1),
        )
    ).first()
    # Corrected again since where no class was named: this one says nothing of that.
    if found is None or (found.names or {}).get("after") != [student.given_name, student.family_name]:
        return None
    change: RosterChange = found[0]
    own = change.by is not None and change.by == tx.principal.account_id
    name = names_of(tx, {change.by}).get(change.by) if change.by is not None else None
    return Changed(name, change.at, own)
