"""Running the checks and keeping what they answer."""

import time
import traceback
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from flask import Flask
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.controls import core, registry
from backoffice.controls.check import Check, Finding, Looking, State
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime
from backoffice.storage import database
from backoffice.storage.roles import DatabaseRole
from backoffice.web.logs import logger
from plugins.trust import queries
from plugins.trust.models import ControlResult

PURPOSE = Purpose("trust-check")
FAILED = Finding(State.STALE, "The check itself failed.")


def checks_of(plugins: Iterable[Plugin]) -> tuple[Check, ...]:
    """The checks of the core and of the plugins."""
    return (*core.CHECKS, *(check for plugin in plugins for check in plugin.controls))


def run_checks(*, app: Flask, only: AbstractSet[str] | None = None) -> None:
    """Run every check, each in a read-only transaction of its own, and keep one answer for each.

    `only` names the controls to check, instead of all. A check that fails does not stop the others; it is
    stale. Raises `RegistryError` if checks and `config/controls.toml` do not fit together.
    """
    runtime: Runtime = app.extensions["backoffice"]
    known = checks_of(runtime.plugins)
    registry.load(checked=[check.control for check in known])
    checks = [check for check in known if only is None or check.control in only]
    for check in checks:
        started = time.monotonic()
        finding = _look(app, runtime, check)
        milliseconds = round((time.monotonic() - started) * 1000)
        with transaction(PURPOSE) as tx:
            tx.execute(
                insert(ControlResult).values(
                    control_id=check.control,
                    state=finding.state,
                    evidence=finding.evidence,
                    checked_at=clock.now(),
                    duration=milliseconds,
                )
            )
    with transaction(PURPOSE) as tx:
        record(tx, "trust.check", checks=len(checks))


def check_what_is_due(*, app: Flask) -> int:
    """Run the checks whose last answer is older than their interval; how many they were."""
    runtime: Runtime = app.extensions["backoffice"]
    built = {check.control for check in checks_of(runtime.plugins)}
    now = clock.now()
    with transaction(PURPOSE) as tx:
        found = queries.standings(tx, controls=registry.current().controls, built=built, now=now)
    due = {
        each.id
        for each in found
        if each.id in built and (each.checked_at is None or now - each.checked_at >= each.control.every)
    }
    if due:
        run_checks(app=app, only=due)
    return len(due)


def _look(app: Flask, runtime: Runtime, check: Check) -> Finding:
    engine = database.current().engine(DatabaseRole.SYSTEM)
    try:
        # Read-only, so that looking changes nothing; closing rolls back what a check may have set.
        with Transaction(PURPOSE, bind=engine.execution_options(postgresql_readonly=True)) as tx:
            return check.look(Looking(app, runtime.settings, tx))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other promises are checked too
        # Where it happened, not what was said: a message can quote a value.
        frames = traceback.extract_tb(error.__traceback__)
        logger.error(
            "check",
            control=check.control,
            kind=type(error).__name__,
            at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-4:]],
        )
        return FAILED
