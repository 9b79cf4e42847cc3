"""Nothing told before, and sessions of any age."""

import pytest

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.runtime import Runtime
from tests.factories.retention import forget_runs
from tests.factories.world import SYSTEM
from tests.privacy.conftest import backup
from tests.privacy.retention.conftest import now, sessions, write

__all__ = ["backup", "now", "sessions", "write"]


@pytest.fixture(autouse=True)
def no_runs(runtime: Runtime) -> None:
    forget_runs(runtime)


def hold(subject: Subject, number: int, public_id: str, school: int) -> None:
    """A legal hold, as one founder has proposed it: it stops erasing already."""
    at = clock.now()
    of = {"subject": subject, "subject_id": number, "outside": public_id, "school_id": school}
    when = {"review_on": at.date(), "proposed_at": at}
    with transaction(SYSTEM) as tx:
        tx.add(LegalHold(state=HoldState.PROPOSED, reason="A file of the court", **of, **when))
