"""Freeing what a dead worker has left: its job waits again, and its run is told as lost.

So is a run that waits for a job that the queue no longer has.
"""

from datetime import timedelta

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.jobs import queries, registry, runs
from backoffice.jobs.models import JobRun, RunState
from backoffice.jobs.queue import lock_of

PURPOSE = Purpose("core.reap")
# A worker that was silent for so long is taken for dead; it gives a sign of life every few seconds.
SILENT_FOR = timedelta(seconds=20)


def reap(silent_for: timedelta = SILENT_FOR) -> int:
    """Free the jobs of workers that were silent for so long; how many. Safe from several machines at once."""
    with transaction(PURPOSE) as tx:
        stalled = queries.take_stalled(tx, silent_for=silent_for)
        for each in stalled:
            _free(tx, each)
        _lose_commands(tx)
        for row in queries.dead_runs(tx):
            _lose(row)
        return len(stalled)


def _free(tx: Transaction, stalled: queries.Stalled) -> None:
    known = queries.runs_of_number(tx, stalled.number)
    if any(row.state == RunState.SUCCEEDED for row in known):
        # Killed between the work and telling the queue.
        runs.skip_waiting(known)
        queries.end(tx, number=stalled.number, succeeded=True)
        return
    latest = known[0] if known else None
    now = clock.now()
    if latest is None or latest.state == RunState.WAITING:
        queries.put_back(tx, number=stalled.number, at=now)
        return
    if latest.state == RunState.RUNNING:
        _lose(latest)
    if latest.attempt >= _attempts(stalled.name):
        queries.end(tx, number=stalled.number, succeeded=False)
        return
    runs.try_again(tx, known)
    # At once for the first time: it is hardly the job's fault that its worker has died.
    wait = runs.delay(latest.attempt - 1) if latest.attempt > 1 else timedelta(0)
    queries.put_back(tx, number=stalled.number, at=now + wait)


def _attempts(name: str) -> int:
    entry = registry.installed().get(name)
    return entry.job.attempts if entry else 1


def _lose_commands(tx: Transaction) -> None:
    for row in queries.running_without_number(tx):
        if not queries.is_locked(tx, lock_of(row.job, {})):
            _lose(row)


def _lose(row: JobRun) -> None:
    row.state, row.finished_at = RunState.LOST, clock.now()
