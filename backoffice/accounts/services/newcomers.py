"""An account that begins: by signing up, or by an invitation that is accepted with a new one."""

import secrets

from backoffice.access.transaction import Transaction
from backoffice.accounts import passwords
from backoffice.accounts.addresses import email_index
from backoffice.accounts.services import signing_in
from backoffice.accounts.services.signing_in import SignedIn
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.settings import Passwords, Sessions
from backoffice.storage.functions import NewcomerAccount
from backoffice.storage.public_id import new_public_id
from backoffice.storage.sealed import seal_text
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher
from backoffice.wording import clean

LONGEST_NAME = 80
NAMELESS = lazy("Write your name.")
NOBODY_NAMED = lazy("Write a name.")


def checked_name(name: str, missing: str = NAMELESS) -> str:
    """A person's name as it is kept. Raises `Rejected`."""
    name = clean(name)
    if not name:
        raise Rejected(name=missing)
    if len(name) > LONGEST_NAME:
        raise Rejected(name=gettext("Shorten the name to %(most)s letters.", most=LONGEST_NAME))
    return name


def newcomer(*, email: str, name: str, password: str, cost: Passwords) -> NewcomerAccount:
    """An account to be, with a checked name, sealed and hashed. Raises `Rejected` for its password."""
    if problem := passwords.problem_of(password, name, email):
        raise Rejected(password=problem)
    return NewcomerAccount(
        public_id=new_public_id(),
        email=seal_text(email, context="account.email"),
        name=seal_text(name, context="account.name"),
        password_hash=passwords.hash_password(password, cost),
    )


def let_in(
    tx: Transaction,
    *,
    account_id: int,
    security_epoch: int,
    email: str,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
) -> SignedIn:
    """Begin the first session of an account, in the transaction that has made it."""
    token = secrets.token_urlsafe(32)
    session = signing_in.begin(
        tx,
        account_id=account_id,
        security_epoch=security_epoch,
        token=token,
        idle_minutes=sessions.account_idle,
        until=sessions.span(sessions.account_absolute),
        address=visitor.address,
        device=device,
    )
    record(tx, "accounts.sign-in", account=account_id, session=session)
    return SignedIn(token, voucher(ACCOUNT, email_index(email).hex()))
