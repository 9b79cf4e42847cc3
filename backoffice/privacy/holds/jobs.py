"""What workers do about legal holds."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.privacy.holds import services


def look_after_holds(run: JobRun) -> Counts:
    """Let proposals lapse that nobody confirmed, and tell founders what is to be looked at again."""
    return {lazy("lapsed"): services.let_lapse(run.who), lazy("reminded of"): services.remind(run.who)}


JOBS = (
    Job(
        "look-after-holds",
        look_after_holds,
        every(minutes=15),
        title=lazy("Look after legal holds"),
    ),
)
