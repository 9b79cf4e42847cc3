"""The outbox's work by itself: sending when there is something, looking once a minute, forgetting daily."""

import atexit

from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy
from backoffice.outbox import sending
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.settings import Settings

NO_WAY_OUT = lazy("No mail server is named: set BACKOFFICE_SMTP_URL. Mails stay queued until then.")


def send_mail(run: JobRun) -> Counts:
    """Send every mail that is due."""
    settings: Settings = run.app.extensions["backoffice"].settings
    done = sending.send_by_settings(settings, run.who, run.progress)
    if done is None:
        run.say(NO_WAY_OUT)
        return {}
    return done.counts


def forget_mail(run: JobRun) -> Counts:
    """Forget what mails said that could not be sent, and old mails."""
    return sending.forget_mail(run.who)


atexit.register(sending.close_kept)

JOBS = (
    Job("send-mail", send_mail, every(minutes=1), title=lazy("Send mails")),
    Job(
        "forget-mail",
        forget_mail,
        daily(at="03:40"),
        title=lazy("Forget old mails"),
        expires=(OutgoingMail, MailContent),
    ),
)
