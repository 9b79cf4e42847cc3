"""Sets to read: a small one that is right in everything, and a real one that lies beside the checkout."""

from pathlib import Path

import pytest
from sqlalchemy import delete

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountStatus
from tests.factories.world import SYSTEM, World

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "oneroster"


@pytest.fixture
def nobody_is_known(world: World) -> None:
    """The teachers of another test's school are forgotten: they would be somebody from elsewhere."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Account).where(Account.status == AccountStatus.NOT_INVITED))


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample sets; they are not part of the repository."""
    if not SAMPLES.is_dir():
        pytest.skip("The OneRoster samples are not there: shared/data/oneroster beside the checkout.")
    return SAMPLES
