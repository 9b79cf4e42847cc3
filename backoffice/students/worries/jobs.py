"""Mails about what children told, in the background."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.students.worries.letters import write_worry_letters


def _write_worry_letters(run: JobRun) -> Counts:
    """Tell grown-ups that a child told something, and remind them while it is open."""
    return write_worry_letters(run.who)


JOBS = (
    Job(
        "write-worry-letters",
        _write_worry_letters,
        every(minutes=5),
        title=lazy("Write mails about what children told"),
    ),
)
