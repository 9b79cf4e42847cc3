"""Forgetting jobs that ended long ago."""

from datetime import timedelta

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.jobs import queries
from backoffice.jobs.job import Counts, JobRun

KEPT = timedelta(days=30)


def forget_jobs(run: JobRun) -> Counts:
    """Delete runs, and jobs in the queue, that ended more than 30 days ago."""
    before = clock.now() - KEPT
    with transaction(run.who) as tx:
        return {
            "finished runs": queries.forget_runs(tx, before=before),
            "queued": queries.forget_jobs(tx, before=before),
        }
