"""Signing in and out."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from backoffice import clock
from backoffice.access.principal import AccountToken, Nobody, Principal, SessionEnded
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import codes, passwords
from backoffice.accounts.addresses import email_index, normalise_email
from backoffice.accounts.care.services import events
from backoffice.accounts.models import AccountPassword, AccountSession, AccountStatus, LetterKind
from backoffice.accounts.services import letters
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected, Throttled
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import about, functions, keyring
from backoffice.storage.functions import AnyRow, NewAccountSession
from backoffice.storage.public_id import new_public_id
from backoffice.storage.sealed import open_text, seal_text
from backoffice.throttles.tries import Claim, take, trying
from backoffice.throttles.visitor import ACCOUNT, Visitor, voucher

# The same words for a wrong address, a wrong password and a suspended account.
REFUSED = lazy("The e-mail address and the password do not match. Try again.")
CODE_WANTED = lazy("Now write the one-time code that your authenticator app shows.")
CODE_REFUSED = lazy("This code does not work, or it has been used. Write the one that the app shows next.")
TOO_LATE = lazy("Too much time has passed. Sign in again.")
# How long a password that was right need not be typed again while the code is looked for.
HALF_WAY_LASTS = timedelta(minutes=5)
_HALF_WAY = "signing in"
BY_ACCOUNT = "password by account"
# So long a wait is a pause between tries; whoever waits longer is shut out.
SLOWED_DOWN = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """A new session: the token belongs into the cookie and is stored nowhere else.

    `voucher` lets the device be known as one of this account's.
    """

    token: str
    voucher: str


@dataclass(frozen=True)
class Vouched:
    """The identity provider that a session came by, and the organisation that it named, if any."""

    provider: str
    domain: str | None


@dataclass(frozen=True)
class HalfWay:
    """Where the first factor was right: whose address and epoch, and who vouched if it was no password."""

    index: bytes
    epoch: int
    vouched: Vouched | None


class CodeNeeded(Exception):
    """The password was right, and the one-time code is missing or wrong: `sentence` says which.

    With `half_way` the same browser goes on to `sign_in_by_code` without the password.
    """

    def __init__(self, half_way: str, sentence: str) -> None:
        super().__init__(sentence)
        self.half_way = half_way
        self.sentence = sentence


class CodeRefused(CodeNeeded, Rejected):
    """The code was wrong: a try that counts, as that of a wrong password does."""

    def __init__(self, half_way: str, sentence: str) -> None:
        Rejected.__init__(self, otp=sentence)
        self.half_way, self.sentence = half_way, sentence


def sign_in(
    *,
    email: str,
    password: str,
    otp: str = "",
    sessions: Sessions,
    cost: Passwords,
    visitor: Visitor,
    device: str | None,
    throttles: Throttles,
    shared: bool = False,
) -> SignedIn:
    """Check a password and begin a session. `device` is what the browser is called to a person.

    At a `shared` computer the session is short. An account that was not used on the device before is told.

    Raises `Rejected`, in the same words and time for all, `CodeNeeded` and `Throttled`.
    """
    address = visitor.address
    index = email_index(normalise_email(email))
    with _guarded(index, visitor, throttles):
        with transaction(Nobody(address)) as tx:
            found = functions.sign_in_account(tx, email_index=index)
        # Outside a transaction: hashing takes long, and a connection is not held meanwhile.
        matches = passwords.verify(password, found.password_hash if found else None, cost)
        if not (found and matches and found.status == AccountStatus.ACTIVE):
            note_refusal(address)
            raise Rejected.whole(REFUSED)
        begun = with_code(found, index, otp, sessions=sessions, visitor=visitor, device=device, shared=shared)
    if passwords.outdated(found.password_hash, cost):
        _hash_anew(credential(begun.token, address), password, stored=found.password_hash, cost=cost)
    return begun


def sign_in_by_code(
    *,
    half_way: str,
    otp: str,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    throttles: Throttles,
    shared: bool = False,
) -> SignedIn:
    """Go on where the password was right. Raises `Rejected`, `CodeNeeded` and `Throttled`."""
    come = opened(half_way)
    with _guarded(come.index, visitor, throttles):
        with transaction(Nobody(visitor.address)) as tx:
            found = functions.sign_in_account(tx, email_index=come.index)
        if not (found and found.status == AccountStatus.ACTIVE and found.security_epoch == come.epoch):
            raise Rejected.whole(TOO_LATE)
        return with_code(
            found,
            come.index,
            otp,
            sessions=sessions,
            visitor=visitor,
            device=device,
            shared=shared,
            vouched=come.vouched,
        )


def may_go_on(half_way: str) -> bool:
    """Whether a code may follow here without the password."""
    try:
        opened(half_way)
    except Rejected:
        return False
    return True


def with_code(
    found: AnyRow,
    index: bytes,
    otp: str,
    *,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    shared: bool,
    vouched: Vouched | None = None,
) -> SignedIn:
    """Begin a session where the first factor was right and the code, where there is one, is too.

    The first was the password, or whoever `vouched`. Raises `Rejected` and `CodeNeeded`.
    """
    token = secrets.token_urlsafe(32)
    with transaction(Nobody(visitor.address)) as tx:
        used = _factor_used(tx, found.account_id, otp)
        if used is not None:
            begin_by(
                tx,
                found,
                used,
                token=token,
                sessions=sessions,
                visitor=visitor,
                device=device,
                shared=shared,
                vouched=vouched,
            )
        elif otp:
            record(tx, "accounts.sign-in-code-refused", account=found.account_id)
    if used is None:
        if otp:
            events.note_refused_code(account_id=found.account_id, address=visitor.address)
        half_way = _half_way(index, found.security_epoch, vouched)
        raise CodeRefused(half_way, CODE_REFUSED) if otp else CodeNeeded(half_way, CODE_WANTED)
    return signed_in(token, found, index=index, visitor=visitor, device=device, vouched=vouched)


def begin_by(
    tx: Transaction,
    found: AnyRow,
    factor: str,
    *,
    token: str,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    shared: bool,
    vouched: Vouched | None = None,
) -> None:
    """Begin the session of an account whose credentials were right. Raises `Rejected` if it is closed."""
    session_id = begin(
        tx,
        account_id=found.account_id,
        security_epoch=found.security_epoch,
        token=token,
        idle_minutes=sessions.account_idle_shared if shared else sessions.account_idle,
        until=sessions.span(sessions.account_absolute),
        address=visitor.address,
        device=device,
    )
    if session_id is None:
        raise Rejected.whole(REFUSED)
    by: dict[str, Any] = {"by": vouched.provider} if vouched else {}
    record(tx, "accounts.sign-in", account=found.account_id, session=session_id, factor=factor, **by)


def signed_in(
    token: str,
    found: AnyRow,
    *,
    index: bytes,
    visitor: Visitor,
    device: str | None,
    vouched: Vouched | None = None,
) -> SignedIn:
    """What the browser of a session that has begun is given. On a device not known yet its owner is told."""
    own_voucher = voucher(ACCOUNT, index.hex())
    if vouched is not None:
        # Without it the session is like one by a password: a failure in between opens nothing more.
        with transaction(credential(token, visitor.address)) as tx:
            own = update(AccountSession).where(AccountSession.id == tx.principal.session_id)
            tx.execute(own.values(came_by=vouched.provider, came_from=vouched.domain))
    if visitor.device is None or own_voucher not in visitor.device.vouchers:
        with transaction(credential(token, visitor.address)) as tx:
            letters.ask(tx, LetterKind.NEW_DEVICE, account_id=found.account_id, device=device)
    return SignedIn(token, own_voucher)


def _factor_used(tx: Transaction, account_id: int, otp: str) -> str | None:
    """The second factor that was shown: "none" where there is none, None where one is still to come."""
    sealed = functions.second_factor(tx, account_id=account_id)
    if sealed is None and not functions.passkeys_of(tx, account_id=account_id):
        return "none"
    return _use_code(tx, account_id, sealed, otp)


def _use_code(tx: Transaction, account_id: int, sealed: bytes | None, otp: str) -> str | None:
    """What kind of code it was, now used; None if it is none that works."""
    now = clock.now()
    if sealed is not None:
        secret = open_text(sealed, context="account_second_factor.secret")
        step = codes.step_of(secret, otp, now)
        if step is not None:
            return "app" if functions.use_step(tx, account_id=account_id, step=step) else None
    digest = codes.recovery_digest(account_id, otp)
    if digest is None or not functions.use_recovery_code(tx, account_id=account_id, digest=digest, at=now):
        return None
    letters.wake(tx)
    return "recovery code"


def _half_way(index: bytes, epoch: int, vouched: Vouched | None) -> str:
    until = int((clock.now() + HALF_WAY_LASTS).timestamp())
    said = json.dumps([index.hex(), epoch, until, vouched and [vouched.provider, vouched.domain]])
    return keyring.current().seal(said.encode(), context=_HALF_WAY).hex()


def opened(half_way: str) -> HalfWay:
    """Whose first factor was right. Raises `Rejected`."""
    try:
        said = keyring.current().open(bytes.fromhex(half_way), context=_HALF_WAY).decode()
    except (ValueError, keyring.KeyringError):
        raise Rejected.whole(TOO_LATE) from None
    index, epoch, until, vouched = json.loads(said)
    if until < clock.now().timestamp():
        raise Rejected.whole(TOO_LATE)
    return HalfWay(bytes.fromhex(index), epoch, Vouched(*vouched) if vouched else None)


def begin(
    tx: Transaction,
    *,
    account_id: int,
    security_epoch: int,
    token: str,
    idle_minutes: int,
    until: timedelta,
    address: str | None,
    device: str | None,
) -> int | None:
    """Begin a session that this token opens; its number, or None if the account is not active any more.

    Nor is one that was erased and came back with a backup.
    """
    now, outside = clock.now(), functions.account_outside(tx, account_id=account_id)
    return functions.begin_account_session(
        tx,
        NewAccountSession(
            account_id=account_id,
            security_epoch=security_epoch,
            public_id=new_public_id(),
            token_digest=token_digest(token),
            at=now,
            idle_minutes=idle_minutes,
            expires_at=now + until,
            address=_sealed(address, "address"),
            device=_sealed(device, "device"),
            erased=about.erased(about.ACCOUNT, outside) if outside else None,
        ),
    )


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


def guess(index: bytes, visitor: Visitor, throttles: Throttles) -> tuple[Claim, ...]:
    """What a try of a password takes. Who signed in at this device before is not locked out by strangers."""
    account, device = voucher(ACCOUNT, index.hex()), visitor.device
    if device and account in device.vouchers:
        return (Claim("password by device", throttles.password_device, f"{device.id} {account}"),)
    site = [Claim("password by site", throttles.password_site, visitor.site)] if visitor.site else []
    return (
        Claim("password by network", throttles.password_network, visitor.network),
        *site,
        Claim(BY_ACCOUNT, throttles.password_account, account),
        Claim("password overall", throttles.password_overall, ""),
    )


@contextmanager
def _guarded(index: bytes, visitor: Visitor, throttles: Throttles) -> Iterator[None]:
    """A try to come in. Whose account is shut to strangers by their guesses is told, once for each span."""
    try:
        with trying(*guess(index, visitor, throttles)):
            yield
    except Throttled as throttled:
        if throttled.what == BY_ACCOUNT and throttled.wait > SLOWED_DOWN:
            _tell_of_guesses(index, throttled.wait, visitor)
        raise


def _tell_of_guesses(index: bytes, wait: timedelta, visitor: Visitor) -> None:
    # For every address alike: a worker finds out whether there is an account.
    span = "day" if wait > timedelta(hours=1) else "hour"
    with suppress(Throttled):
        take(Claim(f"told of guesses in a {span}", f"1/{span}", index.hex()))
        with transaction(Nobody(visitor.address)) as tx:
            letters.ask(tx, LetterKind.GUESSED, email_index=index)
            record(tx, "accounts.shut-to-guesses")


def _hash_anew(who: AccountToken, password: str, *, stored: str, cost: Passwords) -> None:
    # Hashes of one cost take one time: what a refusal takes does not tell whether there is an account.
    anew = passwords.hash_password(password, cost)
    with transaction(who) as tx:
        unchanged = AccountPassword.password_hash == stored
        mine = AccountPassword.account_id == tx.principal.account_id
        tx.execute(update(AccountPassword).where(mine, unchanged).values(password_hash=anew))


def note_refusal(address: str | None) -> None:
    """Keep that somebody was refused. Whom they meant is not kept."""
    with transaction(Nobody(address)) as tx:
        record(tx, "accounts.sign-in-refused")


def _sealed(value: str | None, column: str) -> bytes | None:
    if value is None:
        return None
    return seal_text(value, context=f"account_session.{column}")
