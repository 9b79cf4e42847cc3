"""Who teaches a class with whom: giving a colleague a role, changing it, taking it away, leaving."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, insert, select

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import TEACHERS_READ
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, School, TeachingRole, TeachingRoleName
from backoffice.staff import mails
from backoffice.staff.services.invitations import place_of, room_to_assign
from backoffice.storage import about, functions
from backoffice.storage.sealed import open_text

# What somebody begins as. An owner is made of who is in the class already.
GIVEN = (TeachingRoleName.CO_TEACHER, TeachingRoleName.HELPER)
_ORDER = (TeachingRoleName.OWNER, *GIVEN)

LAST_OWNER = lazy("A class keeps an owner. Make somebody else the owner first.")
ONLY_OWNER = lazy(
    "You are the only owner of this class. Make somebody else the owner first, or archive the class."
)
NO_ROLE = lazy("You have no role in this class.")
NOBODY = lazy("Choose somebody who works at this school and has no role in the class yet.")


@dataclass(frozen=True)
class Member:
    """Somebody who teaches a class."""

    public_id: str
    name: str
    role: TeachingRoleName
    own: bool
    # Whether the class has an owner without them, who can act.
    spare: bool


@dataclass(frozen=True)
class Colleague:
    """Somebody of the school who may be given a role."""

    account_id: int
    public_id: str
    name: str


def members_of(tx: Transaction, classroom: Classroom) -> list[Member]:
    """Who teaches the class, owners first, each by name."""
    rows = tx.execute(
        visible(
            tx.principal,
            select(TeachingRole.role, Account.id, Account.public_id, Account.name)
            .join(Account, Account.id == TeachingRole.account_id)
            .where(TeachingRole.school_id == classroom.school_id, TeachingRole.classroom_id == classroom.id),
            TEACHERS_READ,
        )
    ).all()
    owners = set(functions.owners_seen(tx, school_id=classroom.school_id, classroom_id=classroom.id))
    members = [
        Member(
            row.public_id,
            row.name,
            TeachingRoleName(row.role),
            own=row.id == tx.principal.account_id,
            spare=bool(owners - {row.id}),
        )
        for row in rows
    ]
    return sorted(members, key=lambda each: (_ORDER.index(each.role), names.sort_key(each.name, None)))


def colleagues_for(tx: Transaction, classroom: Classroom) -> list[Colleague]:
    """Who works at the school and has no role in the class, by name; for who may give one."""
    found = functions.colleagues(tx, school_id=classroom.school_id, classroom_id=classroom.id)
    people = [
        Colleague(row.account_id, row.public_id, open_text(row.name, context="account.name") or "")
        for row in found
    ]
    return sorted(people, key=lambda each: names.sort_key(each.name, None))


def give_role(*, principal: Principal, classroom: str, account: str, role: TeachingRoleName) -> None:
    """Make a colleague of the school a co-teacher or a helper of the class; they are told by mail.

    Raises `Rejected`, `NotFound`, `Closed`, `ProofNeeded`.
    """
    if role not in GIVEN:
        raise Rejected(role=gettext("Choose co-teacher or helper."))
    with transaction(principal) as tx:
        proof.demand(tx)
        row = room_to_assign(tx, classroom, lock=True)
        person = next((each for each in colleagues_for(tx, row) if each.public_id == account), None)
        if person is None:
            raise Rejected(account=NOBODY)
        tx.execute(
            insert(TeachingRole).values(
                school_id=row.school_id, classroom_id=row.id, account_id=person.account_id, role=role
            )
        )
        _tell(tx, row, person.account_id, role)
        record(
            tx,
            "classrooms.give-role",
            school_id=row.school_id,
            classroom=row.id,
            account=person.account_id,
            role=role,
        )


def change_role(*, principal: Principal, classroom: str, account: str, role: TeachingRoleName) -> None:
    """Make somebody who teaches the class its owner, co-teacher or helper; they are told by mail.

    Raises `Rejected` where no owner would be left, `NotFound`, `Closed`, `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        row = room_to_assign(tx, classroom, lock=True)
        held = _held(tx, row, _person(tx, row, account))
        if held.role == role:
            return
        _spare(tx, row, held, LAST_OWNER)
        place = {"school_id": row.school_id, "classroom_id": row.id}
        if not functions.change_teaching_role(tx, **place, account_id=held.account_id, role=role):
            raise Rejected.whole(LAST_OWNER)
        if held.account_id != tx.principal.account_id:
            _tell(tx, row, held.account_id, role)
        record(
            tx,
            "classrooms.change-role",
            school_id=row.school_id,
            classroom=row.id,
            account=held.account_id,
            role=role,
        )


def take_role(*, principal: Principal, classroom: str, account: str) -> None:
    """End somebody's role in the class, at once; they are told by mail.

    Who was invited into a personal school is of it no more with the last class there. Raises `Rejected`
    where no owner would be left, `NotFound`, `Closed`, `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        row = room_to_assign(tx, classroom, lock=True)
        held = _held(tx, row, _person(tx, row, account))
        _spare(tx, row, held, LAST_OWNER)
        # While they still are of the class: later they could not be written to.
        if held.account_id != tx.principal.account_id:
            _tell(tx, row, held.account_id, None)
        _end(tx, row, held.account_id, "classrooms.take-role")


