"""What workers do for retention."""

from collections.abc import Callable

from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.retention import kinds
from backoffice.privacy.retention.runs import Rules
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from plugins.retention import alone, contracts, idle, ownerless, services

WAITS = lazy("Something would lose much at once, and waits for a person: see the page Retention.")

STILL = lazy("Something waits for its last warning to leave, or for a person: see the page Retention.")


def look_after_idle(run: JobRun) -> Counts:
    """Tell whose account nobody uses or belongs nowhere, and erase those whose time is over."""
    runtime: Runtime = run.app.extensions["backoffice"]
    eraser, rules = eraser_of(runtime, run.who), Rules(runtime.settings.retention.most_share)
    looked = [
        idle.look_after_idle(principal=run.who, eraser=eraser, rules=rules),
        alone.look_after_alone(principal=run.who, eraser=eraser, rules=rules),
    ]
    if any(each.waiting for each in looked):
        run.say(WAITS)
    return {
        lazy("told"): sum(each.told for each in looked),
        lazy("accounts to be erased"): sum(each.begun for each in looked),
        lazy("waiting for a person"): sum(each.waiting for each in looked),
        lazy("kept by a legal hold"): sum(each.held for each in looked),
        lazy("lead a place alone"): sum(each.lead_alone for each in looked),
    }


def look_after_ownerless(run: JobRun) -> Counts:
    """Tell leaders of classes that nobody teaches, and erase those whose time is over."""
    return _counted(run, ownerless.look_after_ownerless, lazy("classes to be erased"))


def look_after_contracts(run: JobRun) -> Counts:
    """Tell leaders whose contract ended, and erase the schools and districts whose time is over."""
    return _counted(run, contracts.look_after_contracts, lazy("places to be erased"))


def _counted(run: JobRun, look: Callable[..., idle.Looked], begun: str) -> Counts:
    runtime: Runtime = run.app.extensions["backoffice"]
    looked = look(
        principal=run.who,
        eraser=eraser_of(runtime, run.who),
        rules=Rules(runtime.settings.retention.most_share),
    )
    if looked.waiting:
        run.say(STILL)
    return {
        lazy("told"): looked.told,
        begun: looked.begun,
        lazy("waiting"): looked.waiting,
        lazy("kept by a legal hold"): looked.held,
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
    return {
        lazy("erased"): sum(outcome.gone.values()),
        lazy("waiting for a person"): len(outcome.paused),
        lazy("kept by a legal hold"): sum(outcome.held.values()),
    }
