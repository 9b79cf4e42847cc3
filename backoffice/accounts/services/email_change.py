"""Moving an account to another address: the new one proves itself, and the old one can take it back."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, insert, or_, select

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import mails
from backoffice.accounts.address_models import EmailChange
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.care.models import EventKind
from backoffice.accounts.care.services import events
from backoffice.accounts.kinds import CHANGED, UNOPENED
from backoffice.accounts.models import Account, LetterKind
from backoffice.accounts.services import credentials, letters, proof
from backoffice.accounts.services.signing_in import SignedIn
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.sealed import open_text, seal_text
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher

WRITE = "core.write-email-changes"
LASTS = timedelta(hours=24)
# As `app.take_back_address` has it.
TAKEN_BACK_WITHIN = timedelta(days=7)
SPENT = lazy("This link has been used, or its time is over. Ask for a new one.")


@dataclass(frozen=True)
class Asked:
    """A change that is still to be confirmed."""

    email: str
    digest: bytes


def ask_to_change_email(*, principal: Principal, email: str, visitor: Visitor, throttles: Throttles) -> None:
    """Have a link mailed to a new address, and a notice to the one that the account has.

    The same is done, and takes the same time, whether or not the address has an account. Raises `Rejected`,
    `ProofNeeded`, `Throttled`.
    """
    email, now = checked(email), clock.now()
    index = email_index(email)
    with transaction(principal) as tx:
        proof.demand(tx)
        me = proof.me(tx)
        if index == me.email_index:
            raise Rejected(email=gettext("This is the address that your account has."))
    take(
        Claim("letter by network", throttles.letter_network, visitor.network),
        letters.to_address(index, throttles),
        letters.to_address(me.email_index, throttles),
    )
    with transaction(principal) as tx:
        tx.execute(
            insert(EmailChange).values(
                id=tx.take_id(EmailChange),
                account_id=me.id,
                email=email,
                email_index=index,
                old_email=me.email,
                old_email_index=me.email_index,
                security_epoch=me.security_epoch,
                created_at=now,
                expires_at=now + LASTS,
            )
        )
        letters.ask(tx, LetterKind.ADDRESS_CHANGE, account_id=me.id)
        queue.defer(tx, WRITE)
        record(tx, "accounts.ask-to-change-email", account=me.id)


def asked(tx: Transaction, token: str) -> Asked | None:
    """What a link would confirm to the principal; None if it is dead, or another's."""
    digest = token_digest(token)
    own = select(EmailChange).where(EmailChange.token_digest == digest, *_open(proof.me(tx)))
    found = tx.scalars(own).one_or_none()
    return Asked(found.email, digest) if found else None


def change_email(*, principal: Principal, token: str, sessions: Sessions) -> SignedIn:
    """Sign in with the new address from now on. Every other session and all older links are over.

    Only within the account: an address that was mistyped belongs to somebody, who would have the account.
    Raises `Rejected`.
    """
    with transaction(principal) as tx:
        change = asked(tx, token)
        if change is None:
            raise Rejected.whole(SPENT)
        done = functions.change_address(tx, digest=change.digest, at=clock.now(), email=_sealed(change.email))
        if done is None:
            raise Rejected.whole(SPENT)
        me = proof.me(tx)
        record(tx, "accounts.change-email", account=me.id, change=done)
        queue.defer(tx, WRITE)
        going_on = credentials.renewed(tx, me, sessions)
    # Devices are known by the address; this one is shown to be the owner's.
    return SignedIn(going_on, voucher(ACCOUNT, email_index(change.email).hex()))


def can_be_taken_back(tx: Transaction) -> bool:
    """Whether the principal's account has moved to another address, and the old one still has a link."""
    since = clock.now() - TAKEN_BACK_WITHIN
    moved = select(EmailChange.id).where(EmailChange.account_id == tx.principal.account_id)
    return tx.scalar(moved.where(EmailChange.confirmed_at > since).limit(1)) is not None


def can_take_back(token: str) -> bool:
    """Whether a link that was mailed to an address still gives its account back to it."""
    with transaction(Nobody()) as tx:
        return functions.open_take_back(tx, digest=token_digest(token), at=clock.now()) is not None


def take_back(*, token: str, address: str | None) -> None:
    """Give the account its old address and lock it: only that mailbox opens it again. Raises `Rejected`."""
    digest, now = token_digest(token), clock.now()
    with transaction(Nobody(address)) as tx:
        sealed = functions.open_take_back(tx, digest=digest, at=now)
        if sealed is None:
            raise Rejected.whole(SPENT)
        old = open_text(sealed, context="email_change.old_email")
        account = functions.take_back_address(tx, digest=digest, at=now, email=_sealed(old))
        if account is None:
            raise Rejected.whole(SPENT)
        events.open_event(tx, EventKind.NOT_ME, account)
        record(tx, "accounts.take-back-email", account=account)
        letters.wake(tx)


def write_email_changes(who: Purpose) -> dict[str, int]:
    """Mail new addresses their links, and tell the old ones what was done; how many. Forget what is over."""
    counts = {"asked": 0, "told": 0}
    with transaction(who) as tx:
        forget(tx, UNOPENED)
        forget(tx, CHANGED)
        waiting = or_(
            EmailChange.confirmed_at.is_(None) & EmailChange.token_digest.is_(None),
            EmailChange.confirmed_at.is_not(None) & EmailChange.take_back_digest.is_(None),
        )
        found = select(EmailChange).where(waiting).order_by(EmailChange.id).with_for_update(skip_locked=True)
        for each in tx.scalars(found).all():
            if each.confirmed_at is None:
                counts["asked"] += _ask_new_address(tx, each)
            else:
                _tell_old_address(tx, each)
                counts["told"] += 1
    return counts


def _ask_new_address(tx: Transaction, change: EmailChange) -> bool:
    owner = tx.scalars(select(Account).where(Account.email_index == change.email_index)).one_or_none()
    if owner is not None:
        letters.tell_known(tx, owner, wanted="change")
        tx.delete(change)
        return False
    # The last word counts.
    earlier = (EmailChange.account_id == change.account_id, EmailChange.id < change.id)
    tx.execute(delete(EmailChange).where(*earlier, EmailChange.confirmed_at.is_(None)))
    token = secrets.token_urlsafe(32)
    change.token_digest = token_digest(token)
    account = tx.get_one(Account, change.account_id)
    to = Recipient(account.id, change.email, account.name, account.language)
    post(tx, mails.NEW_ADDRESS, to=to, parameters=mails.Link(token, change.expires_at))
    return True


def _tell_old_address(tx: Transaction, change: EmailChange) -> None:
    token = secrets.token_urlsafe(32)
    change.take_back_digest = token_digest(token)
    account = tx.get_one(Account, change.account_id)
    assert change.confirmed_at is not None
    to = Recipient(account.id, change.old_email, account.name, account.language)
    post(tx, mails.ADDRESS_CHANGED, to=to, parameters=mails.NotMe(change.confirmed_at, token))


def _open(me: Account) -> tuple[ColumnElement[bool], ...]:
    return (
        EmailChange.account_id == me.id,
        EmailChange.confirmed_at.is_(None),
        EmailChange.expires_at > clock.now(),
        EmailChange.security_epoch == me.security_epoch,
    )


def _sealed(email: str) -> bytes:
    return seal_text(email, context="account.email")
