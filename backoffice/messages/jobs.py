"""Forgetting old messages."""

from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, Job, JobRun, daily
from backoffice.language.texts import lazy
from backoffice.messages.kinds import MESSAGES
from backoffice.messages.models import Message
from backoffice.privacy.retention.runs import forget


def forget_messages(run: JobRun) -> Counts:
    """Forget what was told longer ago than it is kept."""
    with transaction(run.who) as tx:
        return {lazy("messages forgotten"): forget(tx, MESSAGES)}


JOBS = (
    Job(
        "forget-messages",
        forget_messages,
        daily(at="03:40"),
        title=lazy("Forget old messages"),
        expires=(Message,),
    ),
)
