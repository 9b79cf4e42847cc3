"""Erasing the own account: nobody gets in from that moment on, and a worker erases what it holds."""

from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import email_change, proof
from backoffice.accounts.services.deactivation import close
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.jobs.models import Asked
from backoffice.language.texts import lazy
from backoffice.privacy.erasure.asking import ERASE, NOT_ITS_NAME
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.services import UNDER_WAY
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.storage.public_id import PublicId, new_public_id

MOVED = lazy(
    "The address of this account was changed within the last week, and the one before can still take it back."
    " Delete the account after that."
)


def erase_own_account(*, principal: Principal, typed: str) -> PublicId:
    """Close the principal's account and have it erased; the number that its receipt will have.

    `typed` is its address, so that nobody means something else. Raises `Rejected`, also for the last founder
    and the last leader of a place, and `ProofNeeded`.
    """
    try:
        return _erase(principal, typed)
    except IntegrityError:
        raise Rejected.whole(UNDER_WAY) from None


def _erase(principal: Principal, typed: str) -> PublicId:
    now, outside = clock.now(), new_public_id()
    with transaction(principal) as tx:
        proof.demand(tx)
        me = proof.me(tx)
        if email_change.can_be_taken_back(tx):
            raise Rejected.whole(MOVED)
        if typed.strip().casefold() != me.email.casefold():
            raise Rejected(typed=NOT_ITS_NAME)
            # For the letter that says it is done: by then the account is gone.
        found = {"name": me.name, "language": me.language}
        close(tx, at=now)
        number = tx.take_id(Erasure)
        tx.add(
            Erasure(
                id=number,
                public_id=outside,
                subject=Subject.ACCOUNT,
                subject_id=me.id,
                stage=Stage.CONFIRMED,
                found=found,
                asked_by=me.id,
                asked_as=AskedAs.OWNER,
                asked_at=now,
                confirmed_at=now,
            )
        )
        tx.flush()
        queue.put(tx, ERASE, {"erasure": number}, asked=Asked.PERSON)
        record(tx, "erasures.confirm", erasure=number, subject=str(Subject.ACCOUNT))
    return outside
