"""Changing what an account signs in with. Each change ends every other session, and the owner is told."""

import secrets

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import passwords
from backoffice.accounts.addresses import email_index, normalise_email
from backoffice.accounts.care.models import EventKind
from backoffice.accounts.care.services import events
from backoffice.accounts.models import Account, AccountPassword, AccountSession, LetterKind, LinkPurpose
from backoffice.accounts.services import letters, proof, signing_in
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import functions, keyring
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher

SPENT = lazy("This link has been used, or its time is over. Ask for a new one.")


def own_address(tx: Transaction) -> str:
    """The address that the principal signs in with."""
    return proof.me(tx).email


def ask_to_reset(*, email: str, visitor: Visitor, throttles: Throttles) -> None:
    """Have a link to choose a new password mailed to whoever has the address, if anybody has.

    The same is done, and takes the same time, for any address. Raises `Throttled`.
    """
    index = email_index(normalise_email(email))
    take(
        Claim("letter by network", throttles.letter_network, visitor.network),
        # Apart from every other mail: whoever has those used up must not keep the owner out.
        Claim("reset by address", throttles.letter_address, voucher(ACCOUNT, index.hex())),
    )
    with transaction(Nobody(visitor.address)) as tx:
        letters.ask(tx, LetterKind.RESET, email_index=index)
        record(tx, "accounts.ask-to-reset")


def link_opens(*, purpose: LinkPurpose, token: str) -> bool:
    """Whether a link that was mailed still opens what it is for."""
    with transaction(Nobody()) as tx:
        found = functions.open_account_link(tx, purpose=purpose, digest=token_digest(token), at=clock.now())
    return found is not None


def reset_password(*, token: str, password: str, cost: Passwords, address: str | None) -> None:
    """Set a new password by a link. All sessions are over; a lock of the owner's is undone.

    Raises `Rejected`.
    """
    # Before the hash, which takes long: a link that opens nothing costs nothing.
    if not link_opens(purpose=LinkPurpose.RESET, token=token):
        raise Rejected.whole(SPENT)
    if problem := passwords.problem_of(password):
        raise Rejected(password=problem)
    hashed = passwords.hash_password(password, cost)
    with transaction(Nobody(address)) as tx:
        account = functions.reset_password(
            tx, digest=token_digest(token), at=clock.now(), password_hash=hashed
        )
        if account is None:
            raise Rejected.whole(SPENT)
        record(tx, "accounts.reset-password", account=account)
        letters.wake(tx)


def lock_account(*, token: str, address: str | None) -> None:
    """Lock an account by the link of a mail about what its owner may not have done: all are out at once.

    Factors and links that were added since are gone, an address that was moved is back. Raises `Rejected`.
    """
    digest, now, ring = token_digest(token), clock.now(), keyring.current()
    with transaction(Nobody(address)) as tx:
        moved = functions.address_before(tx, digest=digest, at=now)
        before = ring.open(moved, context="email_change.old_email") if moved else None
        old = ring.seal(before, context="account.email") if before else None
        account = functions.lock_account(tx, digest=digest, at=now, email=old)
        if account is None:
            raise Rejected.whole(SPENT)
        events.open_event(tx, EventKind.NOT_ME, account)
        record(tx, "accounts.lock", account=account)
        letters.wake(tx)


def change_password(
    *,
    principal: Principal,
    current: str,
    new: str,
    visitor: Visitor,
    cost: Passwords,
    sessions: Sessions,
    throttles: Throttles,
) -> str:
    """Change the own password. The session goes on as a new row, whose token this returns.

    Raises `Rejected` and `Throttled`.
    """
    stored = proof.check_password(
        principal=principal,
        password=current,
        field="current",
        visitor=visitor,
        cost=cost,
        throttles=throttles,
    )
    with transaction(principal) as tx:
        me = proof.me(tx)
    if problem := passwords.problem_of(new, me.name, me.email):
        raise Rejected(password=problem)
    hashed = passwords.hash_password(new, cost)
    with transaction(principal) as tx:
        unchanged = (AccountPassword.account_id == me.id, AccountPassword.password_hash == stored)
        change = update(AccountPassword).where(*unchanged)
        now = clock.now()
        if not tx.execute(change.values(password_hash=hashed, set_at=now)).rowcount:  # type: ignore[attr-defined]
            raise Rejected.whole(gettext("The password was changed elsewhere meanwhile."))
        letters.ask(tx, LetterKind.PASSWORD_CHANGED, account_id=me.id)
        record(tx, "accounts.change-password", account=me.id)
        return renewed(tx, me, sessions)


def renewed(tx: Transaction, me: Account, sessions: Sessions) -> str:
    """End all sessions of the account by raising its epoch, and go on in a new one like this one."""
    own = tx.scalars(select(AccountSession).where(AccountSession.id == tx.principal.session_id)).one()
    epoch = tx.scalar(
        update(Account)
        .where(Account.id == me.id)
        .values(security_epoch=Account.security_epoch + 1)
        .returning(Account.security_epoch)
    )
    assert epoch is not None
    token = secrets.token_urlsafe(32)
    begun = signing_in.begin(
        tx,
        account_id=me.id,
        security_epoch=epoch,
        token=token,
        idle_minutes=own.idle_minutes,
        until=sessions.span(sessions.account_absolute),
        address=own.address,
        device=own.device,
    )
    # Going on proves nothing: otherwise a browser that was left open could stay fresh for ever.
    going_on = update(AccountSession).where(AccountSession.id == begun)
    tx.execute(going_on.values(proven_at=own.proven_at, came_by=own.came_by, came_from=own.came_from))
    tx.execute(update(AccountSession).where(AccountSession.id == own.id).values(ended_at=clock.now()))
    return token
