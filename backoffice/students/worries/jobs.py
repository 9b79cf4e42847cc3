"""Mails about what children told, and forgetting it, in the background."""

from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy
from backoffice.students.worries.letters import write_worry_letters
from backoffice.students.worries.models import Worry
from backoffice.students.worries.services import forget_old


def _write_worry_letters(run: JobRun) -> Counts:
    """Tell grown-ups that a child told something, and remind them while it is open."""
    return write_worry_letters(run.who)


def _forget_worries(run: JobRun) -> Counts:
    """Forget what children told six months ago."""
    return forget_old(run.who)


JOBS = (
    Job(
        "write-worry-letters",
        _write_worry_letters,
        every(minutes=5),
        title=lazy("Write mails about what children told"),
    ),
    Job(
        "forget-worries",
        _forget_worries,
        daily(at="03:55"),
        title=lazy("Forget what children told six months ago"),
        expires=(Worry,),
    ),
)
