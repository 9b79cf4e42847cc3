"""What a person does about retention: look at a run that would take much, and let it go on."""

from backoffice.access.lookup import find
from backoffice.access.permissions import RETENTION_RUN
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.privacy.retention.models import RetentionRun
from backoffice.privacy.retention.runs import release
from backoffice.problems import Rejected

JOB = "retention.run"
OVER = lazy("This run does not wait any more.")


def let_go_on(*, principal: Principal, run: str) -> None:
    """Let a run that waits for a person take what it found. Raises `NotFound`, `Denied`, `Rejected`."""
    with transaction(principal) as tx:
        proof.demand(tx)
        found = find(tx, RetentionRun, run, permission=RETENTION_RUN)
        if not release(tx, found.id):
            raise Rejected.whole(OVER)
        record(tx, "retention.let-go-on", kind=found.kind, due=found.due)
        queue.defer(tx, JOB)
