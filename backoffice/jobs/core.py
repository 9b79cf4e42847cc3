"""The core's own jobs."""

from backoffice.accounts.care.jobs import JOBS as CARE_JOBS
from backoffice.accounts.jobs import JOBS as ACCOUNT_JOBS
from backoffice.accounts.providers.jobs import JOBS as PROVIDER_JOBS
from backoffice.changes.jobs import JOBS as CHANGE_JOBS
from backoffice.families.jobs import JOBS as FAMILY_JOBS
from backoffice.families.requests.jobs import JOBS as REQUEST_JOBS
from backoffice.host.jobs import JOBS as HOST_JOBS
from backoffice.jobs.forgetting import forget_jobs
from backoffice.jobs.job import Job, daily, every
from backoffice.jobs.log_days import make_days
from backoffice.jobs.models import JobRun, QueuedJob
from backoffice.language.texts import lazy
from backoffice.large_changes.jobs import JOBS as LARGE_CHANGE_JOBS
from backoffice.messages.jobs import JOBS as MESSAGE_JOBS
from backoffice.outbox.jobs import JOBS as MAIL_JOBS
from backoffice.privacy.canary.jobs import JOBS as CANARY_JOBS
from backoffice.privacy.erasure.jobs import JOBS as ERASURE_JOBS
from backoffice.privacy.holds.jobs import JOBS as HOLD_JOBS
from backoffice.privacy.retention.jobs import JOBS as RETENTION_JOBS
from backoffice.reports.jobs import JOBS as REPORT_JOBS
from backoffice.schools.jobs import JOBS as SCHOOL_JOBS
from backoffice.staff.jobs import JOBS as STAFF_JOBS
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.students.worries.jobs import JOBS as WORRY_JOBS
from backoffice.throttles.forgetting import forget_tries
from backoffice.throttles.models import Throttle

JOBS: tuple[Job, ...] = (
    Job(
        "forget-jobs",
        forget_jobs,
        daily(at="03:40"),
        title=lazy("Forget jobs that ended a month ago"),
        expires=(JobRun, QueuedJob),
    ),
    Job(
        "forget-tries",
        forget_tries,
        every(hours=1),
        title=lazy("Forget counts of tries whose time is over"),
        expires=(Throttle, LockedNetwork),
    ),
    Job(
        "make-log-days",
        make_days,
        every(hours=6),
        title=lazy("Make the days ahead of logs that are kept by the day"),
    ),
    *ACCOUNT_JOBS,
    *CARE_JOBS,
    *ERASURE_JOBS,
    *CANARY_JOBS,
    *HOLD_JOBS,
    *CHANGE_JOBS,
    *FAMILY_JOBS,
    *REQUEST_JOBS,
    *LARGE_CHANGE_JOBS,
    *PROVIDER_JOBS,
    *MAIL_JOBS,
    *MESSAGE_JOBS,
    *HOST_JOBS,
    *REPORT_JOBS,
    *RETENTION_JOBS,
    *SCHOOL_JOBS,
    *STAFF_JOBS,
    *WORRY_JOBS,
)
