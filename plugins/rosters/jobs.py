"""What workers do for rosters."""

from datetime import timedelta

from backoffice import clock
from backoffice.jobs.job import Counts, JobRun
from plugins.rosters import services

# An upload that could not be imported by then is deleted.
KEPT_FOR = timedelta(hours=24)
# Whom a report names has been made a leader or invited by then, or will not be.
NAMED_FOR = timedelta(days=30)


def import_upload(run: JobRun) -> Counts:
    """Import a set that a leader uploaded."""
    number = int(run.arguments["number"])
    outcome = services.run_upload(principal=run.who, number=number, tick=run.progress, last=run.last)
    if outcome is None:
        run.say("This import is over already.")
        return {}
    if not outcome.done:
        run.say("It was not to be imported; nothing was changed. The report says why.")
        return {"lines": outcome.noted.lines, "imported": 0}
    return {"lines": outcome.noted.lines, "imported": 1, **outcome.counts}


def forget_uploads(run: JobRun) -> Counts:
    """Delete uploads that are older than a day, and the names in reports that are older than a month."""
    now = clock.now()
    return {
        "given up": services.give_up(principal=run.who, before=now - KEPT_FOR),
        "reports without names": services.forget_names(principal=run.who, before=now - NAMED_FOR),
    }
