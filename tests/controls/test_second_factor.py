"""Whether those who must have a second factor have one, and how many of them there are."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete, select

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services import people
from backoffice.controls.check import State
from tests.controls.conftest import Broken, Look
from tests.factories.world import COST, SYSTEM, World, add_passkey

WITH_FACTOR = (
    """insert into app.account_second_factor (account_id, secret, last_step)
       select id, decode('00', 'hex'), 0 from app.account where founder on conflict do nothing""",
    "delete from app.account_second_factor where secret = decode('00', 'hex')",
)
BOTH = pytest.mark.parametrize("control", ["second-factor", "small-team"])


@contextmanager
def founders(number: int) -> Iterator[None]:
    """More founders, who have just been made and set nothing up yet."""
    made = [
        people.create_account(
            principal=SYSTEM,
            email=f"another-{each}@people.example",
            name="Another Founder",
            password=None,
            cost=COST,
            founder=True,
        )
        for each in range(number)
    ]
    try:
        yield
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Account).where(Account.public_id.in_(made)))


@BOTH
def test_with_one_founder_who_has_one_they_hold(look: Look, control: str) -> None:
    assert look(control).state is State.HOLDS


def test_shares_are_told_by_role(look: Look) -> None:
    assert look("second-factor").evidence == (
        "With a second factor: 1 of 1 founder, 0 of 1 leader, 0 of 6 teachers, 0 of 2 parents."
    )


@BOTH
@pytest.mark.parametrize("lost", ["set secret = null", "set secret = null, pending = secret"])
def test_a_founder_without_one_falls_short(
    look: Look, broken: Broken, world: World, control: str, lost: str
) -> None:
    mine = f"where account_id = {world.people['founder'].id}"
    kept = "create table app.kept as select * from app.account_second_factor"
    back = (
        "update app.account_second_factor f set secret = k.secret, pending = null"
        " from app.kept k where k.account_id = f.account_id; drop table app.kept"
    )
    with broken(f"{kept}; update app.account_second_factor {lost} {mine}", back):
        finding = look(control)
    assert finding.state is State.FALLS_SHORT
    assert look(control).state is State.HOLDS


@BOTH
def test_a_founder_who_never_set_one_up_falls_short(look: Look, control: str) -> None:
    with founders(1):
        assert look(control).state is State.FALLS_SHORT


@BOTH
def test_a_passkey_is_a_second_factor_and_several_are_one(look: Look, control: str) -> None:
    with founders(1):
        with transaction(SYSTEM) as tx:
            number = tx.scalar(select(Account.id).order_by(Account.id.desc()).limit(1))
        assert number is not None
        assert look(control).state is State.FALLS_SHORT
        for name in ("Telephone", "Key"):
            add_passkey(number, name)
        finding = look(control)
    assert finding.state is State.HOLDS
    assert finding.evidence.startswith(
        {
            "second-factor": "With a second factor: 2 of 2 founders,",
            "small-team": "2 founder accounts, 2 with",
        }[control]
    )


def test_three_founders_are_too_many(look: Look, broken: Broken) -> None:
    with founders(2), broken(*WITH_FACTOR):
        finding = look("small-team")
        assert look("second-factor").state is State.HOLDS
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "3 founder accounts, 3 with a second factor.",
    )


def test_two_founders_are_not_too_many(look: Look, broken: Broken) -> None:
    with founders(1), broken(*WITH_FACTOR):
        assert look("small-team").state is State.HOLDS


@BOTH
def test_without_founders_a_small_team_is_not_exercised(
    look: Look, broken: Broken, world: World, control: str
) -> None:
    mine = f"where id = {world.people['founder'].id}"
    with broken(
        f"update app.account set founder = false {mine}", f"update app.account set founder = true {mine}"
    ):
        state = look(control).state
    assert state is (State.NOT_EXERCISED if control == "small-team" else State.HOLDS)
