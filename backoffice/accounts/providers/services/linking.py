"""Linking an account with somebody at an identity provider, and unlinking it: each a change of credentials.

The provider must have verified the very address of the account. Besides, the owner is signed in and has
proved it just now, or opens a link in that mailbox.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import email_index, normalise_email
from backoffice.accounts.models import Account, AccountPassword, AccountStatus
from backoffice.accounts.providers import mails
from backoffice.accounts.providers.kinds import OFFERS
from backoffice.accounts.providers.models import AccountIdentity, IdentityOffer, IdentityProvider
from backoffice.accounts.providers.protocol import Identity, Provider
from backoffice.accounts.providers.services import directory
from backoffice.accounts.providers.services.arriving import subject_digest
from backoffice.accounts.services import credentials, proof
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions, keyring
from backoffice.storage.sealed import open_text, seal_text
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher

WRITE = "core.write-identity-offers"
# From signing in at the provider until the link is asked for, and from the mail until it is over.
ASKED_WITHIN = timedelta(minutes=10)
LASTS = timedelta(minutes=30)
_OFFER = "offer to link an account"

TOO_LATE = lazy("Too much time has passed. Start again from the sign-in page.")
SPENT = lazy("This link has been used, or its time is over. Ask for a new one.")
ANOTHER_ADDRESS = lazy(
    "That account has another e-mail address than your account here."
    " Choose the one whose address is yours here."
)
ANOTHERS = lazy("That account is linked with another account here. Unlink it there first.")
NO_OTHER_WAY = lazy("You have no password yet, so this is your only way in. Choose one first.")


@dataclass(frozen=True)
class Link:
    """A provider, and what of it is linked with the own account, if anything."""

    provider: Provider
    email: str | None
    linked_at: datetime | None


@dataclass(frozen=True)
class Offered:
    """What a mailed link would link: somebody with this address at the provider of this title."""

    title: str
    email: str


def links(tx: Transaction) -> Sequence[Link]:
    """The providers in use, with what of each is linked with the principal's account."""
    mine = select(AccountIdentity).where(AccountIdentity.account_id == tx.principal.account_id)
    linked = {each.provider_id: each for each in tx.scalars(mine)}
    return [
        Link(each, linked[each.id].email, linked[each.id].linked_at)
        if each.id in linked
        else Link(each, None, None)
        for each in directory.in_use(tx)
    ]


def link(*, principal: Principal, identity: Identity, sessions: Sessions) -> str:
    """Link the principal's account. The session goes on as a new row, whose token this returns.

    Raises `Rejected` and `ProofNeeded`.
    """
    email, now = normalise_email(identity.email), clock.now()
    try:
        with transaction(principal) as tx:
            proof.demand(tx)
            me = proof.me(tx)
            if email_index(email) != me.email_index:
                raise Rejected.whole(ANOTHER_ADDRESS)
            new = {
                "subject_digest": subject_digest(identity),
                "email": email,
                "email_verified_at": now,
                "linked_at": now,
            }
            row = upsert(AccountIdentity).values(
                id=tx.take_id(AccountIdentity), account_id=me.id, provider_id=identity.provider.id, **new
            )
            tx.execute(row.on_conflict_do_update(index_elements=["account_id", "provider_id"], set_=new))
            _tell(tx, me, identity.provider.title, linked=True)
            record(tx, "accounts.link-identity", account=me.id, provider=identity.provider.name)
            return credentials.renewed(tx, me, sessions)
    except IntegrityError:
        raise Rejected.whole(ANOTHERS) from None


def unlink(*, principal: Principal, provider: str, sessions: Sessions) -> str | None:
    """Unlink the principal's account; the token with which the session goes on, None if it was not linked.

    Raises `Rejected`, `NotFound` and `ProofNeeded`.
    """
    known = directory.one(provider)
    with transaction(principal) as tx:
        proof.demand(tx)
        me = proof.me(tx)
        if tx.scalar(select(AccountPassword.set_at).where(AccountPassword.account_id == me.id)) is None:
            raise Rejected.whole(NO_OTHER_WAY)
        if not functions.forget_identity(tx, provider_id=known.id):
            return None
        _tell(tx, me, known.title, linked=False)
        record(tx, "accounts.unlink-identity", account=me.id, provider=known.name)
        return credentials.renewed(tx, me, sessions)


# ------------------------------------------------------------------------------------------ by the mailbox


def offer(identity: Identity) -> str:
    """The sealed word with which a browser may ask, for some minutes, to have a link mailed."""
    until = (clock.now() + ASKED_WITHIN).timestamp()
    said = [identity.provider.id, subject_digest(identity).hex(), normalise_email(identity.email), until]
    return keyring.current().seal(json.dumps(said).encode(), context=_OFFER).hex()


