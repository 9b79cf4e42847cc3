"""Reading what invitations name, always through the policy."""

from collections.abc import Collection

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom
from backoffice.staff.models import Invitation


def class_names(tx: Transaction, invitations: Collection[Invitation]) -> dict[int, str]:
    """What the classes of invitations are called, by their number."""
    named = select(Classroom.id, Classroom.name).where(
        Classroom.id.in_({each.classroom_id for each in invitations if each.classroom_id})
    )
    return {row.id: row.name for row in tx.execute(visible(tx.principal, named))}
