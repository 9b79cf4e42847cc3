"""Placing what schools ordered, again while Stripe is away; and deleting papers when it is time."""

from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy
from backoffice.privacy.retention.runs import forget
from plugins.billing import asking
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.kinds import KINDS
from plugins.billing.models import StripeEvent
from plugins.billing.orders import placing
from plugins.billing.orders.models import PurchaseOrder, Quote


def place_orders(run: JobRun) -> Counts:
    """Place at Stripe whatever schools ordered."""
    if not asking.is_connected():
        return {}
    placed = placing.place_orders(run.who, asking.current().client, progress=run.progress)
    return {
        lazy("invoices sent"): placed.sent,
        lazy("orders that could not be placed"): placed.failed,
        lazy("orders to be tried again"): placed.waiting,
    }


def forget_papers(run: JobRun) -> Counts:
    """Delete what has been kept for its time: papers of schools, and that Stripe told something."""
    with transaction(run.who) as tx:
        return {lazy("papers deleted"): sum(forget(tx, kind) for kind in KINDS)}


JOBS = (
    Job("place-orders", place_orders, every(minutes=10), title=lazy("Place purchase orders at Stripe")),
    Job(
        "forget-papers",
        forget_papers,
        daily(at="03:50"),
        title=lazy("Delete what billing has kept for its time"),
        forgets=True,
        expires=(Quote, PurchaseOrder, TaxCertificate, StripeEvent),
    ),
)
