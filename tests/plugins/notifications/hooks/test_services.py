"""Who sets where a district's own system is called, what of it is kept, and who reads it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role, School
from backoffice.storage.roles import DatabaseRole
from plugins.notifications.hooks import services
from plugins.notifications.hooks.models import DistrictHook, HookCall
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.hooks.conftest import calls, set_up
from tests.plugins.notifications.notices.conftest import proven

URL = "https://hooks.example/ours"


def row() -> DistrictHook | None:
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(DistrictHook)).one_or_none()
        if found is not None:
            assert found.secret
            assert found.newer_secret is None or found.newer_secret
        return found


def noted(verb: str) -> list[int | None]:
    with transaction(SYSTEM) as tx:
        mine = select(AuditEntry.school_id).where(AuditEntry.verb == verb)
        return list(tx.scalars(mine.order_by(AuditEntry.id)))


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_leaders_of_the_district_and_founders_set_change_and_remove_it(world: World, role: str) -> None:
    who, school, before = proven(world, role), world.home.public_id, len(noted("hooks.set"))
    secret = services.set_hook(principal=who, school=school, url=f" {URL} ", private=False)
    first = row()
    assert first is not None
    assert (first.url, first.secret, first.set_by) == (URL, secret, who.account_id)
    changed = services.set_hook(principal=who, school=school, url=f"{URL}/2", private=False)
    second = row()
    assert second is not None
    # The address alone: whoever verifies calls goes on.
    assert (changed, second.url, second.secret) == (None, f"{URL}/2", secret)
    anew = services.renew_secret(principal=who, school=school)
    third = row()
    assert third is not None
    assert third.newer_secret == anew != secret
    assert third.secret == secret
    assert third.renewed_at is not None
    services.remove_hook(principal=who, school=school)
    assert row() is None
    with transaction(SYSTEM) as tx:
        of_district = select(School.id).where(School.district_id == world.district_id).order_by(School.id)
        schools = list(tx.scalars(of_district))
    assert noted("hooks.set")[before:] == schools * 2


def test_nothing_is_renewed_tried_or_removed_that_is_not_there(world: World, leader: Principal) -> None:
    for do in (services.renew_secret, services.remove_hook, services.send_test):
        with pytest.raises(Rejected):
            do(principal=leader, school=world.home.public_id)


def test_one_test_waits_at_a_time(world: World, leader: Principal) -> None:
    set_up(world, leader, URL)
    services.send_test(principal=leader, school=world.home.public_id)
    with pytest.raises(Rejected):
        services.send_test(principal=leader, school=world.home.public_id)
    assert len(calls()) == 1
    services.remove_hook(principal=leader, school=world.home.public_id)
    assert calls() == []


def test_it_takes_a_fresh_proof(world: World) -> None:
    who = world.sign_in("leader")
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == who.session_id
        long_ago = clock.now() - timedelta(hours=10)
        tx.execute(update(AccountSession).where(own).values(proven_at=long_ago))
    with pytest.raises(ProofNeeded):
        services.set_hook(principal=who, school=world.home.public_id, url=URL, private=False)


@pytest.mark.parametrize("role", ["teacher", "officer", "outsider", "parent"])
def test_nobody_else_does_or_sees_it(world: World, leader: Principal, role: str) -> None:
    set_up(world, leader, URL)
    _refused(world, proven(world, role))


@pytest.fixture
def _leads_one_school(world: World) -> Iterator[None]:
    person = world.people["colleague"]
    with transaction(SYSTEM) as tx:
        tie = {"account_id": person.id, "school_id": world.home.id, "role": Role.LEADER}
        number = tx.take_id(Membership)
        tx.add(Membership(id=number, **tie, created_at=clock.now()))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.id == number))


@pytest.mark.usefixtures("_leads_one_school")
def test_who_leads_one_school_of_the_district_does_not(world: World, leader: Principal) -> None:
    set_up(world, leader, URL)
    _refused(world, proven(world, "colleague"))


def _refused(world: World, who: Principal) -> None:
    before, number, school = row(), world.district_id, world.home.public_id
    with pytest.raises(NotFound):
        services.set_hook(principal=who, school=school, url=URL, private=False)
    for do in (services.renew_secret, services.remove_hook, services.send_test):
        with pytest.raises(NotFound):
            do(principal=who, school=school)
    functions = func.plugin_notifications
    with transaction(who) as tx:
        assert tx.scalar(select(functions.set_hook(number, b"x", b"y", clock.now()))) is None
        assert not tx.scalar(select(functions.renew_hook_secret(number, b"y", clock.now())))
        assert not tx.scalar(select(functions.remove_hook(number, clock.now())))
        assert not tx.scalar(select(functions.test_hook(number, "x" * 16, clock.now())))
        # Past the policy, too.
        assert tx.rows(select(DistrictHook.id)) == []
        assert tx.rows(select(HookCall.id)) == []
    after = row()
    assert before is not None
    assert after is not None
    assert (after.url, after.secret, after.renewed_at) == (before.url, before.secret, None)


def test_a_school_without_a_district_has_none(world: World) -> None:
    with pytest.raises(NotFound):
        services.set_hook(
            principal=proven(world, "founder"), school=world.outside.public_id, url=URL, private=False
        )


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_the_web_cannot_read_the_secret_nor_write_past_the_functions(
    world: World, leader: Principal, role: str
) -> None:
    set_up(world, leader, URL)
    who = proven(world, role)
    with transaction(who) as tx:
        assert tx.rows(select(DistrictHook.url))[0].url == URL
    for statement in (
        "select secret from plugin_notifications.district_hook",
        "select newer_secret from plugin_notifications.district_hook",
        "select * from plugin_notifications.district_hook",
        "select body from plugin_notifications.hook_call",
        "update plugin_notifications.district_hook set url = 'x'",
        "delete from plugin_notifications.district_hook",
        "insert into plugin_notifications.hook_call (public_id) values ('x')",
        "update plugin_notifications.hook_call set state = 'delivered'",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction(who) as tx:
            tx.execute(text(statement))


def test_both_are_kept_sealed(world: World, leader: Principal, runtime: Runtime) -> None:
    secret = set_up(world, leader, URL)
    newer = services.renew_secret(principal=leader, school=world.home.public_id)
    wanted = text("select url, secret, newer_secret from plugin_notifications.district_hook")
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        kept = connection.execute(wanted).one()
    assert b"hooks" not in bytes(kept.url)
    assert secret.encode() not in bytes(kept.secret)
    assert newer.encode() not in bytes(kept.newer_secret)


@pytest.mark.parametrize(
    "url", ["", "http://hooks.example/", "https://10.0.0.1/", "https://a@hooks.example/"]
)
def test_what_may_not_be_called_is_not_set(world: World, leader: Principal, url: str) -> None:
    with pytest.raises(Rejected) as raised:
        services.set_hook(principal=leader, school=world.home.public_id, url=url, private=False)
    assert set(raised.value.fields) == {"url"}
    assert row() is None
