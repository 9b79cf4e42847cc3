"""Writing to whoever had an account that it is erased."""

from collections.abc import Mapping

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure import mails, receipts
from backoffice.privacy.erasure.models import AskedAs, Erasure
from backoffice.privacy.erasure.plan import Plan


def tell_owner(tx: Transaction, row: Erasure, plan: Plan, found: Mapping[str, str] | None) -> None:
    """Write to whoever had the own account erased that it is done, with the receipt.

    `found` says the name and the language that the account had. The address is in the mail alone, which
    forgets it when it is sent.
    """
    if row.asked_as != AskedAs.OWNER or found is None or row.receipt is None:
        return
    told = mails.AccountErased(row.public_id, receipts.hash_of(row.receipt), clock.now())
    for target in plan.targets:
        for address in target.addresses:
            to = Recipient(None, address, found["name"], found["language"])
            post(tx, mails.ACCOUNT_ERASED, to=to, parameters=told)
