"""The accounts' work in the background."""

from backoffice.accounts.address_models import EmailChange, SignUp
from backoffice.accounts.models import AccountLetter, AccountLink
from backoffice.accounts.services.email_change import write_email_changes
from backoffice.accounts.services.letters import write_letters
from backoffice.accounts.services.sign_up import write_sign_ups
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy


def _write_letters(run: JobRun) -> Counts:
    """Write what is mailed about accounts."""
    return write_letters(run.who)


def _write_sign_ups(run: JobRun) -> Counts:
    """Write to those who want an account, and forget who never finished."""
    return write_sign_ups(run.who)


def _write_email_changes(run: JobRun) -> Counts:
    """Write to the new and the old addresses of accounts, and forget what is settled."""
    return write_email_changes(run.who)


JOBS = (
    Job(
        "write-letters",
        _write_letters,
        every(minutes=5),
        title=lazy("Write mails about accounts"),
        expires=(AccountLetter, AccountLink),
    ),
    Job(
        "write-sign-ups",
        _write_sign_ups,
        every(minutes=5),
        title=lazy("Write links to open accounts"),
        expires=(SignUp,),
    ),
    Job(
        "write-email-changes",
        _write_email_changes,
        every(minutes=5),
        title=lazy("Write to changed addresses"),
        expires=(EmailChange,),
    ),
)
