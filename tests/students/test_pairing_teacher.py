"""A tablet is its class's while whoever paired it could pair it now."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select, text

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.settings import Sessions
from backoffice.storage.roles import DatabaseRole
from backoffice.students import tablets
from backoffice.students.services import sign_in_student
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.throttles.visitor import Visitor
from tests.factories.world import NO_LIMIT, SYSTEM, World


@pytest.fixture
def owner(runtime: Runtime, world: World) -> Iterator[Connection]:
    """What no test keeps."""
    del world
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        yield connection
        connection.rollback()


def pair(who: Principal, world: World) -> int:
    """A tablet at which a child is in."""
    picture = tablets.begin_pairing(principal=who, classroom=world.own_class.public_id, label="Window 1")
    at_tablet = tablets.opened(token=tablets.pair(token=picture, address=None), visitor=Visitor())
    assert at_tablet is not None
    sign_in_student(
        code=at_tablet.code or "",
        student=world.own_class.children[0].public_id,
        sessions=Sessions(),
        visitor=at_tablet.visitor,
        throttles=NO_LIMIT,
        only_at_tablet=True,
    )
    with transaction(SYSTEM) as tx:
        return max(tx.scalars(select(ClassroomTablet.id)))


def stands(owner: Connection, tablet: int) -> bool:
    """Whether the tablet is its class's, and with it the child that came in there still in."""
    found = text(
        "select t.voided_at is null as stands, s.ended_at is null as is_in, s.ended_at < s.started_at as odd"
        " from app.classroom_tablet t join app.student_session s on s.tablet_id = t.id where t.id = :id"
    )
    row = owner.execute(found, {"id": tablet}).one()
    assert (row.is_in, bool(row.odd)) == (row.stands, False)
    return bool(row.stands)


TEACHES = "account_id = :account and classroom_id = :classroom"
BELONGS = "account_id = :account and school_id = :school"
GONE = {
    "the role ends": f"delete from app.teaching_role where {TEACHES}",
    "helps only": f"update app.teaching_role set role = 'helper' where {TEACHES}",
    "another takes over": f"update app.teaching_role set account_id = :heir where {TEACHES}",
    "the place ends": f"delete from app.membership where {BELONGS}",
    "the place is suspended": f"update app.membership set suspended_at = now() where {BELONGS}",
    "the account is suspended": "update app.account set status = 'suspended' where id = :account",
    "the account is closed": "update app.account set status = 'deactivated' where id = :account",
    "the account is erased": "delete from app.account where id = :account",
}
STAYS = {
    "owns it no more": f"update app.teaching_role set role = 'co_teacher' where {TEACHES}",
    "another left": "delete from app.teaching_role where account_id = :other and classroom_id = :classroom",
    "is away for long": "update app.account set status = 'dormant' where id = :account",
}


@pytest.mark.parametrize("change", [*GONE, *STAYS])
def test_a_tablet_of_a_teacher(world: World, owner: Connection, change: str) -> None:
    tablet = pair(world.sign_in("teacher"), world)
    people = world.people
    values = {
        "account": people["teacher"].id,
        "classroom": world.own_class.id,
        "school": world.home.id,
        "heir": people["colleague"].id,
        "other": people["co_teacher"].id,
    }
    owner.execute(text({**GONE, **STAYS}[change]), values)
    assert stands(owner, tablet) is (change in STAYS)


def test_a_tablet_of_a_leader_stays_until_the_school_is_not_theirs(world: World, owner: Connection) -> None:
    tablet = pair(world.sign_in("leader"), world)
    # Whoever teaches there changes nothing.
    owner.execute(text("delete from app.teaching_role where classroom_id = :id"), {"id": world.own_class.id})
    assert stands(owner, tablet)
    with owner.begin_nested() as before:
        owner.execute(text("update app.school set district_id = null where id = :id"), {"id": world.home.id})
        assert not stands(owner, tablet)
        before.rollback()
    owner.execute(
        text("delete from app.membership where account_id = :id"), {"id": world.people["leader"].id}
    )
    assert not stands(owner, tablet)
