"""Forgetting what was tried, when its span is over."""

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, JobRun
from backoffice.privacy.retention.runs import note
from backoffice.storage import functions
from backoffice.throttles.kinds import TRIES


def forget_tries(run: JobRun) -> Counts:
    """Delete the counts of spans that are over."""
    with transaction(run.who) as tx:
        before = TRIES.before(clock.now())
        gone = functions.forget_past_tries(tx, before=before)
        note(tx, TRIES, gone, up_to=before)
        return {"forgotten": gone}
