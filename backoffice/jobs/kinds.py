"""How long runs of jobs and what has ended in the queue are kept."""

from sqlalchemy import func, select

from backoffice.jobs.models import JobRun, QueuedJob, QueueEvent, QueuePeriodicDefer, QueueWorker
from backoffice.privacy.retention.kinds import Kind, Rows

ENDED = ("succeeded", "failed", "cancelled", "aborted")
_LAST = (
    select(func.max(QueueEvent.at))
    .where(QueueEvent.job_id == QueuedJob.id)
    .correlate(QueuedJob)
    .scalar_subquery()
)

RUNS = Kind("job-runs", (Rows(JobRun, JobRun.finished_at),))
QUEUED = Kind(
    "queued-jobs",
    (
        Rows(
            QueuedJob,
            _LAST,
            clock=QueueEvent.at,
            only=QueuedJob.status.in_(ENDED),
            along=(QueueEvent, QueuePeriodicDefer),
        ),
        Rows(QueueWorker, QueueWorker.last_heartbeat),
    ),
)
KINDS = (RUNS, QUEUED)


def days_kept() -> int:
    """For how many days a run is kept after its end."""
    return RUNS.period.at_most.days
