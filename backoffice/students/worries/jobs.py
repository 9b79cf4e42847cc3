"""Forgetting what children told, in the background."""

from backoffice.jobs.job import Counts, Job, JobRun, daily
from backoffice.students.worries.services import forget_old


def _forget_worries(run: JobRun) -> Counts:
    """Forget what children told six months ago."""
    return forget_old(run.who)


JOBS = (
    Job(
        "forget-worries",
        _forget_worries,
        daily(at="03:55"),
        title="Forget what children told six months ago",
    ),
)
