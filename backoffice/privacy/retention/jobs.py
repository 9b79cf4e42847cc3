"""What workers do for changes of the policy of retention. No switch of a plugin stops it."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.privacy.retention import deciding, telling


def _tell_policy(run: JobRun) -> Counts:
    """Take the first policy where there is none, and tell schools of what was decided since."""
    deciding.accept_first(principal=run.who)
    return {lazy("told"): telling.tell_schools(principal=run.who, progress=run.progress)}


JOBS = (
    Job(
        "tell-policy",
        _tell_policy,
        every(hours=1),
        title=lazy("Tell schools of changes of the policy of retention"),
    ),
)
