"""Closing the own account. Nobody gets in any more; erasing what it holds is another step."""

from dataclasses import dataclass

from sqlalchemy import select

from backoffice import clock
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import mails
from backoffice.accounts.services import proof, sessions
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, School, SchoolKind
from backoffice.storage import functions

WORD = "close"
REFUSED = {
    "last_founder": lazy("You are the only founder. Make somebody else a founder first."),
    "last_leader": lazy("You are the only leader of a school or district. Invite another leader first."),
    "ended": lazy("Your account is closed already."),
}


@dataclass(frozen=True)
class Preview:
    """What closing the account closes with it, and what stays with the schools."""

    classes: list[str]
    students: int
    sessions: int
    schools: list[str]
    classes_that_stay: int


def preview(tx: Transaction) -> Preview:
    """What would happen if the principal closed the account now. Raises `ProofNeeded`."""
    proof.demand(tx)
    own = select(Classroom.name, School.kind).join(School, School.id == Classroom.school_id)
    owned = tx.execute(visible(tx.principal, own.where(Classroom.id.in_(tx.principal.owned)))).all()
    places = select(School).where(
        School.id.in_(tx.principal.member_schools | tx.principal.officer_schools),
        School.kind != SchoolKind.PERSONAL,
    )
    return Preview(
        classes=sorted(row.name for row in owned if row.kind == SchoolKind.PERSONAL),
        students=functions.students_of_nobody_else(tx),
        sessions=len(sessions.live_sessions(tx)),
        schools=sorted(each.name for each in tx.scalars(visible(tx.principal, places))),
        classes_that_stay=sum(row.kind != SchoolKind.PERSONAL for row in owned),
    )


def deactivate(*, principal: Principal, word: str) -> None:
    """Close the account: every session and link is over, and so are the codes of a school of its own.

    Nobody signs in to it again. Raises `Rejected`, `ProofNeeded`.
    """
    if word.strip().casefold() != WORD:
        raise Rejected(word=gettext("The word is: %(word)s", word=WORD))
    now = clock.now()
    with transaction(principal) as tx:
        proof.demand(tx)
        me = proof.me(tx)
        # Before: whoever is closed is nobody's to write to.
        to = Recipient(me.id, me.email, me.name, me.language)
        post(tx, mails.ACCOUNT_CLOSED, to=to, parameters=mails.Happened(now))
        done = functions.deactivate(tx, at=now)
        if done != "done":
            raise Rejected.whole(REFUSED[done])
        record(tx, "accounts.deactivate", account=me.id)
