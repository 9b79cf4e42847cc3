"""Reading in the background what somebody asked for, as they would see it themselves now.

Row-level security narrows what a worker reads on somebody's behalf as it narrows what the web reads for
them: no query has to know who asked.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from backoffice import clock
from backoffice.access.principal import AccountToken, Credential, Principal
from backoffice.access.transaction import Transaction, snapshot, transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.storage.public_id import new_public_id

_LASTS = timedelta(minutes=1)
# The web's statements are short. Those of a worker read to the end, and somebody waits for that.
LONGEST_STATEMENT = "10min"


@contextmanager
def reading_for(who: Principal | Credential, *, account: int, asked_at: datetime) -> Iterator[Transaction]:
    """A `snapshot` as the owner of an account, as if they had signed in as they had when they asked.

    `who` is the system. The session by which it is entered is gone before anything is read: whoever looks
    where they are signed in does not find it, and it keeps no row from being erased. Raises `SessionEnded`
    for an account that may not sign in.
    """
    digest = secrets.token_bytes(32)
    with transaction(who) as tx:
        number = _begin(tx, account, asked_at, digest)
    with snapshot(AccountToken(digest)) as tx:
        try:
            tx.connection()
        finally:
            _end(who, number)
        tx.execute(select(func.set_config("statement_timeout", LONGEST_STATEMENT, True)))
        yield tx


def _begin(tx: Transaction, account: int, asked_at: datetime, digest: bytes) -> int:
    """Begin a session that came as the one in which it was asked for: some schools ask for that."""
    now, number = clock.now(), tx.take_id(AccountSession)
    came = tx.execute(
        select(AccountSession.came_by, AccountSession.came_from)
        .where(AccountSession.account_id == account, AccountSession.started_at <= asked_at)
        .order_by(AccountSession.started_at.desc())
        .limit(1)
    ).one_or_none()
    epoch = select(Account.security_epoch).where(
        Account.id == account, Account.status == AccountStatus.ACTIVE
    )
    tx.execute(
        insert(AccountSession).values(
            id=number,
            public_id=new_public_id(),
            account_id=account,
            token_digest=digest,
            # An account that may not sign in has none that fits.
            security_epoch=func.coalesce(epoch.scalar_subquery(), -1),
            started_at=now,
            last_seen_at=now,
            idle_minutes=1,
            expires_at=now + _LASTS,
            proven_at=now,
            came_by=came.came_by if came else None,
            came_from=came.came_from if came else None,
        )
    )
    return number


def _end(who: Principal | Credential, number: int) -> None:
    with transaction(who) as tx:
        tx.execute(delete(AccountSession).where(AccountSession.id == number))
