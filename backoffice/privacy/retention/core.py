"""The core's kinds of data, collected from the packages in which each stands near its tables."""

from backoffice.accounts.care.kinds import KINDS as CARE
from backoffice.accounts.kinds import KINDS as ACCOUNTS
from backoffice.accounts.providers.kinds import KINDS as PROVIDERS
from backoffice.audit.kinds import KINDS as AUDIT
from backoffice.changes.kinds import KINDS as CHANGES
from backoffice.families.kinds import KINDS as FAMILIES
from backoffice.fields.kinds import KINDS as FIELDS
from backoffice.host.kinds import KINDS as HOST
from backoffice.jobs.kinds import KINDS as JOBS
from backoffice.large_changes.kinds import KINDS as LARGE_CHANGES
from backoffice.messages.kinds import KINDS as MESSAGES
from backoffice.outbox.kinds import KINDS as MAILS
from backoffice.privacy.retention.kinds import Kind
from backoffice.privacy.retention.log_files import KINDS as LOGS
from backoffice.reports.kinds import KINDS as REPORTS
from backoffice.schools.kinds import KINDS as SCHOOLS
from backoffice.staff.kinds import KINDS as STAFF
from backoffice.students.kinds import KINDS as STUDENTS
from backoffice.throttles.kinds import KINDS as THROTTLES

KINDS: tuple[Kind, ...] = (
    *ACCOUNTS,
    *CARE,
    *PROVIDERS,
    *AUDIT,
    *CHANGES,
    *FAMILIES,
    *FIELDS,
    *HOST,
    *JOBS,
    *LARGE_CHANGES,
    *MAILS,
    *MESSAGES,
    *REPORTS,
    *SCHOOLS,
    *STAFF,
    *STUDENTS,
    *THROTTLES,
    *LOGS,
)
