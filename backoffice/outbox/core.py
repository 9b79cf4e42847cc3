"""The mails of the core, each with the package in which its templates lie."""

from backoffice.accounts.care.mails import MAILS as CARE_MAILS
from backoffice.accounts.mails import MAILS as ACCOUNT_MAILS
from backoffice.accounts.providers.mails import MAILS as PROVIDER_MAILS
from backoffice.families.mails import MAILS as FAMILY_MAILS
from backoffice.host.mails import PLUGIN_SWITCHED
from backoffice.outbox.mail import Mail
from backoffice.privacy.canary.mails import MAILS as CANARY_MAILS
from backoffice.privacy.erasure.mails import MAILS as ERASURE_MAILS
from backoffice.privacy.holds.mails import MAILS as HOLD_MAILS
from backoffice.privacy.retention.mails import MAILS as RETENTION_MAILS
from backoffice.reports.mails import MAILS as REPORT_MAILS
from backoffice.staff.mails import MAILS as STAFF_MAILS
from backoffice.students.worries.mails import MAILS as WORRY_MAILS

MAILS: tuple[tuple[str, Mail], ...] = (
    ("backoffice.host", PLUGIN_SWITCHED),
    *(("backoffice.accounts", mail) for mail in ACCOUNT_MAILS),
    *(("backoffice.accounts.care", mail) for mail in CARE_MAILS),
    *(("backoffice.families", mail) for mail in FAMILY_MAILS),
    *(("backoffice.accounts.providers", mail) for mail in PROVIDER_MAILS),
    *(("backoffice.privacy.erasure", mail) for mail in ERASURE_MAILS),
    *(("backoffice.privacy.canary", mail) for mail in CANARY_MAILS),
    *(("backoffice.privacy.holds", mail) for mail in HOLD_MAILS),
    *(("backoffice.privacy.retention", mail) for mail in RETENTION_MAILS),
    *(("backoffice.reports", mail) for mail in REPORT_MAILS),
    *(("backoffice.staff", mail) for mail in STAFF_MAILS),
    *(("backoffice.students.worries", mail) for mail in WORRY_MAILS),
)
