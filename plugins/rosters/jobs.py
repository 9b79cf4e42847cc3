"""What workers do for rosters."""

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from plugins.rosters import services, settings


def import_upload(run: JobRun) -> Counts:
    """Import a set that a leader uploaded."""
    number = int(run.arguments["number"])
    outcome = services.run_upload(principal=run.who, number=number, tick=run.progress, last=run.last)
    if outcome is None:
        run.say(lazy("This import is over already."))
        return {}
    if not outcome.done:
        run.say(lazy("It was not to be imported; nothing was changed. The report says why."))
        return {"lines": outcome.noted.lines, "imported": 0}
    if outcome.dry_run or outcome.otherwise:
        run.say(lazy("It was looked at; nothing was changed."))
        return {"lines": outcome.noted.lines, "imported": 0}
    return {"lines": outcome.noted.lines, "imported": 1, **outcome.counts}


def forget_uploads(run: JobRun) -> Counts:
    """Delete uploads that waited too long, and the names in reports that are no longer new."""
    now = clock.now()
    with transaction(run.who) as tx:
        kept = settings.current(tx)
    return {
        "files of somebody erased": services.end_erased(principal=run.who),
        "given up": services.give_up(principal=run.who, before=now - kept.uploads_kept),
        "reports without names": services.forget_names(principal=run.who, before=now - kept.names_kept),
    }
