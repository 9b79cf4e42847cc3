"""Ending an account whose time is over: nobody gets in any more, and it is erased."""

from datetime import datetime

from sqlalchemy import update

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.privacy.erasure import services as erasure
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected


def close(tx: Transaction, person: Account, now: datetime) -> None:
    """Let nobody in any more: whoever came in now would find an account that goes while they use it."""
    closed = update(Account).where(Account.id == person.id)
    values = {
        "status": AccountStatus.DEACTIVATED,
        "deactivated_at": now,
        "security_epoch": Account.security_epoch + 1,
    }
    tx.execute(closed.values(values).execution_options(synchronize_session=False))


def begin(eraser: Eraser, public_id: str) -> bool:
    """Have it erased; whether it was not being erased already."""
    try:
        erasure.begin(eraser=eraser, subject=Subject.ACCOUNT, public_id=public_id, asked_as=AskedAs.RETENTION)
    except Rejected:  # it is being erased already
        return False
    return True
