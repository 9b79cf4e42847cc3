"""What is done about incidents by itself."""

from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, JobRun
from backoffice.privacy.retention.runs import forget
from plugins.notifications.kinds import INCIDENTS


def forget_incidents(run: JobRun) -> Counts:
    """Delete incidents that were closed longer ago than they are kept, with all that belongs to them."""
    with transaction(run.who) as tx:
        return {"incidents": forget(tx, INCIDENTS)}
