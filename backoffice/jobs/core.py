"""The core's own jobs."""

from backoffice.jobs.forgetting import forget_jobs
from backoffice.jobs.job import Job, daily
from backoffice.outbox.jobs import JOBS as MAIL_JOBS

JOBS: tuple[Job, ...] = (
    Job("forget-jobs", forget_jobs, daily(at="03:40"), title="Forget jobs that ended a month ago"),
    *MAIL_JOBS,
)
