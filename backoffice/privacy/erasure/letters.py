"""Writing to whoever had an account that it is erased."""

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure import mails, receipts
from backoffice.privacy.erasure.models import AskedAs, Erasure


def tell_owner(tx: Transaction, row: Erasure, addresses: tuple[str, ...]) -> None:
    """Write to whoever had the account that it is erased, with its receipt; to nobody else's account.

    The address is in the mail alone, which forgets it when it is sent.
    """
    if row.asked_as != AskedAs.OWNER or row.found is None or row.receipt is None:
        return
    told = mails.AccountErased(row.public_id, receipts.hash_of(row.receipt), clock.now())
    for address in addresses:
        to = Recipient(None, address, row.found["name"], row.found["language"])
        post(tx, mails.ACCOUNT_ERASED, to=to, parameters=told)