def ask_for_link(*, word: str, visitor: Visitor, throttles: Throttles) -> None:
    """Have a link mailed to the verified address of an identity, if an account has that address.

    The same is done, and takes the same time, for any address. Raises `Rejected` and `Throttled`.
    """
    try:
        said = json.loads(keyring.current().open(bytes.fromhex(word), context=_OFFER))
    except (ValueError, keyring.KeyringError):
        raise Rejected.whole(TOO_LATE) from None
    provider_id, digest, email, until = said
    now = clock.now()
    if until < now.timestamp():
        raise Rejected.whole(TOO_LATE)
    index = email_index(email)
    take(
        Claim("letter by network", throttles.letter_network, visitor.network),
        Claim("letter by address", throttles.letter_address, voucher(ACCOUNT, index.hex())),
    )
    with transaction(Nobody(visitor.address)) as tx:
        tx.execute(
            insert(IdentityOffer).values(
                id=tx.take_id(IdentityOffer),
                provider_id=provider_id,
                subject_digest=bytes.fromhex(digest),
                email=email,
                email_index=index,
                created_at=now,
            )
        )
        record(tx, "accounts.ask-to-link")
        queue.defer(tx, WRITE)


def offered(token: str) -> Offered | None:
    """What a mailed link would link; None if it opens nothing any more."""
    with transaction(Nobody()) as tx:
        row = functions.open_identity_offer(tx, digest=token_digest(token), at=clock.now())
    return None if row is None else Offered(row.title, _opened(row.email))


def accept(*, token: str, address: str | None) -> str:
    """Link an account by a mailed link; the provider's title. Its sessions are over. Raises `Rejected`."""
    with transaction(Nobody(address)) as tx:
        now, digest = clock.now(), token_digest(token)
        row = functions.open_identity_offer(tx, digest=digest, at=now)
        if row is None:
            raise Rejected.whole(SPENT)
        # What stands in another column is sealed for that.
        email = seal_text(_opened(row.email), context="account_identity.email")
        account = functions.accept_identity_offer(tx, digest=digest, at=now, email=email)
        if account is None:
            raise Rejected.whole(SPENT)
        record(tx, "accounts.link-identity", account=account)
        queue.defer(tx, WRITE)
    title: str = row.title
    return title


def write_offers(who: Purpose) -> dict[str, int]:
    """Mail the links that wait, and tell owners whose links were used; how many. Forget old ones."""
    counts = {"written": 0, "for nobody": 0, "told": 0}
    with transaction(who) as tx:
        waits = or_(
            IdentityOffer.account_id.is_(None),
            IdentityOffer.used_at.is_not(None) & IdentityOffer.told_at.is_(None),
        )
        for each in tx.scalars(select(IdentityOffer).where(waits).with_for_update(skip_locked=True)).all():
            counts[_told(tx, each) if each.used_at else _written(tx, each)] += 1
        forget(tx, OFFERS)
    return counts


def _written(tx: Transaction, waiting: IdentityOffer) -> str:
    account = tx.scalars(select(Account).where(Account.email_index == waiting.email_index)).one_or_none()
    if account is None or account.status != AccountStatus.ACTIVE:
        tx.delete(waiting)
        return "for nobody"
    token, until = secrets.token_urlsafe(32), clock.now() + LASTS
    waiting.account_id, waiting.security_epoch = account.id, account.security_epoch
    waiting.token_digest, waiting.expires_at = token_digest(token), until
    to = Recipient(account.id, account.email, account.name, account.language)
    parameters = mails.Offer(_title(tx, waiting), token, until)
    post(tx, mails.IDENTITY_OFFER, to=to, parameters=parameters)
    return "written"


def _told(tx: Transaction, used: IdentityOffer) -> str:
    account = tx.get_one(Account, used.account_id)
    _tell(tx, account, _title(tx, used), linked=True)
    tx.execute(update(IdentityOffer).where(IdentityOffer.id == used.id).values(told_at=clock.now()))
    return "told"


def _title(tx: Transaction, of: IdentityOffer) -> str:
    return tx.get_one(IdentityProvider, of.provider_id).title


def _tell(tx: Transaction, account: Account, title: str, *, linked: bool) -> None:
    to = Recipient(account.id, account.email, account.name, account.language)
    post(tx, mails.IDENTITY_CHANGED, to=to, parameters=mails.Changed(title, linked, clock.now()))


def _opened(sealed: bytes) -> str:
    return open_text(sealed, context="identity_offer.email")