def leave_class(*, principal: Principal, classroom: str) -> None:
    """End the own role in a class. Raises `Rejected` for its only owner and who has none, `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=TEACHERS_READ, lock=True)
        me = tx.principal.account_id
        try:
            held = _held(tx, row, me or 0)
        except NotFound:
            raise Rejected.whole(NO_ROLE) from None
        _spare(tx, row, held, ONLY_OWNER)
        _end(tx, row, held.account_id, "classrooms.leave")


def _person(tx: Transaction, classroom: Classroom, account: str) -> int:
    """The number of somebody who teaches the class."""
    statement = (
        select(Account.id)
        .join(TeachingRole, TeachingRole.account_id == Account.id)
        .where(
            Account.public_id == account,
            TeachingRole.school_id == classroom.school_id,
            TeachingRole.classroom_id == classroom.id,
        )
    )
    found = tx.scalar(visible(tx.principal, statement, TEACHERS_READ))
    if found is None:
        raise NotFound
    return found


def _held(tx: Transaction, classroom: Classroom, account_id: int) -> TeachingRole:
    statement = select(TeachingRole).where(*_place(classroom, account_id))
    found = tx.scalars(visible(tx.principal, statement)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _place(classroom: Classroom, account_id: int) -> Sequence[ColumnElement[bool]]:
    return (
        TeachingRole.school_id == classroom.school_id,
        TeachingRole.classroom_id == classroom.id,
        TeachingRole.account_id == account_id,
    )


def _spare(tx: Transaction, classroom: Classroom, held: TeachingRole, sentence: str) -> None:
    """The class has an owner without them. The class is locked, so it stays so."""
    if held.role == TeachingRoleName.OWNER and not functions.has_other_owner(
        tx, school_id=classroom.school_id, classroom_id=classroom.id, account_id=held.account_id
    ):
        raise Rejected.whole(sentence)


def _end(tx: Transaction, classroom: Classroom, account_id: int, verb: str) -> None:
    place = {"school_id": classroom.school_id, "classroom_id": classroom.id}
    if not functions.end_teaching_role(tx, **place, account_id=account_id):
        raise Rejected.whole(LAST_OWNER)
    record(tx, verb, school_id=classroom.school_id, classroom=classroom.id, account=account_id)


def _tell(tx: Transaction, classroom: Classroom, account_id: int, role: TeachingRoleName | None) -> None:
    """Mail somebody what they are in the class from now on, if they read their mail here."""
    person = tx.scalars(visible(tx.principal, select(Account).where(Account.id == account_id))).one()
    if person.status != AccountStatus.ACTIVE:
        return
    school = tx.scalars(visible(tx.principal, select(School).where(School.id == classroom.school_id))).one()
    to = Recipient(person.id, person.email, person.name, person.language)
    by = tx.principal.name or lazy("A colleague")
    who = [tx.principal.account_id] if tx.principal.account_id else []
    names = [*about.marks(about.CLASSROOM, [classroom.id]), *about.marks(about.ACCOUNT, who)]
    if role is None:
        ended = mails.ClassRoleEnded(by, school.name, classroom.name)
        post(tx, mails.CLASS_ROLE_ENDED, to=to, parameters=ended, school_id=school.id, names=names)
    else:
        given = mails.ClassRole(by, school.name, place_of(role, classroom.name), classroom.public_id)
        post(tx, mails.CLASS_ROLE, to=to, parameters=given, school_id=school.id, names=names)
