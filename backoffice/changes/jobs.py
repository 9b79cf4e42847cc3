"""Work about kept changes in the background."""

from backoffice.changes.models import CHANGES
from backoffice.changes.services import forget_old
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.settings import Settings


def _forget(run: JobRun) -> Counts:
    """Forget changes of records that are older than the setting says."""
    settings: Settings = run.app.extensions["backoffice"].settings
    return forget_old(run.who, days=settings.changes.kept_days)


JOBS = (
    Job(
        "forget-kept-changes",
        _forget,
        every(hours=1),
        title=lazy("Forget old changes of records"),
        expires=CHANGES,
    ),
)
