"""The checks of the core, collected from the packages in which each stands near what it checks."""

import backoffice.accounts.checks
import backoffice.accounts.providers.checks
import backoffice.families.checks
import backoffice.outbox.checks
import backoffice.privacy.canary.checks
import backoffice.privacy.checks
import backoffice.reports.checks
import backoffice.schools.checks
import backoffice.storage.checks
import backoffice.students.checks
import backoffice.students.pins.checks
import backoffice.web.checks
from backoffice.controls import leaving, sessions
from backoffice.controls.check import Check

CHECKS: tuple[Check, ...] = (
    *backoffice.storage.checks.CHECKS,
    *backoffice.accounts.checks.CHECKS,
    *backoffice.accounts.providers.checks.CHECKS,
    *backoffice.schools.checks.CHECKS,
    *backoffice.families.checks.CHECKS,
    *backoffice.students.checks.CHECKS,
    *backoffice.students.pins.checks.CHECKS,
    *backoffice.privacy.checks.CHECKS,
    *backoffice.privacy.canary.checks.CHECKS,
    *backoffice.web.checks.CHECKS,
    *backoffice.outbox.checks.CHECKS,
    *backoffice.reports.checks.CHECKS,
    *sessions.CHECKS,
    *leaving.CHECKS,
)
