"""Mails about what parents ask, in the background."""

from backoffice.families.requests.letters import write_request_letters
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy


def _write_request_letters(run: JobRun) -> Counts:
    """Write what is mailed about parents' requests."""
    return write_request_letters(run.who)


JOBS = (
    Job(
        "write-request-letters",
        _write_request_letters,
        every(minutes=5),
        title=lazy("Write mails about what parents ask"),
    ),
)
