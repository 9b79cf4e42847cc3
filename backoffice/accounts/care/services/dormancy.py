"""Founders and leaders who were not here for long: told first, then locked until they prove who they are.

A session lasts half a day at most, so the moment of the last sign-in says well enough when somebody was here.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.care.letters import TOLD_BEFORE
from backoffice.accounts.care.models import EventKind
from backoffice.accounts.care.services import events
from backoffice.accounts.models import Account, AccountStatus, LetterKind
from backoffice.accounts.services import letters
from backoffice.audit.trail import record
from backoffice.schools.models import Membership, Role

LOCKED_AFTER = timedelta(days=90)


def lock_dormant(who: Purpose) -> dict[str, int]:
    """Tell founders and leaders who were idle for 83 days, and lock those who were told a week ago.

    Nobody is locked who was not told in time, however long this did not run. Each has its own transaction.
    """
    now = clock.now()
    counts = {"told": 0, "locked": 0}
    with transaction(who) as tx:
        to_lock = tx.scalars(select(Account.id).where(*_to_lock(now)).order_by(Account.id)).all()
        to_tell = tx.scalars(select(Account.id).where(*_to_tell(now)).order_by(Account.id)).all()
    for number in to_lock:
        with transaction(who) as tx:
            counts["locked"] += _lock(tx, number, now)
    for number in to_tell:
        with transaction(who) as tx:
            counts["told"] += _tell(tx, number, now)
    return counts


def _lock(tx: Transaction, number: int, now: datetime) -> bool:
    # Looked at again: they may have come in since.
    locking = update(Account).where(Account.id == number, *_to_lock(now))
    values = {"status": AccountStatus.DORMANT, "security_epoch": Account.security_epoch + 1}
    if not tx.execute(locking.values(values).execution_options(synchronize_session=False)).rowcount:  # type: ignore[attr-defined]
        return False
    letters.ask(tx, LetterKind.DORMANT, account_id=number)
    events.open_event(tx, EventKind.DORMANT, number)
    record(tx, "accounts.lock-dormant", account=number)
    return True


def _tell(tx: Transaction, number: int, now: datetime) -> bool:
    telling = update(Account).where(Account.id == number, *_to_tell(now))
    options = {"synchronize_session": False}
    if not tx.execute(telling.values(idle_warned_at=now).execution_options(**options)).rowcount:  # type: ignore[attr-defined]
        return False
    letters.ask(tx, LetterKind.DORMANT_SOON, account_id=number)
    record(tx, "accounts.tell-dormant", account=number)
    return True


def _to_lock(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        *_staff_idle_since(now - LOCKED_AFTER),
        Account.idle_warned_at > _last_here(),
        Account.idle_warned_at <= now - TOLD_BEFORE,
    )


def _to_tell(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        *_staff_idle_since(now - LOCKED_AFTER + TOLD_BEFORE),
        or_(Account.idle_warned_at.is_(None), Account.idle_warned_at <= _last_here()),
    )


def _staff_idle_since(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    leads = select(Membership.account_id).where(Membership.role == Role.LEADER)
    return (
        Account.status == AccountStatus.ACTIVE,
        or_(Account.founder, Account.id.in_(leads)),
        _last_here() <= moment,
    )


def _last_here() -> ColumnElement[datetime]:
    return func.coalesce(Account.last_active_at, Account.created_at)
