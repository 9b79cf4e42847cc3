"""The accounts' work in the background."""

from backoffice.accounts.services.letters import write_letters
from backoffice.jobs.job import Counts, Job, JobRun, every


def _write_letters(run: JobRun) -> Counts:
    """Write what is mailed about accounts."""
    return write_letters(run.who)


JOBS = (Job("write-letters", _write_letters, every(minutes=5), title="Write mails about accounts"),)
