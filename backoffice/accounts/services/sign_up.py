"""Signing up: an account begins when its mailbox is proved, and not before."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.principal import Nobody, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import mails
from backoffice.accounts.address_models import SignUp
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.kinds import SIGN_UPS
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.places import Place
from backoffice.accounts.services import letters, newcomers
from backoffice.accounts.services.newcomers import checked_name
from backoffice.accounts.services.signing_in import SignedIn
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.spoken import language
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.functions import NewSchool
from backoffice.storage.public_id import new_public_id
from backoffice.storage.sealed import open_text, seal_text
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import Visitor

WRITE = "core.write-sign-ups"
LASTS = timedelta(hours=24)
OVER = lazy("This link is over. Sign in, or sign up once more.")


@dataclass(frozen=True)
class Opened:
    """What somebody wrote who signs up."""

    email: str
    name: str
    place: Place


def ask_to_sign_up(*, name: str, email: str, place: Place, visitor: Visitor, throttles: Throttles) -> None:
    """Have a link mailed by which an account can be made, or what to do if the address has one.

    The same is done, and takes the same time, for any address. Raises `Rejected`, `Throttled`.
    """
    email, name = checked(email), checked_name(name)
    index, now = email_index(email), clock.now()
    site = [Claim("sign-up by site", throttles.sign_up_site, visitor.site)] if visitor.site else []
    take(
        Claim("sign-up by network", throttles.sign_up_network, visitor.network),
        *site,
        letters.to_address(index, throttles),
        Claim("sign-up overall", throttles.sign_up_overall, ""),
    )
    with transaction(Nobody(visitor.address)) as tx:
        tx.execute(
            insert(SignUp).values(
                id=tx.take_id(SignUp),
                email=email,
                email_index=index,
                name=name,
                country=place.country,
                state=place.state,
                time_zone=place.time_zone,
                language=language(),
                created_at=now,
                expires_at=now + LASTS,
            )
        )
        record(tx, "accounts.ask-to-sign-up")
        queue.defer(tx, WRITE)


def opened(token: str) -> Opened | None:
    """What was written down for who has the link; None if the link is dead."""
    with transaction(Nobody()) as tx:
        row = functions.open_sign_up(tx, digest=token_digest(token), at=clock.now())
    if row is None:
        return None
    return Opened(
        email=open_text(row.email, context="sign_up.email"),
        name=open_text(row.name, context="sign_up.name"),
        place=Place(row.country, row.state, row.time_zone),
    )


def sign_up(
    *,
    token: str,
    name: str,
    password: str,
    cost: Passwords,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
) -> SignedIn:
    """Make the account with a school of its own, and sign it in. Raises `Rejected`.

    By however many links and however many people at once: an address has one account.
    """
    # Before the hash, which takes long: a link that opens nothing costs nothing.
    asked = opened(token)
    if asked is None:
        raise Rejected.whole(OVER)
    name = checked_name(name)
    new = newcomers.newcomer(email=asked.email, name=name, password=password, cost=cost)
    called = seal_text(gettext("Classes of %(name)s", name=name), context="school.name")
    school = NewSchool(new_public_id(), called)
    with transaction(Nobody(visitor.address)) as tx:
        made = functions.sign_up(tx, new, school, digest=token_digest(token), at=clock.now())
        if made is None:
            raise Rejected.whole(OVER)
        record(tx, "accounts.sign-up", school_id=made.school_id, account=made.account_id)
        return newcomers.let_in(
            tx,
            account_id=made.account_id,
            security_epoch=made.security_epoch,
            email=asked.email,
            sessions=sessions,
            visitor=visitor,
            device=device,
        )


def write_sign_ups(who: Purpose) -> dict[str, int]:
    """Mail all links that wait, or that there is an account; how many. Forget what nobody finished."""
    counts = {"written": 0, "known": 0}
    with transaction(who) as tx:
        counts["forgotten"] = forget(tx, SIGN_UPS)
        waiting = select(SignUp).where(SignUp.token_digest.is_(None)).order_by(SignUp.id)
        for each in tx.scalars(waiting.with_for_update(skip_locked=True)).all():
            counts["known" if _is_known(tx, each) else "written"] += 1
    return counts


def _is_known(tx: Transaction, asked: SignUp) -> bool:
    """Mail somebody the link, or what to do instead where the address has an account."""
    account = tx.scalars(select(Account).where(Account.email_index == asked.email_index)).one_or_none()
    # A roster's word opens nothing: who proves the mailbox begins as everybody does.
    if account is None or account.status == AccountStatus.NOT_INVITED:
        token = secrets.token_urlsafe(32)
        asked.token_digest = token_digest(token)
        to = Recipient(None, asked.email, asked.name, asked.language)
        post(tx, mails.SIGN_UP, to=to, parameters=mails.Link(token, asked.expires_at))
        return False
    letters.tell_known(tx, account, wanted="sign_up")
    tx.delete(asked)
    return True
