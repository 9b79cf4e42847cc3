"""Writing what is mailed about accounts, in a worker: only there a typed address is looked up."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import devices, mails
from backoffice.accounts.care import letters as care
from backoffice.accounts.kinds import LINKS
from backoffice.accounts.models import (
    Account,
    AccountLetter,
    AccountLink,
    AccountSession,
    AccountStatus,
    LetterKind,
    LinkPurpose,
)
from backoffice.accounts.tokens import token_digest
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail, Recipient
from backoffice.outbox.services import post
from backoffice.privacy.retention.runs import forget
from backoffice.settings import Throttles
from backoffice.throttles.tries import Claim
from backoffice.throttles.visitor import ACCOUNT, voucher

WRITE = "core.write-letters"
LASTS = {LinkPurpose.RESET: timedelta(minutes=30), LinkPurpose.NOT_ME: timedelta(days=7)}
# Somebody in these states is written to; whoever is suspended or was never invited is not.
WRITTEN_TO = frozenset({AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.DORMANT})


def ask(
    tx: Transaction,
    kind: LetterKind,
    *,
    account_id: int | None = None,
    email_index: bytes | None = None,
    device: str | None = None,
) -> None:
    """Have a letter written once this transaction is committed, to an account or whoever has the address."""
    tx.execute(
        insert(AccountLetter).values(
            id=tx.take_id(AccountLetter),
            kind=kind,
            account_id=account_id,
            email_index=email_index,
            device=device,
            created_at=clock.now(),
        )
    )
    wake(tx)


def wake(tx: Transaction) -> None:
    """Have a worker write the letters that wait when the transaction is committed."""
    queue.defer(tx, WRITE)


def write_letters(who: Purpose) -> dict[str, int]:
    """Write all letters that wait; how many, and how many there was nobody for. Forget old links."""
    counts = {"written": 0, "for nobody": 0}
    with transaction(who) as tx:
        for letter in tx.scalars(select(AccountLetter).with_for_update(skip_locked=True)).all():
            counts["written" if _write(tx, letter) else "for nobody"] += 1
            tx.delete(letter)
        forget(tx, LINKS)
    return counts


def to_address(index: bytes, throttles: Throttles) -> Claim:
    """What a mail takes that somebody asks for: one address is written to so often, for whatever reason."""
    return Claim("letter by address", throttles.letter_address, voucher(ACCOUNT, index.hex()))


def tell_known(tx: Transaction, account: Account, *, wanted: str) -> None:
    """Tell the owner of an account for what somebody wanted its address, which has it already."""
    closed = account.status == AccountStatus.DEACTIVATED
    if closed or account.status in WRITTEN_TO:
        to = Recipient(account.id, account.email, account.name, account.language)
        post(tx, mails.ADDRESS_KNOWN, to=to, parameters=mails.AddressKnown("closed" if closed else wanted))


def _write(tx: Transaction, letter: AccountLetter) -> bool:
    known_by = (
        Account.id == letter.account_id
        if letter.account_id is not None
        else Account.email_index == letter.email_index
    )
    account = tx.scalars(select(Account).where(known_by)).one_or_none()
    if account is None or not _is_written_to(account, letter):
        return False
    # The first device of an account is no new one.
    begun = select(func.count()).where(AccountSession.account_id == account.id)
    if letter.kind == LetterKind.NEW_DEVICE and (tx.scalar(begun) or 0) < 2:  # noqa: PLR2004
        return False
    found = care.filled(letter, account) or _filled(tx, letter, account)
    to = Recipient(account.id, account.email, account.name, account.language)
    posted = post(tx, found[0], to=to, parameters=found[1], once=str(letter.id))
    if posted is not None:
        care.written(tx, letter, account, mail=posted, parameters=found[1])
    return True


def _is_written_to(account: Account, letter: AccountLetter) -> bool:
    if letter.kind == LetterKind.SUSPENDED:
        return account.status == AccountStatus.SUSPENDED
    # A link opens nothing for a founder who was idle: that is done at the server.
    idle_founder = account.founder and account.status == AccountStatus.DORMANT
    return account.status in WRITTEN_TO and not (idle_founder and letter.kind == LetterKind.RESET)


def _filled(tx: Transaction, letter: AccountLetter, account: Account) -> tuple[Mail, object]:
    match letter.kind:
        case LetterKind.RESET:
            token, until = make_link(tx, account, LinkPurpose.RESET, LASTS[LinkPurpose.RESET])
            return mails.PASSWORD_RESET, mails.Link(token, until)
        case LetterKind.NEW_DEVICE:
            token = _not_me(tx, letter, account)
            device = (
                devices.said(letter.device) if letter.device else lazy("A browser that does not say its name")
            )
            return mails.NEW_DEVICE, mails.NewDevice(device, letter.created_at, token)
        case (
            LetterKind.FACTOR_SET
            | LetterKind.FACTOR_REMOVED
            | LetterKind.CODES_RENEWED
            | LetterKind.RECOVERY_USED
        ):
            token = _not_me(tx, letter, account)
            return mails.SECOND_FACTOR, mails.FactorChanged(letter.kind, letter.created_at, token)
        case LetterKind.PASSKEY_ADDED | LetterKind.PASSKEY_REMOVED | LetterKind.PASSKEY_COPIED:
            token = _not_me(tx, letter, account)
            return mails.PASSKEY, mails.PasskeyChanged(letter.kind, letter.created_at, token)
        case LetterKind.ADDRESS_CHANGE:
            token = _not_me(tx, letter, account)
            return mails.ADDRESS_CHANGE, mails.NotMe(letter.created_at, token)
        case _:
            mail = mails.ACCOUNT_LOCKED if letter.kind == LetterKind.LOCKED else mails.PASSWORD_CHANGED
            return mail, mails.Happened(letter.created_at)


def _not_me(tx: Transaction, letter: AccountLetter, account: Account) -> str:
    """The token of a link that locks the account, and takes away what was added since it happened."""
    lasts = LASTS[LinkPurpose.NOT_ME]
    return make_link(tx, account, LinkPurpose.NOT_ME, lasts, since=letter.created_at)[0]


def make_link(
    tx: Transaction,
    account: Account,
    purpose: LinkPurpose,
    lasts: timedelta,
    *,
    since: datetime | None = None,
) -> tuple[str, datetime]:
    """The token of a new link for an account, and until when it opens; what it is about happened `since`."""
    token, now = secrets.token_urlsafe(32), clock.now()
    until = now + lasts
    tx.execute(
        insert(AccountLink).values(
            id=tx.take_id(AccountLink),
            account_id=account.id,
            purpose=purpose,
            token_digest=token_digest(token),
            security_epoch=account.security_epoch,
            created_at=since or now,
            expires_at=until,
        )
    )
    return token, until
