"""Forgetting what was tried, when its span is over."""

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, JobRun
from backoffice.storage import functions


def forget_tries(run: JobRun) -> Counts:
    """Delete the counts of spans that are over."""
    with transaction(run.who) as tx:
        return {"forgotten": functions.forget_past_tries(tx, before=clock.now())}
