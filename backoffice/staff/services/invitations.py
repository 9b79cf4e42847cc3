"""Inviting somebody into a school, and accepting it."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import TEACHERS_ASSIGN, TEACHERS_INVITE, TEACHERS_READ, Permission
from backoffice.access.policy import visible
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import newcomers, proof
from backoffice.accounts.services.newcomers import NOBODY_NAMED, checked_name
from backoffice.accounts.services.signing_in import SignedIn
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record, record_by_school
from backoffice.entitlements import Entitlement, require_room
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Membership, Role, School, TeachingRole
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.staff import mails
from backoffice.staff.kinds import INVITATIONS
from backoffice.staff.models import BESIDE_THE_OWNER, IN_A_CLASS, Invitation, InvitedAs
from backoffice.storage import about, functions
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.storage.sealed import open_text
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher

WRITE = "core.write-invitations"
LASTS = timedelta(days=14)
# Who is any of these in a class need not be invited as the first.
_AS_MUCH = {
    InvitedAs.HELPER: (InvitedAs.HELPER, InvitedAs.CO_TEACHER, InvitedAs.OWNER),
    InvitedAs.CO_TEACHER: (InvitedAs.CO_TEACHER, InvitedAs.OWNER),
    InvitedAs.OWNER: (InvitedAs.OWNER,),
}
OPEN = (Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))

OVER = lazy("This invitation is over. Ask whoever invited you for a new one.")
ASKED_ALREADY = lazy("This address has this invitation already. Send it again from the list.")
THERE_ALREADY = lazy("Whoever has this address has this place already.")


class Standing(StrEnum):
    """What there is of an account for the address of an invitation."""

    NONE = "none"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Opened:
    """What an invitation says to who has its link."""

    school: str
    role: InvitedAs
    classroom: str | None
    inviter: str | None
    email: str
    name: str
    standing: Standing
    # Of the account with this address, in use or not.
    account: str | None

    @property
    def place(self) -> str:
        """What is offered, in words."""
        return place_of(self.role, self.classroom)


def place_of(role: str, classroom: str | None = None) -> str:
    """What a role is called in a sentence: "a co-teacher of 5B Science"."""
    words = {
        InvitedAs.TEACHER: lazy("a teacher"),
        InvitedAs.LEADER: lazy("a leader"),
        InvitedAs.CO_TEACHER: lazy("a co-teacher"),
        InvitedAs.HELPER: lazy("a helper"),
        InvitedAs.OWNER: lazy("the owner"),
    }[InvitedAs(role)]
    return lazy("%(role)s of %(classroom)s", role=words, classroom=classroom) if classroom else words


def invite(
    *,
    principal: Principal,
    school: str,
    email: str,
    name: str,
    role: InvitedAs,
    classroom: str | None,
    throttles: Throttles,
) -> PublicId:
    """Have an invitation mailed. The answer does not tell whether the address has an account elsewhere.

    Raises `Rejected`, `LimitReached`, `NotFound`, `Throttled`, `ProofNeeded`.
    """
    email, name = checked(email), checked_name(name, NOBODY_NAMED)
    if role in IN_A_CLASS and not classroom:
        raise Rejected(classroom=gettext("Choose the class."))
    if classroom and role not in IN_A_CLASS:
        raise Rejected(
            classroom=gettext("Only owners, co-teachers and helpers are invited to a class. Choose none.")
        )
    _pace(email_index(email), throttles)
    with transaction(principal) as tx:
        proof.demand(tx)
        place = find(tx, School, school, permission=TEACHERS_INVITE)
        room = _room(tx, classroom, place.id) if classroom else None
        return _invite(tx, place.id, email=email, name=name, role=role, room=room)


def invite_to_class(
    *, principal: Principal, classroom: str, email: str, name: str, role: InvitedAs, throttles: Throttles
) -> PublicId:
    """Have somebody invited by mail to teach a class with its owner, who asks; the school is theirs as well.

    As to the answer, and what it raises, like `invite`; `Closed`.
    """
    email, name = checked(email), checked_name(name, NOBODY_NAMED)
    if role not in BESIDE_THE_OWNER:
        raise Rejected(role=gettext("Choose co-teacher or helper."))
    _pace(email_index(email), throttles)
    with transaction(principal) as tx:
        proof.demand(tx)
        room = room_to_assign(tx, classroom)
        return _invite(tx, room.school_id, email=email, name=name, role=role, room=room.id)


def room_to_assign(tx: Transaction, classroom: str, *, lock: bool = False) -> Classroom:
    """The class whose teachers the principal chooses, by the policy and by the database.

    Raises `NotFound`, `Closed`.
    """
    room = find(tx, Classroom, classroom, permission=TEACHERS_ASSIGN, lock=lock)
    if not functions.may_assign(tx, school_id=room.school_id, classroom_id=room.id):
        raise NotFound
    return room


def invited_to(tx: Transaction, classroom: Classroom) -> list[Invitation]:
    """The open invitations beside the owner of a class, for who may give roles in it, the oldest first."""
    waiting = select(Invitation).where(
        *OPEN,
        Invitation.school_id == classroom.school_id,
        Invitation.classroom_id == classroom.id,
        Invitation.role.in_(BESIDE_THE_OWNER),
    )
    return list(tx.scalars(visible(tx.principal, waiting.order_by(Invitation.id), TEACHERS_ASSIGN)))


def invite_known(*, principal: Principal, accounts: Collection[str]) -> int:
    """Invite those of these people whom a roster made known and nobody has asked yet; how many.

    As teachers, to each school that the principal leads and the roster put them at. Whoever has such an
    invitation is left alone. All of them or, where a school has not room for its own, nobody. Raises
    `LimitReached`, `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        known = select(Account).where(
            Account.public_id.in_(accounts), Account.status == AccountStatus.NOT_INVITED
        )
        people = {each.id: each for each in tx.scalars(visible(tx.principal, known, TEACHERS_INVITE))}
        places = select(Membership.account_id, Membership.school_id).where(
            Membership.account_id.in_(people), Membership.school_id.in_(tx.principal.led_schools)
        )
        invited = set()
        wanted = sorted(
            {(row.account_id, row.school_id) for row in tx.execute(places) if row.school_id is not None},
            key=str,
        )
        for school in sorted({school_id for _account, school_id in wanted}):
            coming = {people[each].email_index for each, school_id in wanted if school_id == school}
            require_room(
                tx,
                school_id=school,
                entitlement=Entitlement.SEATS,
                wanted=len(coming),
                addresses=coming,
            )
        for account_id, school_id in wanted:
            person = people[account_id]
            made = _add(
                tx,
                school_id=school_id,
                email=person.email,
                name=person.name,
                role=InvitedAs.TEACHER,
                classroom_id=None,
            )
            if made is not None:
                invited.add(account_id)
                record(
                    tx,
                    "invitations.invite",
                    school_id=school_id,
                    invitation=made[0],
                    role=InvitedAs.TEACHER,
                    account=account_id,
                )
        if invited:
            queue.defer(tx, WRITE)
    return len(invited)


def send_again(
    *,
    principal: Principal,
    invitations: Collection[str],
    throttles: Throttles,
    right: Permission = TEACHERS_INVITE,
) -> int:
    """Have new links mailed, for 14 days from now; the old ones are dead at once. How many.

    `right` is by which permission: that over a school, or over one's own classes. Raises `Throttled`.
    """
    with transaction(principal) as tx:
        for index in tx.scalars(
            visible(tx.principal, select(Invitation), right)
            .where(*OPEN, Invitation.public_id.in_(invitations))
            .with_only_columns(Invitation.email_index)
        ):
            _pace(index, throttles)
    with transaction(principal) as tx:
        # Whoever sends it again stands for it from now on.
        me = tx.principal.account_id
        sent = _change(tx, invitations, right, expires_at=clock.now() + LASTS, invited_by=me)
        record_by_school(
            tx, "invitations.send-again", ((each.school_id, {"invitation": each.id}) for each in sent)
        )
        if sent:
            queue.defer(tx, WRITE)
    return len(sent)


def withdraw(*, principal: Principal, invitations: Which, right: Permission = TEACHERS_INVITE) -> int:
    """Withdraw invitations: their links are dead at once. How many were still open. `right`: as above."""
    with transaction(principal) as tx:
        withdrawn = _change(tx, invitations, right, withdrawn_at=clock.now())
        record_by_school(
            tx, "invitations.withdraw", ((each.school_id, {"invitation": each.id}) for each in withdrawn)
        )
    return len(withdrawn)


def opened(token: str) -> Opened | None:
    """What the invitation behind a link says; None if the link is dead."""
    with transaction(Nobody()) as tx:
        row = functions.open_invitation(tx, digest=token_digest(token), at=clock.now())
    if row is None:
        return None
    in_use = row.account_status not in {None, AccountStatus.NOT_INVITED}
    return Opened(
        school=open_text(row.school, context="school.name"),
        role=InvitedAs(row.role),
        classroom=open_text(row.classroom, context="classroom.name"),
        inviter=open_text(row.inviter, context="account.name"),
        email=open_text(row.email, context="invitation.email"),
        name=open_text(row.name, context="invitation.name"),
        standing=Standing.ACCOUNT if in_use else Standing.NONE,
        account=row.account_public_id,
    )


def accept(*, principal: Principal, token: str) -> None:
    """Take the place with the account that is signed in, whose address the invitation must be for.

    Raises `Rejected`. Accepted by two at once, it makes one place.
    """
    with transaction(principal) as tx:
        done = functions.accept_invitation(tx, digest=token_digest(token), at=clock.now())
        if done is None:
            raise Rejected.whole(OVER)
        record(
            tx,
            "invitations.accept",
            school_id=done.school_id,
            invitation=done.invitation_id,
            account=tx.principal.account_id,
        )


def accept_anew(
    *,
    token: str,
    name: str,
    password: str,
    cost: Passwords,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
) -> SignedIn:
    """Take the place with an account that begins here, and sign it in. Raises `Rejected`."""
    # Before the hash, which takes long: a link that opens nothing costs nothing.
    invitation = opened(token)
    if invitation is None or invitation.standing is Standing.ACCOUNT:
        raise Rejected.whole(OVER)
    new = newcomers.newcomer(email=invitation.email, name=checked_name(name), password=password, cost=cost)
    with transaction(Nobody(visitor.address)) as tx:
        done = functions.accept_invitation_anew(tx, new, digest=token_digest(token), at=clock.now())
        if done is None:
            raise Rejected.whole(OVER)
        record(
            tx,
            "invitations.accept",
            school_id=done.school_id,
            invitation=done.invitation_id,
            account=done.account_id,
        )
        return newcomers.let_in(
            tx,
            account_id=done.account_id,
            security_epoch=done.security_epoch,
            email=invitation.email,
            sessions=sessions,
            visitor=visitor,
            device=device,
        )


def write_invitations(who: Purpose) -> dict[str, int]:
    """Mail all invitations that have no link yet; how many. Forget old ones."""
    with transaction(who) as tx:
        waiting = select(Invitation).where(*OPEN, Invitation.token_digest.is_(None))
        found = tx.scalars(waiting.with_for_update(skip_locked=True)).all()
        for invitation in found:
            _write(tx, invitation)
        tx.flush()
        forget(tx, INVITATIONS)
    return {"written": len(found)}


def _write(tx: Transaction, invitation: Invitation) -> None:
    token = secrets.token_urlsafe(32)
    invitation.token_digest = token_digest(token)
    school = tx.get_one(School, invitation.school_id)
    classroom = tx.scalar(
        select(Classroom.name).where(
            Classroom.school_id == invitation.school_id, Classroom.id == invitation.classroom_id
        )
    )
    inviter = tx.scalar(select(Account.name).where(Account.id == invitation.invited_by))
    post(
        tx,
        mails.INVITATION,
        # Whoever has an account is written to like everybody else: the school's list of mails tells nothing.
        to=Recipient(None, invitation.email, invitation.name, school.language),
        parameters=mails.Invited(
            inviter or lazy("A leader"),
            school.name,
            place_of(invitation.role, classroom),
            token,
            invitation.expires_at,
        ),
        school_id=school.id,
        names=_named_by(invitation),
    )


def _named_by(invitation: Invitation) -> list[UUID]:
    rooms = [invitation.classroom_id] if invitation.classroom_id else []
    inviters = [invitation.invited_by] if invitation.invited_by else []
    return [*about.marks(about.CLASSROOM, rooms), *about.marks(about.ACCOUNT, inviters)]


def _pace(index: bytes, throttles: Throttles) -> None:
    """One address is written to so often, whoever asks for it."""
    take(Claim("invitation by address", throttles.letter_address, voucher(ACCOUNT, index.hex())))


def _invite(
    tx: Transaction, school_id: int, *, email: str, name: str, role: InvitedAs, room: int | None
) -> PublicId:
    if _is_there(tx, email_index(email), school_id, role, room):
        raise Rejected(email=THERE_ALREADY)
    require_room(tx, school_id=school_id, entitlement=Entitlement.SEATS, addresses=[email_index(email)])
    made = _add(tx, school_id=school_id, email=email, name=name, role=role, classroom_id=room)
    if made is None:
        raise Rejected(email=ASKED_ALREADY)
    number, public_id = made
    record(tx, "invitations.invite", school_id=school_id, invitation=number, role=role, classroom=room)
    queue.defer(tx, WRITE)
    return public_id


def _room(tx: Transaction, classroom: str, school_id: int) -> int:
    try:
        room = find(tx, Classroom, classroom)
    except NotFound:
        room = None
    if room is None or room.school_id != school_id:
        raise Rejected(classroom=gettext("Choose a class of this school."))
    return room.id


def _is_there(tx: Transaction, index: bytes, school_id: int, role: InvitedAs, room: int | None) -> bool:
    """Whether somebody whom the principal sees anyway has this place. From a roster alone, nobody has."""
    of_address = (Account.email_index == index, Account.status != AccountStatus.NOT_INVITED)
    person = tx.scalar(visible(tx.principal, select(Account.id).where(*of_address), TEACHERS_READ))
    if person is None:
        return False
    if room is not None:
        held = select(func.count()).where(
            TeachingRole.school_id == school_id,
            TeachingRole.classroom_id == room,
            TeachingRole.account_id == person,
            TeachingRole.role.in_(_AS_MUCH[role]),
        )
    else:
        wanted = Role.LEADER if role is InvitedAs.LEADER else Role.TEACHER
        held = select(func.count()).where(
            Membership.school_id == school_id, Membership.account_id == person, Membership.role == wanted
        )
    return bool(tx.scalar(held))


def _add(
    tx: Transaction, *, school_id: int, email: str, name: str, role: InvitedAs, classroom_id: int | None
) -> tuple[int, PublicId] | None:
    """A new invitation; None if there is an open one like it."""
    number, public_id, now = tx.take_id(Invitation), new_public_id(), clock.now()
    try:
        with tx.begin_nested():
            tx.execute(
                insert(Invitation).values(
                    school_id=school_id,
                    id=number,
                    public_id=public_id,
                    email=email,
                    email_index=email_index(email),
                    name=name,
                    role=role,
                    classroom_id=classroom_id,
                    invited_by=tx.principal.account_id,
                    created_at=now,
                    expires_at=now + LASTS,
                )
            )
    except IntegrityError:
        return None
    return number, public_id


def _change(tx: Transaction, invitations: Which, right: Permission, **values: object) -> list[Invitation]:
    """Change open invitations, whose links are dead from then on."""
    numbers = selected(tx, Invitation, invitations, right)
    chosen = visible(tx.principal, select(Invitation), right).where(*OPEN, one_of(Invitation.id, numbers))
    # Locked: one that is being accepted is waited for, and is not open any more then.
    found = list(tx.scalars(chosen.order_by(Invitation.id).with_for_update()))
    tx.execute(
        update(Invitation)
        .where(
            one_of(Invitation.school_id, {each.school_id for each in found}),
            one_of(Invitation.id, {each.id for each in found}),
        )
        .values(token_digest=None, **values)
        .execution_options(synchronize_session=False)
    )
    return found
