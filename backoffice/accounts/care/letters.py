"""The letters to those whose accounts are looked after: what each says, and what writing it leaves behind."""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from backoffice.access.transaction import Transaction
from backoffice.accounts.care import mails
from backoffice.accounts.care.models import EventKind, FactorReset, ResetState
from backoffice.accounts.care.services import events
from backoffice.accounts.mails import Happened
from backoffice.accounts.models import Account, AccountLetter, LetterKind
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.outbox.mail import Mail

# How long before an idle account is locked its owner is told.
TOLD_BEFORE = timedelta(days=7)


Filled = tuple[Mail, Any]


def _standing(mail: Mail) -> Callable[[AccountLetter, Account], Filled]:
    return lambda letter, _account: (mail, mails.Standing(letter.kind, letter.created_at))


def _happened(mail: Mail) -> Callable[[AccountLetter, Account], Filled]:
    return lambda letter, _account: (mail, Happened(letter.created_at))


def _idle(after: timedelta) -> Callable[[AccountLetter, Account], Filled]:
    return lambda letter, account: (
        mails.ACCOUNT_IDLE,
        mails.Idle(letter.kind, letter.created_at + after, account.founder),
    )


def _reset_asked(letter: AccountLetter, _account: Account) -> Filled:
    return mails.RESET_ASKED, mails.ResetAsked(letter.created_at, secrets.token_urlsafe(32))


_MAILS: Mapping[LetterKind, Callable[[AccountLetter, Account], Filled]] = {
    LetterKind.SUSPENDED: _standing(mails.ACCOUNT_SUSPENDED),
    LetterKind.REINSTATED: _standing(mails.ACCOUNT_SUSPENDED),
    LetterKind.DORMANT_SOON: _idle(TOLD_BEFORE),
    LetterKind.DORMANT: _idle(timedelta()),
    LetterKind.GUESSED: _happened(mails.GUESSES),
    LetterKind.RESET_ASKED: _reset_asked,
    LetterKind.RESET_REFUSED: _standing(mails.RESET_ENDED),
    LetterKind.RESET_CANCELLED: _standing(mails.RESET_ENDED),
    LetterKind.RESET_UNDELIVERED: _standing(mails.RESET_ENDED),
    LetterKind.RESET_DONE: _standing(mails.RESET_ENDED),
    LetterKind.FACTOR_RESET: _happened(mails.FACTOR_RESET),
}


def filled(letter: AccountLetter, account: Account) -> Filled | None:
    """The mail that a letter becomes; None for the letters of other parts."""
    make = _MAILS.get(LetterKind(letter.kind))
    return make(letter, account) if make else None


def written(tx: Transaction, letter: AccountLetter, account: Account, *, mail: str, parameters: Any) -> None:
    """Keep what the mail's link opens, or have founders look, in the transaction that wrote it."""
    if letter.kind == LetterKind.RESET_ASKED:
        waiting = (FactorReset.account_id == account.id, FactorReset.state == ResetState.WAITING)
        sent = {"token_digest": token_digest(parameters.token), "mail": mail}
        tx.execute(update(FactorReset).where(*waiting).values(sent))
    elif letter.kind == LetterKind.GUESSED and events.open_event(tx, EventKind.GUESSED, account.id):
        record(tx, "security.open", account=account.id, kind=EventKind.GUESSED)
