"""Everything that has to be imported for the core to be whole: models, and rules of the policy.

Migrations, the policy and the data inventory look at what is registered; importing this module once at
the start of a process makes sure that nothing is missing.
"""

import backoffice.accounts.care.rules
import backoffice.accounts.passkeys.rules
import backoffice.accounts.providers.rules
import backoffice.accounts.rules
import backoffice.audit.rules
import backoffice.changes.rules
import backoffice.families.requests.rules
import backoffice.families.rules
import backoffice.fields.rules
import backoffice.host.rules
import backoffice.jobs.rules
import backoffice.large_changes.rules
import backoffice.messages.rules
import backoffice.outbox.rules
import backoffice.privacy.erasure.rules
import backoffice.privacy.holds.rules
import backoffice.privacy.retention.rules
import backoffice.reports.rules
import backoffice.saved_views.rules
import backoffice.schools.rules
import backoffice.staff.rules
import backoffice.storage.installation
import backoffice.students.rules
import backoffice.students.worries.rules
import backoffice.throttles.models  # noqa: F401
