"""What workers do about notices."""

from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from plugins.notifications.drills.mails import play_mails
from plugins.notifications.notices import sending, services


def send_notices(run: JobRun) -> Counts:
    """Write to everybody whom a notice is for that was let out, and keep what became of it."""
    sending.keep_back(run.who)
    return {
        lazy("written to"): sending.send_notices(run.who, progress=run.progress),
        lazy("schools told that one founder decided"): sending.tell_schools(run.who),
        lazy("come back in drills"): play_mails(run.who),
        lazy("settled"): sending.settle(run.who),
    }


def remind_of_reviews(run: JobRun) -> Counts:
    """Tell founders which notices are to be looked at again."""
    return {lazy("reminded of"): services.remind(run.who)}


JOBS = (
    Job("send-notices", send_notices, every(minutes=1), title=lazy("Send notices about incidents")),
    Job(
        "remind-of-reviews",
        remind_of_reviews,
        every(minutes=30),
        title=lazy("Remind founders of notices to be looked at again"),
    ),
)
