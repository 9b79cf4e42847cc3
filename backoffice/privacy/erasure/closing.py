"""The end of an erasure: it has its receipt, and forgets whom it was about."""

from datetime import datetime

from backoffice.access.transaction import Transaction
from backoffice.privacy.erasure import letters, receipts
from backoffice.privacy.erasure.ledger import Issued
from backoffice.privacy.erasure.models import Erasure, Stage
from backoffice.privacy.erasure.plan import Plan


def end_with(tx: Transaction, row: Erasure, plan: Plan, issued: Issued) -> None:
    """End an erasure of which nothing is left, with this receipt; whoever had the account is written to."""
    found = row.found
    row.receipt, row.signature = issued.receipt, issued.signature
    row.verified_at = datetime.fromisoformat(receipts.read(issued.receipt)["times"]["verified"])
    row.end(Stage.VERIFIED)
    tx.flush()
    letters.tell_owner(tx, row, plan, found)
