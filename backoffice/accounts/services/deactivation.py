"""Closing the own account, with which its erasure begins: nobody gets in any more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.accounts.services import proof, sessions
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import IN_CHARGE, Classroom, School, SchoolKind, TeachingRole
from backoffice.storage import functions

REFUSED = {
    "last_founder": lazy("You are the only founder. Make somebody else a founder first."),
    "last_leader": lazy("You are the only leader of a school or district. Invite another leader first."),
    "ended": lazy("Your account is closed already."),
}


@dataclass(frozen=True)
class Preview:
    """What goes with the account, what passes to a colleague, and what stays with the schools."""

    classes: list[str]
    passed_on: list[str]
    students: int
    sessions: int
    schools: list[str]
    classes_that_stay: int


def preview(tx: Transaction) -> Preview:
    """What would happen if the principal closed the account now. Raises `ProofNeeded`."""
    proof.demand(tx)
    own = select(Classroom.id, Classroom.name, School.kind).join(School, School.id == Classroom.school_id)
    owned = tx.execute(visible(tx.principal, own.where(Classroom.id.in_(tx.principal.owned)))).all()
    shared = set(
        tx.scalars(
            visible(tx.principal, select(TeachingRole))
            .with_only_columns(TeachingRole.classroom_id)
            .where(
                TeachingRole.account_id != tx.principal.account_id,
                TeachingRole.role.in_(IN_CHARGE),
            )
        )
    )
    alone = [row for row in owned if row.kind == SchoolKind.PERSONAL]
    places = select(School).where(
        School.id.in_(tx.principal.member_schools | tx.principal.officer_schools),
        School.kind != SchoolKind.PERSONAL,
    )
    return Preview(
        classes=sorted(row.name for row in alone if row.id not in shared),
        passed_on=sorted(row.name for row in alone if row.id in shared),
        students=functions.students_of_nobody_else(tx),
        sessions=len(sessions.live_sessions(tx)),
        schools=sorted(each.name for each in tx.scalars(visible(tx.principal, places))),
        classes_that_stay=sum(row.kind != SchoolKind.PERSONAL for row in owned),
    )


def close(tx: Transaction, *, at: datetime) -> None:
    """Close the principal's account: every session and link is over, as are the codes of a school of its own.

    Nobody signs in to it again. Raises `Rejected` for the last founder, and the last leader of a place.
    """
    done = functions.deactivate(tx, at=at)
    if done != "done":
        raise Rejected.whole(REFUSED[done])
