"""What workers do for retention."""

from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.retention import kinds
from backoffice.privacy.retention.runs import Rules
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from plugins.retention import idle, services

WAITS = lazy("Something would lose much at once, and waits for a person: see the page Retention.")


def look_after_idle(run: JobRun) -> Counts:
    """Tell whose account nobody uses, and erase those whose time is over."""
    runtime: Runtime = run.app.extensions["backoffice"]
    looked = idle.look_after_idle(
        principal=run.who,
        eraser=eraser_of(runtime, run.who),
        rules=Rules(runtime.settings.retention.most_share),
    )
    if looked.waiting:
        run.say(WAITS)
    return {
        lazy("told"): looked.told,
        lazy("accounts to be erased"): looked.begun,
        lazy("waiting for a person"): looked.waiting,
        lazy("lead a place alone"): looked.lead_alone,
    }


def let_go(run: JobRun) -> Counts:
    """Let go what is due of every kind of data."""
    settings: Settings = run.app.extensions["backoffice"].settings
    outcome = services.let_go(
        principal=run.who,
        kinds=kinds.installed().values(),
        rules=Rules(settings.retention.most_share),
        log_folder=settings.log_dir,
        progress=run.progress,
    )
    if outcome.paused:
        run.say(WAITS)
    return {lazy("erased"): sum(outcome.gone.values()), lazy("waiting for a person"): len(outcome.paused)}
