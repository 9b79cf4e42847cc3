"""Work about staff in the background."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.staff.models import Invitation
from backoffice.staff.services.invitations import write_invitations


def _write_invitations(run: JobRun) -> Counts:
    """Write what is mailed to those who are invited."""
    return write_invitations(run.who)


JOBS = (
    Job(
        "write-invitations",
        _write_invitations,
        every(minutes=5),
        title=lazy("Write invitations into schools"),
        expires=(Invitation,),
    ),
)
