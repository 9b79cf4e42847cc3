"""The work in the background of looking after accounts."""

from backoffice.accounts.care.models import FactorReset, SecurityEvent
from backoffice.accounts.care.services import dormancy, events, factor_resets
from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy


def _finish_resets(run: JobRun) -> Counts:
    """Take away second factors whose owners had a day to refuse."""
    return factor_resets.finish_resets(run.who)


def _lock_dormant(run: JobRun) -> Counts:
    """Tell and lock founders and leaders who were not here for long."""
    return dormancy.lock_dormant(run.who)


def _forget_events(run: JobRun) -> Counts:
    """Forget security events and resets after six months."""
    return events.forget_old(run.who)


JOBS = (
    Job(
        "finish-factor-resets", _finish_resets, every(minutes=5), title=lazy("Take away lost second factors")
    ),
    Job("lock-dormant", _lock_dormant, daily(at="04:20"), title=lazy("Lock staff accounts that are idle")),
    Job(
        "forget-security-events",
        _forget_events,
        daily(at="04:40"),
        title=lazy("Forget old security events"),
        forgets=True,
        expires=(SecurityEvent, FactorReset),
    ),
)
