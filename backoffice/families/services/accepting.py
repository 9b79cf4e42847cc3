"""What a parent does with an invitation: look, give an address, ask to follow the child."""

from dataclasses import dataclass
from enum import StrEnum

from backoffice import clock
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.models import AccountStatus
from backoffice.accounts.services import newcomers
from backoffice.accounts.services.newcomers import checked_name
from backoffice.accounts.services.signing_in import SignedIn
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.families import codes
from backoffice.families.services.invitations import WRITE, pace
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from backoffice.storage.sealed import open_text, seal_text
from backoffice.throttles.tries import Claim, take, trying
from backoffice.throttles.visitor import Visitor

OVER = lazy("This invitation is over. Ask your child's teacher for a new one.")
NOT_OPEN = lazy("This code opens nothing. Look at it again, or ask your child's teacher for a new letter.")


class Standing(StrEnum):
    """What there is of an account for the address of an invitation."""

    NONE = "none"
    ACCOUNT = "account"
    # From a roster, not in use: only its school opens it.
    UNOPENED = "unopened"


@dataclass(frozen=True)
class Opened:
    """What an invitation says to who has its link, or its letter, which is for no address in particular."""

    school: str
    child: str
    inviter: str | None
    email: str | None
    name: str | None
    standing: Standing
    account: str | None


def opened(token: str) -> Opened | None:
    """What the invitation behind a mailed link says; None if the link is dead."""
    return _opened(token_digest(token), None)


def opened_by_code(*, code: str, visitor: Visitor, throttles: Throttles) -> Opened:
    """What the letter with this code says. Raises `Rejected`, `Throttled`."""
    with trying(*_guess(visitor, throttles)):
        found = _opened(codes.digest(code), visitor.address)
        if found is None:
            raise Rejected(code=NOT_OPEN)
    return found


def give_address(*, code: str, email: str, name: str, visitor: Visitor, throttles: Throttles) -> None:
    """Have the link of a letter mailed to the address that its holder gives; the one before is dead.

    The answer is the same for every address. Raises `Rejected`, `Throttled`.
    """
    email, name = checked(email), checked_name(name)
    with trying(*_guess(visitor, throttles)):
        if _opened(codes.digest(code), visitor.address) is None:
            raise Rejected(code=NOT_OPEN)
    take(Claim("letter by network", throttles.letter_network, visitor.network))
    pace(email_index(email), throttles)
    with transaction(Nobody(visitor.address)) as tx:
        done = functions.address_guardian_letter(
            tx,
            digest=codes.digest(code),
            at=clock.now(),
            email=seal_text(email, context="guardian_invitation.email"),
            email_index=email_index(email),
            name=seal_text(name, context="guardian_invitation.name"),
        )
        if done is None:
            raise Rejected(code=NOT_OPEN)
        record(tx, "guardians.give-address", school_id=done.school_id, invitation=done.invitation_id)
        queue.defer(tx, WRITE)


def accept(*, principal: Principal, token: str) -> None:
    """Ask to follow the child with the account that is signed in, whose address the invitation must be for.

    Raises `Rejected`. Accepted by two at once, it makes one link.
    """
    _accept(principal, token_digest(token))


def accept_by_code(*, principal: Principal, code: str, visitor: Visitor, throttles: Throttles) -> None:
    """Ask to follow the child with a letter and the account that is signed in.

    Raises `Rejected`, `Throttled`.
    """
    with trying(*_guess(visitor, throttles)):
        _accept(principal, codes.digest(code))


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
    """Ask to follow the child with an account that begins here, and sign it in. Raises `Rejected`."""
    # Before the hash, which takes long: a link that opens nothing costs nothing.
    invitation = opened(token)
    if invitation is None or invitation.email is None or invitation.standing is not Standing.NONE:
        raise Rejected.whole(OVER)
    name = checked_name(name)
    new = newcomers.newcomer(email=invitation.email, name=name, password=password, cost=cost)
    with transaction(Nobody(visitor.address)) as tx:
        done = functions.accept_guardian_invitation_anew(
            tx,
            new,
            digest=token_digest(token),
            at=clock.now(),
            name=seal_text(name, context="guardian_link.name"),
            public_id=new_public_id(),
        )
        if done is None:
            raise Rejected.whole(OVER)
        _note(tx, done.school_id, done.invitation_id, done.account_id)
        return newcomers.let_in(
            tx,
            account_id=done.account_id,
            security_epoch=done.security_epoch,
            email=invitation.email,
            sessions=sessions,
            visitor=visitor,
            device=device,
        )


def _accept(principal: Principal, digest: bytes) -> None:
    with transaction(principal) as tx:
        done = functions.accept_guardian_invitation(
            tx,
            digest=digest,
            at=clock.now(),
            name=seal_text(tx.principal.name or "", context="guardian_link.name"),
            public_id=new_public_id(),
        )
        if done is None:
            raise Rejected.whole(OVER)
        _note(tx, done.school_id, done.invitation_id, tx.principal.account_id)


def _note(tx: Transaction, school_id: int, invitation: int, account: int | None) -> None:
    record(tx, "guardians.accept", school_id=school_id, invitation=invitation, account=account)
    queue.defer(tx, WRITE)


def _opened(digest: bytes, address: str | None) -> Opened | None:
    with transaction(Nobody(address)) as tx:
        row = functions.open_guardian_invitation(tx, digest=digest, at=clock.now())
    if row is None:
        return None
    standing = {None: Standing.NONE, AccountStatus.NOT_INVITED: Standing.UNOPENED}
    return Opened(
        school=open_text(row.school, context="school.name") or "",
        child=open_text(row.given_name, context="student.given_name") or "",
        inviter=open_text(row.inviter, context="account.name"),
        email=open_text(row.email, context="guardian_invitation.email"),
        name=open_text(row.name, context="guardian_invitation.name"),
        standing=standing.get(row.account_status, Standing.ACCOUNT),
        account=row.account_public_id,
    )


def _guess(visitor: Visitor, throttles: Throttles) -> tuple[Claim, ...]:
    """What a guess at the code of a letter takes, as much as one at a class's code."""
    site = [Claim("letter code by site", throttles.code_site, visitor.site)] if visitor.site else []
    return (
        Claim("letter code by network", throttles.code_network, visitor.network),
        *site,
        Claim("letter code overall", throttles.code_overall, ""),
    )
