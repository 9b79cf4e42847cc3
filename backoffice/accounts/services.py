"""Making accounts, signing in and out."""

import re
import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import AccountToken, Nobody, Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts import passwords
from backoffice.accounts.models import Account, AccountPassword, AccountSession, AccountStatus
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import functions, keyring
from backoffice.storage.functions import NewAccountSession
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.throttles.tries import Claim, trying
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher
from backoffice.wording import clean

# The same words for a wrong address, a wrong password and a suspended account.
REFUSED = "The e-mail address and the password do not match. Try again."
LONGEST_EMAIL = 254
_ADDRESS = re.compile(r"[^@\s\0]+@[^@\s\0]+\Z")
LONGEST_DEVICE = 200


@dataclass(frozen=True)
class SignedIn:
    """A new session: the token belongs into the cookie and is stored nowhere else.

    `voucher` lets the device be known as one of this account's.
    """

    token: str
    voucher: str


def create_account(
    *,
    principal: Principal,
    email: str,
    name: str,
    password: str | None,
    cost: Passwords,
    founder: bool = False,
    language: str = "en",
    time_zone: str = "UTC",
) -> PublicId:
    """Make an account. Only the system may: people are invited. Raises `Rejected`."""
    email, name = normalise_email(email), clean(name)
    if len(email) > LONGEST_EMAIL or not _ADDRESS.match(email):
        raise Rejected(email="Write a full e-mail address, such as name@school.example.")
    if not name:
        raise Rejected(name="Write a name.")
    public_id, now = new_public_id(), clock.now()
    with transaction(principal) as tx:
        taken = select(Account.id).where(Account.email_index == email_index(email))
        if tx.scalar(taken) is not None:
            raise Rejected(email="This address has an account already.")
        account_id = tx.take_id(Account)
        tx.execute(
            insert(Account).values(
                id=account_id,
                public_id=public_id,
                email=email,
                email_index=email_index(email),
                name=name,
                founder=founder,
                status=AccountStatus.ACTIVE,
                language=language,
                time_zone=time_zone,
                security_epoch=1,
                created_at=now,
            )
        )
        if password is not None:
            tx.execute(
                insert(AccountPassword).values(
                    account_id=account_id,
                    password_hash=passwords.hash_password(password, cost),
                    set_at=now,
                )
            )
        record(tx, "accounts.create", account=account_id)
    return public_id


def sign_in(
    *,
    email: str,
    password: str,
    sessions: Sessions,
    cost: Passwords,
    visitor: Visitor,
    browser: str | None,
    throttles: Throttles,
) -> SignedIn:
    """Check a password and begin a session. `browser` is how the browser calls itself.

    Raises `Rejected`, in the same words and time for all, and `Throttled`.
    """
    address = visitor.address
    index = email_index(normalise_email(email))
    with trying(*_guess(index, visitor, throttles)):
        with transaction(Nobody(address)) as tx:
            found = functions.sign_in_account(tx, email_index=index)
        # Outside a transaction: hashing takes long, and a connection is not held meanwhile.
        matches = passwords.verify(password, found.password_hash if found else None, cost)
        if not (found and matches and found.status == AccountStatus.ACTIVE):
            _note_refusal(address)
            raise Rejected.whole(REFUSED)
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction(Nobody(address)) as tx:
        session_id = functions.begin_account_session(
            tx,
            NewAccountSession(
                account_id=found.account_id,
                security_epoch=found.security_epoch,
                public_id=new_public_id(),
                token_digest=token_digest(token),
                at=now,
                idle_minutes=sessions.account_idle,
                expires_at=now + sessions.span(sessions.account_absolute),
                address=_sealed(address, "address"),
                device=_sealed(browser[:LONGEST_DEVICE] if browser else None, "device"),
            ),
        )
        if session_id is None:
            raise Rejected.whole(REFUSED)
        record(tx, "accounts.sign-in", account=found.account_id, session=session_id)
    if passwords.outdated(found.password_hash, cost):
        _hash_anew(credential(token, address), password, stored=found.password_hash, cost=cost)
    return SignedIn(token, voucher(ACCOUNT, index.hex()))


def sign_out(*, principal: Principal) -> None:
    """End the principal's own session. One that has ended meanwhile is as good."""
    with suppress(SessionEnded), transaction(principal) as tx:
        mine = (AccountSession.id == tx.principal.session_id, AccountSession.ended_at.is_(None))
        if tx.scalar(
            update(AccountSession).where(*mine).values(ended_at=clock.now()).returning(AccountSession.id)
        ):
            record(tx, "accounts.sign-out", account=tx.principal.account_id)


def credential(token: str, address: str | None) -> AccountToken:
    """What a cookie's token presents to the database."""
    return AccountToken(token_digest(token), address)


def token_digest(token: str) -> bytes:
    """What is stored of a session token: a keyed digest, 32 bytes."""
    return keyring.current().digest(KeyPurpose.TOKEN, token.encode())


def normalise_email(email: str) -> str:
    """An address as it is compared and kept: composed Unicode, lower case, no spaces around."""
    encodable = email.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", encodable).strip().casefold()


def email_index(email: str) -> bytes:
    """The blind index by which an account is found."""
    return keyring.current().blind_index(email, context="account.email")


def _guess(index: bytes, visitor: Visitor, throttles: Throttles) -> tuple[Claim, ...]:
    """What a try of a password takes. Who signed in at this device before is not locked out by strangers."""
    account, device = voucher(ACCOUNT, index.hex()), visitor.device
    if device and account in device.vouchers:
        return (Claim("password by device", throttles.password_device, f"{device.id} {account}"),)
    site = [Claim("password by site", throttles.password_site, visitor.site)] if visitor.site else []
    return (
        Claim("password by network", throttles.password_network, visitor.network),
        *site,
        Claim("password by account", throttles.password_account, account),
        Claim("password overall", throttles.password_overall, ""),
    )


def _hash_anew(who: AccountToken, password: str, *, stored: str, cost: Passwords) -> None:
    # Hashes of one cost take one time: what a refusal takes does not tell whether there is an account.
    anew = passwords.hash_password(password, cost)
    with transaction(who) as tx:
        unchanged = AccountPassword.password_hash == stored
        mine = AccountPassword.account_id == tx.principal.account_id
        tx.execute(update(AccountPassword).where(mine, unchanged).values(password_hash=anew))


def _note_refusal(address: str | None) -> None:
    with transaction(Nobody(address)) as tx:
        record(tx, "accounts.sign-in-refused")


def _sealed(value: str | None, column: str) -> bytes | None:
    if value is None:
        return None
    return keyring.current().seal(value.encode(), context=f"account_session.{column}")
