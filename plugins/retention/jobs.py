"""What workers do for retention."""

from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from backoffice.privacy.retention import kinds
from backoffice.privacy.retention.runs import Rules
from backoffice.settings import Settings
from plugins.retention import services

WAITS = lazy("Something would lose much at once, and waits for a person: see the page Retention.")


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
