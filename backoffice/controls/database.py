"""What `backoffice db check` looks at: isolation and inventory of the live database."""

from flask import Flask

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.controls.check import Looking, State
from backoffice.privacy.checks import privacy_by_design
from backoffice.runtime import Runtime
from backoffice.schools.checks import guarded, weaknesses
from backoffice.storage.checks import encryption_at_rest


def problems(app: Flask) -> list[str]:
    """What is wrong with the live database, a sentence each; empty if nothing is."""
    runtime: Runtime = app.extensions["backoffice"]
    with transaction(Purpose("db-check")) as tx:
        look = Looking(app, runtime.settings, tx)
        found = [f"{words[0].upper()}{words[1:]}." for words in weaknesses(look, guarded(look))]
        for check in (encryption_at_rest, privacy_by_design):
            finding = check(look)
            if finding.state is State.FALLS_SHORT:
                found.append(finding.evidence)
    return found
