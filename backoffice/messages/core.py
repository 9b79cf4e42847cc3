"""The core's kinds of messages, collected from the packages that tell them."""

from backoffice.accounts.messages import KINDS as ACCOUNTS
from backoffice.families.messages import KINDS as FAMILIES
from backoffice.host.messages import KINDS as HOST
from backoffice.messages.kind import MessageKind
from backoffice.privacy.canary.messages import KINDS as CANARY
from backoffice.privacy.holds.messages import KINDS as HOLDS
from backoffice.privacy.retention.messages import KINDS as RETENTION
from backoffice.reports.messages import KINDS as REPORTS
from backoffice.staff.messages import KINDS as STAFF
from backoffice.students.worries.messages import KINDS as WORRIES

KINDS: tuple[MessageKind, ...] = (
    *STAFF,
    *FAMILIES,
    *WORRIES,
    *ACCOUNTS,
    *HOST,
    *RETENTION,
    *HOLDS,
    *CANARY,
    *REPORTS,
)
