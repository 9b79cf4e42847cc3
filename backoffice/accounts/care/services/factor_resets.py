"""Lost second factors: asked for by who looks after somebody, refused by its owner, or done after a day."""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import ACCOUNTS_RESET, TEACHERS_RESET
from backoffice.access.policy import require, visible
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.care.models import EventKind, FactorReset, ResetState
from backoffice.accounts.care.services import events, standing
from backoffice.accounts.models import (
    Account,
    AccountStatus,
    LetterKind,
)
from backoffice.accounts.services import letters, proof
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.outbox.models import REACHED_NOBODY, MailState, OutgoingMail
from backoffice.problems import Rejected
from backoffice.schools.models import Membership, Role, School
from backoffice.settings import Throttles
from backoffice.storage import functions
from backoffice.throttles.tries import Claim, take

LASTS = timedelta(hours=24)
# A mail that is neither sent nor given up by then never will be.
LONGEST_WAIT = timedelta(days=3)
OVER = lazy("This link is over: nothing waits that it could stop.")
NOT_POSSIBLE = lazy(
    "This cannot be reset here. There is no second factor, a reset waits already, or somebody else looks"
    " after this account."
)


class Became(StrEnum):
    """What a run did about a reset."""

    DONE = "done"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"


def ask(*, principal: Principal, account: str, school: str | None, throttles: Throttles) -> None:
    """Ask that somebody's lost second factor be taken away: for a school, as its leader, or as a founder.

    Its owner is mailed and has a day to refuse. Raises `Rejected`, `NotFound`, `Throttled`.
    """
    with transaction(principal) as tx:
        _place(tx, account, school)
    take(Claim("reset of a factor", throttles.letter_address, account))
    with transaction(principal) as tx:
        place = _place(tx, account, school)
        number = functions.ask_factor_reset(
            tx, account=account, school_id=place.id if place else None, at=clock.now()
        )
        if number is None:
            raise Rejected.whole(NOT_POSSIBLE)
        letters.wake(tx)
        record(tx, "factors.ask-reset", school_id=place.id if place else None, account=number)


def waiting(tx: Transaction, account_id: int) -> FactorReset | None:
    """The reset that waits for somebody, where a leader asked for one of the principal's schools."""
    theirs = select(FactorReset).where(
        FactorReset.account_id == account_id, FactorReset.state == ResetState.WAITING
    )
    return tx.scalars(visible(tx.principal, theirs)).one_or_none()


def can_be_refused(token: str) -> bool:
    """Whether something waits that this link stops."""
    with transaction(Nobody()) as tx:
        return functions.reset_to_refuse(tx, digest=token_digest(token)) is not None


def refuse(*, token: str, address: str | None) -> None:
    """Stop a reset by the link of its mail, and have whoever asked told. Locks nothing. Raises `Rejected`."""
    with transaction(Nobody(address)) as tx:
        number = functions.refuse_factor_reset(tx, digest=token_digest(token), at=clock.now())
        if number is None:
            raise Rejected.whole(OVER)
        letters.wake(tx)
        events.open_event(tx, EventKind.RESET_REFUSED, number)
        record(tx, "factors.refuse-reset", account=number)


def finish_resets(who: Purpose) -> dict[str, int]:
    """Take away the factors whose owners had a day to refuse, counted from when their mail was sent.

    Each in a transaction of its own: killed in the middle, the next run goes on with the rest.
    """
    counts = dict.fromkeys(map(str, Became), 0)
    with transaction(who) as tx:
        open_still = select(FactorReset.id).where(FactorReset.state == ResetState.WAITING)
        numbers = tx.scalars(open_still.order_by(FactorReset.id)).all()
    for number in numbers:
        with transaction(who) as tx:
            became = _finish(tx, number)
        if became:
            counts[became] += 1
    return counts


def _place(tx: Transaction, account: str, school: str | None) -> School | None:
    proof.demand(tx)
    if school is None:
        require(tx.principal, ACCOUNTS_RESET)
        standing.other_in_care(tx, account)
        return None
    find(tx, Account, account, permission=TEACHERS_RESET)
    return find(tx, School, school, permission=TEACHERS_RESET)


def _finish(tx: Transaction, number: int) -> Became | None:
    # In the order in which signing in locks them: account, factor, reset. Whoever uses a factor now is waited
    # for, and has ended the reset then.
    of_account = select(FactorReset.account_id).where(FactorReset.id == number).scalar_subquery()
    theirs = select(Account).where(Account.id == of_account)
    account = tx.scalars(theirs.with_for_update(key_share=True)).one_or_none()
    still = select(FactorReset).where(FactorReset.id == number, FactorReset.state == ResetState.WAITING)
    reset = tx.scalars(still.with_for_update()).one_or_none()
    if account is None or reset is None:
        return None
    became = _becomes(tx, reset, account)
    if became is None:
        return None
    if became is Became.DONE:
        functions.forget_factors_of(tx, account_id=account.id)
        tx.execute(
            update(Account).where(Account.id == account.id).values(security_epoch=Account.security_epoch + 1)
        )
        letters.ask(tx, LetterKind.FACTOR_RESET, account_id=account.id)
    functions.end_factor_reset(tx, account_id=account.id, state=became, at=clock.now())
    letters.wake(tx)
    record(tx, f"factors.reset-{became}", school_id=reset.school_id, account=account.id)
    return became


def _still_asks(tx: Transaction, reset: FactorReset) -> bool:
    """Whether whoever asked may still ask: somebody suspended or gone asks for nothing any more."""
    asker = tx.get(Account, reset.asked_by) if reset.asked_by is not None else None
    if asker is None or asker.status != AccountStatus.ACTIVE:
        return False
    if reset.school_id is None:
        return asker.founder
    district = select(School.district_id).where(School.id == reset.school_id).scalar_subquery()
    leads = select(func.count()).where(
        Membership.account_id == asker.id,
        Membership.role == Role.LEADER,
        Membership.suspended_at.is_(None),
        or_(Membership.school_id == reset.school_id, Membership.district_id == district),
    )
    return bool(tx.scalar(leads))


def _becomes(tx: Transaction, reset: FactorReset, account: Account) -> Became | None:
    looked_after = {AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.DORMANT}
    if account.status not in looked_after or not _still_asks(tx, reset):
        return Became.CANCELLED
    mail = tx.scalars(select(OutgoingMail).where(OutgoingMail.public_id == reset.mail)).one_or_none()
    if mail is None or mail.state != MailState.SENT or mail.finished_at is None:
        given_up = mail is not None and mail.state in REACHED_NOBODY
        return Became.UNDELIVERED if given_up or clock.now() - reset.asked_at > LONGEST_WAIT else None
    return Became.DONE if clock.now() - mail.finished_at >= LASTS else None
