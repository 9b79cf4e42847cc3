"""The tile of the work in the background."""

from datetime import timedelta

from backoffice import clock
from backoffice.access.permissions import JOBS_READ
from backoffice.access.transaction import Transaction
from backoffice.jobs import queries, registry
from backoffice.jobs.models import RunState
from backoffice.tiles import Number, Tile

# A scheduler that has just begun, or a queue that is full for a moment, is no news.
LATE_AFTER = timedelta(minutes=15)
WRONG = {RunState.FAILED, RunState.LOST}


def _late_or_failed(tx: Transaction) -> Number:
    """How many jobs are long overdue, or failed when they last ran. One that rests is neither."""
    due = clock.now() - LATE_AFTER
    running = {name for name, entry in registry.installed().items() if entry.is_on(tx)}
    schedule = queries.schedules(tx)
    late = {
        name
        for name in running
        if name in schedule and schedule[name].paused_at is None and schedule[name].next_at < due
    }
    last = queries.last_runs(tx, jobs=running)
    failed = {name for name, run in last.items() if run.state in WRONG}
    wrong = len(late | failed)
    note = f"{len(late)} late, {len(failed)} failed" if wrong else "All in time"
    return Number(wrong, note, "bad" if wrong else "good")


TILES: tuple[Tile, ...] = (Tile("jobs", "Jobs late or failed", JOBS_READ, _late_or_failed, "/console/jobs/"),)
