"""What a person does about retention: look at a run that would take much, and let it go on."""

from sqlalchemy import select

from backoffice.access.permissions import RETENTION_RUN
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.privacy.retention import kinds
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.privacy.retention.runs import release
from backoffice.problems import Rejected

JOB = "retention.run"
OVER = lazy("It does not wait any more, or for something else. Look at it again.")


def let_go_on(*, principal: Principal, kind: str, due: int) -> None:
    """Let the run over a kind of data that waits for a person take the `due` rows that it found.

    Raises `Denied`, and `Rejected` where none waits or one that found another number.
    """
    with transaction(principal) as tx:
        require(tx.principal, RETENTION_RUN)
        proof.demand(tx)
        waits = select(RetentionRun).where(RetentionRun.kind == kind, RetentionRun.state == RunState.PAUSED)
        found = tx.scalars(visible(tx.principal, waits, RETENTION_RUN)).one_or_none()
        if found is None or found.due != due or not release(tx, found.id):
            raise Rejected.whole(OVER)
        record(tx, "retention.let-go-on", kind=kind, due=due)
        by = kinds.installed()[kind].by
        queue.defer(tx, by or JOB)
