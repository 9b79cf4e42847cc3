"""The end of somebody's place at a school."""

from dataclasses import dataclass

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import TEACHERS_REMOVE
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.problems import Rejected
from backoffice.schools.models import (
    Classroom,
    Membership,
    School,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.staff import mails
from backoffice.storage import functions


@dataclass(frozen=True)
class Place:
    """What somebody is at one school: the names of the classes owned there, and of how many others."""

    school: School
    owns: list[str]
    teaches: int


def places_of(tx: Transaction, account: Account) -> list[Place]:
    """The places of an account at the schools that the principal may remove people from."""
    schools = set(tx.scalars(select(Membership.school_id).where(Membership.account_id == account.id)))
    schools |= set(tx.scalars(select(TeachingRole.school_id).where(TeachingRole.account_id == account.id)))
    found = tx.scalars(
        visible(
            tx.principal,
            select(School).where(School.id.in_(schools - {None})).order_by(School.id),
            TEACHERS_REMOVE,
        )
    ).all()
    rooms = tx.execute(
        visible(
            tx.principal,
            select(TeachingRole.school_id, TeachingRole.role, Classroom.name)
            .join(
                Classroom,
                (Classroom.school_id == TeachingRole.school_id) & (Classroom.id == TeachingRole.classroom_id),
            )
            .where(TeachingRole.account_id == account.id),
        )
    ).all()
    return [
        Place(
            school,
            sorted(r.name for r in rooms if (r.school_id, r.role) == (school.id, TeachingRoleName.OWNER)),
            sum(r.school_id == school.id and r.role != TeachingRoleName.OWNER for r in rooms),
        )
        for school in found
    ]


def colleagues_at(tx: Transaction, school: School, account: Account) -> list[Account]:
    """Whoever works at the school and can take over somebody's classes."""
    there = select(Membership.account_id).where(
        Membership.school_id == school.id, Membership.suspended_at.is_(None)
    )
    return list(
        tx.scalars(
            visible(
                tx.principal,
                select(Account).where(
                    Account.id.in_(there),
                    Account.status == AccountStatus.ACTIVE,
                    Account.id != account.id,
                    Account.id != tx.principal.account_id,
                ),
                TEACHERS_REMOVE,
            )
        )
    )


def end_membership(*, principal: Principal, account: str, school: str, heir: str | None) -> None:
    """End all that somebody is at a school, at once: roles, open invitations, and every session.

    The classes that they own there pass to `heir`, a colleague, or stay with the school, which is whoever
    ends it. They are told by mail. Raises `Rejected`, `NotFound`, `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        place = find(tx, School, school, permission=TEACHERS_REMOVE)
        person = find(tx, Account, account, permission=TEACHERS_REMOVE)
        if person.id == tx.principal.account_id:
            raise Rejected.whole(gettext("Nobody ends their own place. Ask another leader."))
        if place.id not in {each.school.id for each in places_of(tx, person)}:
            raise NotFound
        follows = None
        if heir:
            follows = next(
                (each.id for each in colleagues_at(tx, place, person) if each.public_id == heir), None
            )
            if follows is None:
                raise Rejected(heir=gettext("Choose somebody who works at this school."))
        if person.status == AccountStatus.ACTIVE:
            # While they still are of the school: later the leader could not write to them.
            to = Recipient(person.id, person.email, person.name, person.language)
            post(tx, mails.PLACE_ENDED, to=to, parameters=mails.PlaceEnded(place.name), school_id=place.id)
        ended = functions.end_place(
            tx, school_id=place.id, account_id=person.id, heir=follows, at=clock.now()
        )
        if ended is None:
            raise Rejected.whole(gettext("This was changed by somebody else meanwhile. Look again."))
        record(
            tx,
            "memberships.end",
            school_id=place.id,
            account=person.id,
            heir=follows,
            classes=ended.classes,
        )
