"""The made-up child of every night."""

from datetime import timedelta

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.founders import other_founders
from backoffice.jobs.job import Counts, Job, JobRun, daily
from backoffice.language.texts import lazy
from backoffice.outbox.services import post
from backoffice.privacy.canary.mails import CANARY_FAILED, CanaryFailed
from backoffice.privacy.canary.trial import CanaryFailure, run_trial, went_well_since
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.runtime import Runtime

ENOUGH = timedelta(hours=1)


def try_out(run: JobRun) -> Counts:
    """Make, use and erase a made-up child. Raises `CanaryFailure`, when founders have been told.

    One that went well within the last hour is enough: a run that was killed at its end is run again.
    """
    if went_well_since(run.who, clock.now() - ENOUGH):
        return {}
    runtime: Runtime = run.app.extensions["backoffice"]
    ended = run_trial(run.app, eraser_of(runtime, run.who), runtime.settings)
    if ended.problem is not None:
        run.say(ended.problem)
        # Every night on which it fails as often as it is tried.
        if run.last:
            _tell_founders(run.who, CanaryFailed(ended.begun_at, ended.problem))
        raise CanaryFailure(ended.problem)
    return {lazy("milliseconds to erase the child"): ended.milliseconds or 0}


def _tell_founders(who: Purpose, failed: CanaryFailed) -> None:
    with transaction(who) as tx:
        for founder in other_founders(tx):
            post(tx, CANARY_FAILED, to=founder, parameters=failed)


JOBS = (
    Job(
        "try-out-erasing",
        try_out,
        daily(at="03:20"),
        title=lazy("Make, use and erase a made-up child"),
        attempts=3,
    ),
)
