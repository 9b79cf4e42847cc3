"""Schools that require a second factor of their leaders and teachers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.care.services import requirement
from backoffice.accounts.services import second_factor
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.problems import Rejected
from backoffice.schools.models import Membership, Role, School
from backoffice.settings import Sessions
from backoffice.storage import functions
from tests.accounts.care.conftest import Later
from tests.accounts.care.people import noted
from tests.factories import world as factory
from tests.factories.world import SYSTEM, World


@pytest.fixture(autouse=True)
def _as_it_was(world: World) -> Iterator[None]:
    """The leader has an app, and no school requires one."""
    leader = world.people["leader"]
    if leader.secret is None:
        with transaction(SYSTEM) as tx:
            leader.secret = factory._second_factor(tx, leader.id)
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).values(factor_required=False))


def require(world: World, *, required: bool = True, by: str = "leader", school: School | None = None) -> None:
    requirement.require_second_factor(
        principal=world.sign_in(by), school=(school or world.home).public_id, required=required
    )


def now(who: Principal) -> Principal:
    """The principal as the next request finds it."""
    with transaction(who) as tx:
        return tx.principal


def test_it_holds_from_the_next_request_on(world: World) -> None:
    inside = {role: world.sign_in(role) for role in ("teacher", "elsewhere", "leader", "officer", "parent")}
    require(world)
    teacher = now(inside["teacher"])
    assert (teacher.factor_missing, teacher.member_schools, teacher.owned) == (True, frozenset(), frozenset())
    for role in ("elsewhere", "leader", "officer", "parent"):
        assert not now(inside[role]).factor_missing, role
    require(world, required=False)
    assert now(inside["teacher"]).owned == {world.own_class.id}
    assert noted("schools.require-factor") == 2


def test_who_sets_one_up_is_let_in_and_keeps_it(world: World) -> None:
    require(world)
    helper = world.sign_in("helper")
    assert helper.factor_missing
    with transaction(SYSTEM) as tx:
        world.people["helper"].secret = factory._second_factor(tx, world.people["helper"].id)
    assert now(helper).helped == {world.own_class.id}
    with pytest.raises(Rejected, match="must have"):
        second_factor.remove(principal=helper, sessions=Sessions())
    require(world, required=False)
    second_factor.remove(principal=helper, sessions=Sessions())
    world.people["helper"].secret = None


def test_the_page_can_say_who_asks(world: World) -> None:
    require(world)
    with transaction(world.sign_in("teacher")) as tx:
        found = second_factor.required(tx)
    assert (found.by_company, found.schools) == (False, [world.home.name])
    with transaction(world.sign_in("founder")) as tx:
        assert second_factor.required(tx) == second_factor.Required(True, [])
    with transaction(world.sign_in("elsewhere")) as tx:
        assert not second_factor.required(tx)


def test_a_district_leader_must_where_any_of_the_schools_requires_it(world: World) -> None:
    require(world, school=world.elsewhere)
    with transaction(SYSTEM) as tx:
        functions.forget_factors_of(tx, account_id=world.people["leader"].id)
    world.people["leader"].secret = None
    leader = world.sign_in("leader")
    assert (leader.factor_missing, leader.led_schools) == (True, frozenset())
    with transaction(leader) as tx:
        assert second_factor.required(tx).schools == [world.elsewhere.name]


def test_a_suspended_place_requires_nothing(world: World) -> None:
    cora = world.people["co_teacher"].id
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                account_id=cora, school_id=world.elsewhere.id, role=Role.TEACHER, created_at=clock.now()
            )
        )
        tx.execute(
            update(Membership)
            .where(Membership.account_id == cora, Membership.school_id == world.home.id)
            .values(suspended_at=clock.now())
        )
    require(world)
    assert world.sign_in("co_teacher").taught_schools == {world.elsewhere.id}


def test_whoever_requires_it_has_one(world: World) -> None:
    leader = world.people["leader"]
    with transaction(SYSTEM) as tx:
        functions.forget_factors_of(tx, account_id=leader.id)
    leader.secret = None
    with pytest.raises(Rejected) as rejected:
        require(world)
    assert list(rejected.value.fields) == ["required"]
    assert not world.sign_in("teacher").factor_missing


def test_it_is_the_leaders_to_say_and_of_their_schools(world: World, later: Later) -> None:
    for role in ("teacher", "officer", "founder", "parent"):
        with pytest.raises(NotFound):
            require(world, by=role)
    with pytest.raises(NotFound):
        require(world, school=world.outside)
    leader = world.sign_in("leader")
    later(timedelta(minutes=11))
    with pytest.raises(ProofNeeded):
        requirement.require_second_factor(principal=leader, school=world.home.public_id, required=True)
