"""The promises, checked by themselves."""

from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from plugins.trust import services


def check_what_is_due(run: JobRun) -> Counts:
    """Check every promise whose last answer is older than its interval."""
    return {lazy("checked"): services.check_what_is_due(app=run.app)}
