"""Ending what the time is over of: nobody gets in to an account any more, and it is erased."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.outbox.mail import Recipient
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


def begin(eraser: Eraser, subject: Subject, public_id: str, *, receipt_to: Sequence[Recipient] = ()) -> bool:
    """Have it erased; whether it is there and was not being erased already."""
    try:
        erasure.begin(
            eraser=eraser,
            subject=subject,
            public_id=public_id,
            asked_as=AskedAs.RETENTION,
            receipt_to=receipt_to,
        )
    except (Rejected, NotFound):  # it is being erased already, or is gone with what it was in
        return False
    return True
