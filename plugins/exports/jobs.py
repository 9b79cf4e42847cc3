"""What workers do for exports."""

from backoffice.access.transaction import Transaction
from backoffice.jobs import queue
from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from backoffice.privacy.erasure.events import SubjectErased
from plugins.exports import services
from plugins.exports.models import ExportState
from plugins.exports.places import folder_of

SAID = {
    None: lazy("This export is over already."),
    ExportState.QUEUED: lazy("It has no turn yet, and waits on."),
    ExportState.FAILED: lazy("Whoever asked for it may not take this along any more."),
}


def make(run: JobRun) -> Counts:
    """Make an export that somebody asked for."""
    state = services.make(
        principal=run.who,
        number=int(run.arguments["number"]),
        folder=folder_of(run.app),
        told=run.progress,
        last=run.last,
    )
    if state in SAID:
        run.say(SAID[state])
    return {"exports made": int(state is ExportState.READY)}


def destroy(run: JobRun) -> Counts:
    """Destroy the files of exports that are over, and let those begin whose turn has come."""
    return services.destroy(principal=run.who, folder=folder_of(run.app))


def destroy_erased(tx: Transaction, _event: SubjectErased) -> None:
    """Have the files destroyed at once that nobody wants since somebody was erased."""
    queue.defer(tx, services.DESTROY)
