"""How many passwords get tried by somebody with many networks and many accounts, in a simulated hour."""

import pytest
from sqlalchemy import text

from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from backoffice.storage.roles import DatabaseRole
from tests.factories.spraying import most_in_an_hour, spray_for_an_hour

UNBOUND = Throttles(password_overall="1000000/second")


@pytest.fixture(autouse=True)
def _nothing_tried(runtime: Runtime) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("delete from app.throttle"))


def test_a_thousand_networks_at_two_thousand_accounts() -> None:
    """All together are allowed so many that on average 0.00003 accounts are opened in an hour."""
    sprayed = spray_for_an_hour(Throttles(), networks=1_000, accounts=2_000, net=10)
    bound = most_in_an_hour(Throttles(), networks=1_000, accounts=2_000)
    print(
        f"\n1,000 networks at 2,000 accounts for an hour: {sprayed.guesses:,} guesses got through"
        f" (bound by formula {bound:,}), at {sprayed.accounts:,} accounts; expected to open"
        f" {sprayed.expected:.5f} of them"
    )
    assert bound == 3_000
    assert sprayed.guesses <= bound
    assert sprayed.accounts > 1_000, "The attacker of this test goes from account to account."
    assert sprayed.expected <= 0.00003


@pytest.mark.parametrize(
    ("networks", "accounts", "bound"), [(5, 60, 500), (60, 5, 75)], ids=["by network", "by account"]
)
def test_without_the_common_bound_the_others_hold(networks: int, accounts: int, bound: int) -> None:
    """And are met to the last try: the attacker of this test is no clumsy one."""
    assert most_in_an_hour(UNBOUND, networks=networks, accounts=accounts) == bound
    sprayed = spray_for_an_hour(UNBOUND, networks=networks, accounts=accounts, net=20)
    assert sprayed.guesses == bound


def test_the_simulation_sees_looser_throttles() -> None:
    loose = UNBOUND.model_copy(update={"password_account": "5/minute;18/hour"})
    assert spray_for_an_hour(loose, networks=60, accounts=5, net=30).guesses == 5 * 18
