"""What workers do about letters."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from plugins.notifications.letters import services


def print_letters(run: JobRun) -> Counts:
    """Shape the letters of a batch that a founder wants on paper."""
    number = int(run.arguments["number"])
    return {lazy("letters prepared"): services.prepare(run.who, number, told=run.progress)}


def forget_prints(run: JobRun) -> Counts:
    """Forget letters that were prepared an hour ago."""
    return {lazy("prepared letters forgotten"): services.forget_prints(run.who)}


JOBS = (
    Job("print-letters", print_letters, title=lazy("Prepare letters about incidents"), attempts=3),
    Job(
        "forget-prints",
        forget_prints,
        every(minutes=5),
        title=lazy("Forget letters that were prepared"),
    ),
)
