"""Work about schools in the background."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.schools.roster_models import RosterChange
from backoffice.schools.services.changes import forget_old_changes


def _forget_changes(run: JobRun) -> Counts:
    """Forget changes of rosters and names that are too old to be undone."""
    return forget_old_changes(run.who)


JOBS = (
    Job(
        "forget-changes",
        _forget_changes,
        every(hours=1),
        title=lazy("Forget changes that are too old to undo"),
        expires=(RosterChange,),
    ),
)
