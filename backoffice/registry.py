"""Everything that has to be imported for the core to be whole: models, and rules of the policy.

Migrations, the policy and the data inventory look at what is registered; importing this module once at
the start of a process makes sure that nothing is missing.
"""

import backoffice.accounts.rules  # noqa: F401
import backoffice.audit.rules  # noqa: F401
import backoffice.families.rules  # noqa: F401
import backoffice.schools.rules  # noqa: F401
import backoffice.storage.installation  # noqa: F401
import backoffice.students.rules  # noqa: F401

