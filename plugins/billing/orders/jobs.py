"""Placing what schools ordered: at once, and again while Stripe cannot be reached."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from plugins.billing import asking
from plugins.billing.orders import placing


def place_orders(run: JobRun) -> Counts:
    """Place at Stripe whatever schools ordered."""
    if not asking.is_connected():
        return {}
    placed = placing.place_orders(run.who, asking.current().client, progress=run.progress)
    return {
        lazy("invoices sent"): placed.sent,
        lazy("orders that Stripe did not accept"): placed.failed,
        lazy("orders to be tried again"): placed.waiting,
    }


JOBS = (Job("place-orders", place_orders, every(minutes=10), title=lazy("Place purchase orders at Stripe")),)
