"""Who may see when jobs are due and how they ran."""

from backoffice.access.permissions import JOBS_READ
from backoffice.access.policy import Rule, register
from backoffice.jobs.models import JobRun, JobSchedule

register(
    Rule(JobSchedule, read=JOBS_READ, school=None),
    Rule(JobRun, read=JOBS_READ, school=None),
)
