"""Proving again to be the owner of a session, before what reaches far: a browser may have been left open."""

from datetime import timedelta

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.principal import Kind, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import passwords
from backoffice.accounts.models import Account, AccountPassword, AccountSession
from backoffice.accounts.services import signing_in
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.settings import Passwords, Throttles
from backoffice.throttles.tries import trying
from backoffice.throttles.visitor import Visitor

LASTS = timedelta(minutes=10)
WRONG = lazy("This is not your password. Try again.")


class ProofNeeded(Exception):
    """The session is to prove anew whose it is. The web asks for the password, and leads back."""


def demand(tx: Transaction) -> None:
    """Let only a session go on whose owner signed in or typed the password just now. Raises `ProofNeeded`.

    For the service of a far-reaching act, in its transaction, and for the page before it. The system goes on:
    behind a command or a job there is no browser that was left open.
    """
    if tx.principal.kind is Kind.SYSTEM:
        return
    own = AccountSession.id == tx.principal.session_id
    proven = tx.scalar(select(AccountSession.proven_at).where(own))
    if proven is None or clock.now() - proven > LASTS:
        raise ProofNeeded


def prove(
    *, principal: Principal, password: str, visitor: Visitor, cost: Passwords, throttles: Throttles
) -> None:
    """Prove by the password whose session it is. Raises `Rejected` and `Throttled`."""
    check_password(
        principal=principal,
        password=password,
        field="password",
        visitor=visitor,
        cost=cost,
        throttles=throttles,
    )
    with transaction(principal) as tx:
        own = AccountSession.id == tx.principal.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
        record(tx, "accounts.prove", account=tx.principal.account_id)


def check_password(
    *,
    principal: Principal,
    password: str,
    field: str,
    visitor: Visitor,
    cost: Passwords,
    throttles: Throttles,
) -> str:
    """The stored hash of the principal's password, if this is it.

    Raises `Rejected`, for `field`, and `Throttled`: an open browser is no way to guess its owner's password.
    """
    with transaction(principal) as tx:
        account = me(tx)
        mine = AccountPassword.account_id == account.id
        stored = tx.scalar(select(AccountPassword.password_hash).where(mine))
    with trying(*signing_in.guess(account.email_index, visitor, throttles)):
        if not (passwords.verify(password, stored, cost) and stored):
            raise Rejected(**{field: WRONG})
    return stored


def me(tx: Transaction) -> Account:
    """The principal's account."""
    return tx.scalars(select(Account).where(Account.id == tx.principal.account_id)).one()
