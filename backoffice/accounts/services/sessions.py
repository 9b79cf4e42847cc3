"""Looking at the own sessions, and ending them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account, AccountSession
from backoffice.audit.trail import record
from backoffice.settings import Sessions


def live_sessions(tx: Transaction) -> Sequence[AccountSession]:
    """The principal's sessions that let somebody in, the one used last first."""
    return tx.scalars(
        select(AccountSession).where(*_live(tx)).order_by(AccountSession.last_seen_at.desc())
    ).all()


def on_shared_computer(tx: Transaction, sessions: Sessions) -> bool:
    """Whether the principal has said that others use this computer, too.

    What asks again by itself would keep them signed in there.
    """
    idle = tx.scalar(
        select(AccountSession.idle_minutes).where(
            AccountSession.account_id == tx.principal.account_id,
            AccountSession.id == tx.principal.session_id,
        )
    )
    return idle is not None and idle <= sessions.account_idle_shared


def end_session(*, principal: Principal, session: str) -> None:
    """End one of the own sessions. One that is over already is as good. Raises `NotFound` for another's."""
    with transaction(principal) as tx:
        mine = (AccountSession.account_id == tx.principal.account_id, AccountSession.public_id == session)
        number = tx.scalar(select(AccountSession.id).where(*mine))
        if number is None:
            raise NotFound
        ending = update(AccountSession).where(*mine, AccountSession.ended_at.is_(None))
        tx.execute(ending.values(ended_at=clock.now()))
        record(tx, "accounts.end-session", ended=number)


def end_other_sessions(*, principal: Principal) -> int:
    """End all own sessions but this one; how many there were."""
    with transaction(principal) as tx:
        ending = update(AccountSession).where(*_live(tx), AccountSession.id != tx.principal.session_id)
        ended = tx.scalars(ending.values(ended_at=clock.now()).returning(AccountSession.id)).all()
        record(tx, "accounts.end-other-sessions", ended=len(ended))
        return len(ended)


def _live(tx: Transaction) -> tuple[ColumnElement[bool], ...]:
    now, minute = clock.now(), timedelta(minutes=1)
    epoch = select(Account.security_epoch).where(Account.id == tx.principal.account_id).scalar_subquery()
    return (
        AccountSession.account_id == tx.principal.account_id,
        AccountSession.security_epoch == epoch,
        AccountSession.ended_at.is_(None),
        AccountSession.expires_at > now,
        AccountSession.last_seen_at + AccountSession.idle_minutes * minute > now,
    )
