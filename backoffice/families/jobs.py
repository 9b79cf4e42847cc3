"""Work about families in the background."""

from backoffice.families.models import GuardianInvitation, GuardianLink, StudentView
from backoffice.families.services.letters import forget_views, write_family_letters
from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy


def _write_family_letters(run: JobRun) -> Counts:
    """Write what is mailed to parents, and to teachers about those who wait."""
    return write_family_letters(run.who)


def _forget_views(run: JobRun) -> Counts:
    """Forget who opened a child's record six months ago."""
    return forget_views(run.who)


JOBS = (
    Job(
        "write-family-letters",
        _write_family_letters,
        every(minutes=5),
        title=lazy("Write mails to parents and about them"),
        expires=(GuardianInvitation, GuardianLink),
    ),
    Job(
        "forget-views",
        _forget_views,
        daily(at="03:50"),
        title=lazy("Forget who opened records six months ago"),
        expires=(StudentView,),
    ),
)
