"""Reading what invitations name, always through the policy."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from backoffice.access.permissions import TEACHERS_INVITE
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import Classroom
from backoffice.staff.models import Invitation

MOST_CLASSES = 500


def class_names(tx: Transaction, invitations: Collection[Invitation]) -> dict[int, str]:
    """What the classes of invitations are called, by their number."""
    named = select(Classroom.id, Classroom.name).where(
        Classroom.id.in_({each.classroom_id for each in invitations if each.classroom_id})
    )
    return {row.id: row.name for row in tx.execute(visible(tx.principal, named))}


def classes_to_invite_to(tx: Transaction) -> Sequence[Classroom]:
    """The classes into which the principal may invite somebody, as many as can be chosen from."""
    statement = select(Classroom).order_by(Classroom.id).limit(MOST_CLASSES)
    return tx.scalars(visible(tx.principal, statement, TEACHERS_INVITE)).all()
