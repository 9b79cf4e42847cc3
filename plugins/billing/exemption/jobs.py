"""Telling Stripe and schools about certificates: at once, and each hour."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from plugins.billing import asking
from plugins.billing.exemption import telling


def tell_exemptions(run: JobRun) -> Counts:
    """Tell Stripe who pays no sales tax, and schools that their certificate ends."""
    if not asking.is_connected():
        return {}
    told = telling.tell(run.who, asking.current().client, progress=run.progress)
    return {
        lazy("tax certificates begun"): told.begun,
        lazy("tax certificates ended"): told.ended,
        lazy("schools warned"): told.warned,
        lazy("tax certificates to be tried again"): told.waiting,
    }


JOBS = (
    Job("tell-exemptions", tell_exemptions, every(hours=1), title=lazy("Tell Stripe who pays no sales tax")),
)
