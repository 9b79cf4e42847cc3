"""The second factor: each change of it ends every other session, and the owner is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import codes
from backoffice.accounts.models import Account, AccountRecoveryCode, AccountSecondFactor, LetterKind
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.accounts.services import credentials, letters, proof
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.settings import Sessions
from backoffice.storage import functions
from backoffice.storage.sealed import open_text

WRONG = lazy("This is not the code that the app shows now. Wait for the next one and write that.")
NOT_BEGUN = lazy("Begin again: there is no app to confirm.")
NONE = lazy("Your account has no second factor.")
MUST = lazy("Your account must have a second factor. Set up another app, or add a passkey first.")


@dataclass(frozen=True)
class Factor:
    """How the second factor of an account stands.

    Since when it has an app, if it has one, how many passkeys, and how many recovery codes are left.
    """

    set_at: datetime | None
    passkeys: int
    codes_left: int


@dataclass(frozen=True)
class Pending:
    """An app that is being set up: its secret, and the address that it reads from a picture."""

    secret: str
    address: str


@dataclass(frozen=True)
class Changed:
    """A changed factor: the token with which the session goes on, and new codes, which are stored nowhere."""

    token: str
    recovery_codes: Sequence[str] = ()


def factor(tx: Transaction) -> Factor | None:
    """The principal's second factor, of whatever kind."""
    app, passkeys, mine = _own(tx), _passkeys(tx), tx.principal.account_id
    set_at = app.set_at if app is not None and app.secret is not None else None
    if set_at is None and not passkeys:
        return None
    unused = (AccountRecoveryCode.account_id == mine, AccountRecoveryCode.used_at.is_(None))
    left = tx.scalar(select(func.count(AccountRecoveryCode.id)).where(*unused)) or 0
    return Factor(set_at, passkeys, left)


@dataclass(frozen=True)
class Required:
    """Who requires a second factor of somebody: the company, and schools by their names."""

    by_company: bool
    schools: Sequence[str]

    def __bool__(self) -> bool:
        return self.by_company or bool(self.schools)


def required(tx: Transaction) -> Required:
    """By whom the principal may not be without, if by anybody."""
    asking = functions.factor_asked_by(tx)
    names = [open_text(each, context="school.name") for each in asking if each is not None]
    return Required(None in asking, sorted(set(names)))


def pending(tx: Transaction) -> Pending | None:
    """The app that the principal is setting up."""
    own = _own(tx)
    if own is None or own.pending is None:
        return None
    return Pending(own.pending, codes.app_address(own.pending, proof.me(tx).email))


def begin(*, principal: Principal) -> None:
    """Make a secret for an app; one that is in use stays so until the new one has shown a code.

    Raises `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        secret = codes.new_secret()
        row = upsert(AccountSecondFactor).values(
            account_id=tx.principal.account_id, pending=secret, last_step=0
        )
        renewed = {"pending": row.excluded.pending}
        tx.execute(row.on_conflict_do_update(index_elements=["account_id"], set_=renewed))
        record(tx, "accounts.begin-second-factor", account=tx.principal.account_id)


def confirm(*, principal: Principal, otp: str, sessions: Sessions) -> Changed:
    """Take the app that shows this code as second factor. Raises `Rejected` and `ProofNeeded`."""
    with transaction(principal) as tx:
        proof.demand(tx)
        own_account_alone(tx)
        own = _own(tx)
        if own is None or own.pending is None:
            raise Rejected(otp=NOT_BEGUN)
        now = clock.now()
        step = codes.step_of(own.pending, otp, now)
        if step is None:
            raise Rejected(otp=WRONG)
        mine = AccountSecondFactor.account_id == own.account_id
        in_use = {"secret": own.pending, "pending": None, "set_at": now, "last_step": step}
        tx.execute(update(AccountSecondFactor).where(mine).values(in_use))
        return changed(tx, LetterKind.FACTOR_SET, "accounts.set-second-factor", sessions, new_codes(tx))


def renew_codes(*, principal: Principal, sessions: Sessions) -> Changed:
    """Put new recovery codes in the place of the old ones. Raises `Rejected` and `ProofNeeded`."""
    with transaction(principal) as tx:
        proof.demand(tx)
        own_account_alone(tx)
        if factor(tx) is None:
            raise Rejected.whole(NONE)
        fresh = new_codes(tx)
        return changed(tx, LetterKind.CODES_RENEWED, "accounts.renew-recovery-codes", sessions, fresh)


def remove(*, principal: Principal, sessions: Sessions) -> Changed:
    """Be without the app again, unless it is the last factor of who must have one.

    Recovery codes go with the last factor. Raises `Rejected` and `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        own_account_alone(tx)
        own = _own(tx)
        if own is None or own.secret is None:
            raise Rejected.whole(NONE)
        if required(tx) and not _passkeys(tx):
            raise Rejected.whole(MUST)
        functions.forget_second_factor(tx)
        return changed(tx, LetterKind.FACTOR_REMOVED, "accounts.remove-second-factor", sessions)


def _own(tx: Transaction) -> AccountSecondFactor | None:
    own = select(AccountSecondFactor).where(AccountSecondFactor.account_id == tx.principal.account_id)
    return tx.scalars(own).one_or_none()


def _passkeys(tx: Transaction) -> int:
    mine = AccountPasskey.account_id == tx.principal.account_id
    return tx.scalar(select(func.count(AccountPasskey.id)).where(mine)) or 0


def own_account_alone(tx: Transaction) -> None:
    """Let nobody else change the principal's factors until the transaction's end.

    Otherwise two who each remove one of the last two would leave an account that must have one without. Using
    a factor locks the account first, too, so that no two wait for each other.
    """
    mine = Account.id == tx.principal.account_id
    tx.execute(select(Account.id).where(mine).with_for_update(key_share=True))


def new_codes(tx: Transaction) -> Sequence[str]:
    """Put fresh recovery codes in the place of the principal's old ones."""
    account_id = tx.principal.account_id
    assert account_id is not None
    functions.forget_recovery_codes(tx)
    fresh = codes.new_recovery_codes()
    numbers = tx.take_ids(AccountRecoveryCode, len(fresh))
    rows = [
        {"id": number, "account_id": account_id, "code_digest": codes.recovery_digest(account_id, code)}
        for number, code in zip(numbers, fresh, strict=True)
    ]
    tx.execute(insert(AccountRecoveryCode), rows)
    return fresh


def changed(
    tx: Transaction, told: LetterKind, verb: str, sessions: Sessions, fresh: Sequence[str] = ()
) -> Changed:
    """Tell the owner, end every other session, and go on in a new one."""
    account: Account = proof.me(tx)
    letters.ask(tx, told, account_id=account.id)
    record(tx, verb, account=account.id)
    return Changed(credentials.renewed(tx, account, sessions), fresh)
