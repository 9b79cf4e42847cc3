"""Forgetting jobs that ended long ago."""

from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, JobRun
from backoffice.jobs.kinds import QUEUED, RUNS
from backoffice.privacy.retention.runs import forget


def forget_jobs(run: JobRun) -> Counts:
    """Delete runs, and jobs in the queue, that ended so long ago that the policy keeps them no longer."""
    with transaction(run.who) as tx:
        return {"finished runs": forget(tx, RUNS), "queued": forget(tx, QUEUED)}
