"""What workers do about payments: take in what Stripe tells, ask at once, and compare each night."""

from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy
from plugins.billing import asking, reconciling, sync, taking
from plugins.billing.dunning import services as dunning
from plugins.billing.models import Customer


def take_in(run: JobRun) -> Counts:
    """Take over whatever Stripe told about."""
    if not asking.is_connected():
        return {}
    taken = taking.take_in(run.who, asking.current().client, progress=run.progress)
    return {
        lazy("messages taken in"): taken.done,
        lazy("messages about nobody here"): taken.kept,
        lazy("messages to be tried again"): taken.waiting,
    }


def refresh(run: JobRun) -> Counts:
    """Ask Stripe at once about one school or district."""
    if not asking.is_connected():
        return {}
    with transaction(run.who) as tx:
        wanted = select(Customer).where(Customer.id == run.arguments["customer"]).with_for_update()
        customer = tx.scalars(wanted).one_or_none()
        if customer is None or customer.stripe_id is None:
            return {}
        return {
            lazy("rows changed"): sync.take_over(
                tx, customer, sync.ask(asking.current().client, customer.stripe_id)
            )
        }


def reconcile(run: JobRun) -> Counts:
    """Compare what is here with what Stripe has."""
    if not asking.is_connected():
        return {}
    found = reconciling.reconcile(run.who, asking.current().client, progress=run.progress)
    return {
        lazy("subscriptions compared"): found.looked_at,
        lazy("differences found"): found.differed,
        lazy("differences mended"): found.mended,
    }


def remind(run: JobRun) -> Counts:
    """Write to whoever manages a subscription what is due where it is day.

    Where no Stripe is connected nothing is limited, and nothing that could be written would be true.
    """
    if not asking.is_connected():
        return {}
    return {lazy("reminders written"): dunning.look_after(principal=run.who, progress=run.progress)}


JOBS = (
    Job("take-in", take_in, every(minutes=1), title=lazy("Take in what Stripe told")),
    Job("refresh", refresh, title=lazy("Ask Stripe how a subscription stands"), attempts=5),
    Job("remind", remind, every(hours=1), title=lazy("Write to schools about their payments in time")),
    Job("reconcile", reconcile, daily(at="04:20"), title=lazy("Compare subscriptions with Stripe")),
)
