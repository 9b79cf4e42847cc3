"""Writing to whoever had an account, or led a school, that it is erased: with the receipt."""

from collections.abc import Iterable, Mapping
from typing import Any

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure import mails, receipts
from backoffice.privacy.erasure.models import AskedAs, Erasure
from backoffice.privacy.erasure.plan import Plan

# In what was found of something before it went: what it was called, and whom its receipt is sent to.
TITLE, RECEIPT_TO = "title", "receipt_to"


def tell_owner(tx: Transaction, row: Erasure, plan: Plan, found: Mapping[str, Any] | None) -> None:
    """Write to whoever had the own account erased, or led what is gone, that it is done, with the receipt.

    `found` says the name and the language that the account had, or what `kept` made. The address is in the
    mail alone, which forgets it when it is sent.
    """
    if found is None or row.receipt is None:
        return
    number, digest, now = row.public_id, receipts.hash_of(row.receipt), clock.now()
    if row.asked_as == AskedAs.OWNER:
        told = mails.AccountErased(number, digest, now)
        for target in plan.targets:
            for address in target.addresses:
                to = Recipient(None, address, found["name"], found["language"])
                post(tx, mails.ACCOUNT_ERASED, to=to, parameters=told)
    for address, name, language in found.get(RECEIPT_TO, ()):
        # As nobody's: the account may be gone as well.
        to = Recipient(None, address, name, language)
        gone = mails.PlaceErased(found[TITLE], number, digest, now)
        post(tx, mails.PLACE_ERASED, to=to, parameters=gone)


def kept(title: str, to: Iterable[Recipient]) -> dict[str, Any]:
    """What an erasure keeps until it is done, to send its receipt to these."""
    return {TITLE: title, RECEIPT_TO: [[each.address, each.name, each.language] for each in to]}
