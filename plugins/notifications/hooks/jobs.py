"""What workers do about systems of districts."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.settings import Settings
from plugins.notifications.hooks import sending


def call_districts(run: JobRun) -> Counts:
    """Call the systems of districts whose schools a notice went out to, and keep what became of it."""
    settings: Settings = run.app.extensions["backoffice"].settings
    noted, given_up = sending.note_due(run.who), sending.give_up(run.who)
    delivered = sending.call_all(run.who, private=settings.hooks_private, progress=run.progress)
    return {
        lazy("calls to be made"): noted,
        lazy("calls delivered"): delivered,
        lazy("calls given up"): given_up,
    }


JOBS = (
    Job(
        "call-districts",
        call_districts,
        every(minutes=1),
        title=lazy("Call the systems of districts about incidents"),
    ),
)
