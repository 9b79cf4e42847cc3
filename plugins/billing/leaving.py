"""Leaving Stripe: whoever is erased here is no customer there any more, and is asked for no more money.

What runs is cancelled at once and nothing of it is given back: what was paid for was given, and a refund
would be another payment to somebody of whom nothing is to be left. Invoices that are open are made void, so
that no card is asked for them again. Those that were paid stay at Stripe, also of a customer that is deleted:
tax law has them kept for years. A subscription of a district goes with the district, and with none of its
schools.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, select
from stripe import StripeClient

from backoffice.access.transaction import Transaction
from backoffice.jobs.job import JobRun
from backoffice.language.texts import lazy
from backoffice.privacy.holdings import Subject, Target
from backoffice.privacy.outside import Outside
from backoffice.storage.numbers import one_of
from plugins.billing import asking, sync
from plugins.billing.asking import Refused, asked
from plugins.billing.models import OVER, Customer, InvoiceStatus

# So many of the invoices that stay are named on a receipt; the others are found beside them.
NAMED = 5


def references(tx: Transaction, target: Target) -> Iterator[str]:
    """What Stripe calls whoever goes. Where an account goes, its own school goes as one of its own."""
    if target.subject is Subject.SCHOOL:
        yield from _called(tx, one_of(Customer.school_id, target.numbers))
    elif target.subject is Subject.DISTRICT:
        yield from _called(tx, one_of(Customer.district_id, target.numbers))


def _called(tx: Transaction, which: ColumnElement[bool]) -> Iterator[str]:
    # Whoever is just being named or subscribed there is waited for: else it would go on there.
    found = tx.scalars(select(Customer.stripe_id).where(which).order_by(Customer.id).with_for_update()).all()
    return (each for each in found if each is not None)


def erase(run: JobRun, reference: str) -> str:
    """Cancel what a customer has subscribed to and delete it; by what Stripe finds it and what stays there.

    What was deleted there is as good; what that Stripe has never had is not: then it is another one, and the
    customer goes on where it is. Raises `NotConnected` where no Stripe is connected any more, `Unreachable`,
    `Refused`: it is tried again, the promise falls short meanwhile and says so.
    """
    del run
    client = asking.current().client
    found = sync.ask(client, reference)
    for each in found.subscriptions:
        if each["status"] not in OVER:
            with _gone_is_as_good():
                client.v1.subscriptions.cancel(str(each["id"]), {"prorate": False, "invoice_now": False})
    _void_what_is_open(client, reference)
    with _gone_is_as_good():
        client.v1.customers.delete(reference)
    kept = [str(each["id"]) for each in found.invoices if each.get("status") == InvoiceStatus.PAID]
    more = [f"+{len(kept) - NAMED}"] if len(kept) > NAMED else []
    return ", ".join([reference, *kept[:NAMED], *more])


def _void_what_is_open(client: StripeClient, reference: str) -> None:
    """Asked anew: what was cancelled may have left another one."""
    for each in sync.ask(client, reference).invoices:
        if each.get("status") == InvoiceStatus.OPEN:
            with _gone_is_as_good():
                client.v1.invoices.void_invoice(str(each["id"]))


@contextmanager
def _gone_is_as_good() -> Iterator[None]:
    try:
        with asked():
            yield
    except Refused as refused:
        if not refused.gone:
            raise


STRIPE = Outside(
    "customer",
    lazy("Stripe: subscription cancelled and customer deleted; paid invoices stay there as tax law asks"),
    references,
    erase,
)
