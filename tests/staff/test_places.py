"""The end of somebody's place at a school."""

import pytest
from sqlalchemy import func, insert, select

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected
from backoffice.schools.models import Membership, Role, School, TeachingRole
from backoffice.staff.models import InvitedAs
from backoffice.staff.services import invitations, places
from backoffice.storage import functions
from tests.factories.world import NO_LIMIT, SYSTEM, World
from tests.staff.post import token_for


def end(world: World, role: str, *, school: School | None = None, heir: str | None = None) -> None:
    places.end_membership(
        principal=world.sign_in("leader"),
        account=world.people[role].public_id,
        school=(school or world.home).public_id,
        heir=world.people[heir].public_id if heir else None,
    )


def schools_of(world: World, role: str) -> set[int | None]:
    with transaction(SYSTEM) as tx:
        return set(
            tx.scalars(select(Membership.school_id).where(Membership.account_id == world.people[role].id))
        )


def staff(classroom: int) -> dict[int, str]:
    with transaction(SYSTEM) as tx:
        held = select(TeachingRole.account_id, TeachingRole.role).where(
            TeachingRole.classroom_id == classroom
        )
        return {row.account_id: row.role for row in tx.execute(held)}


def is_out(who: Principal) -> bool:
    try:
        with transaction(who) as tx:
            return tx.principal is None
    except SessionEnded:
        return True


@pytest.fixture(scope="module", autouse=True)
def _at_two_schools(world: World) -> None:
    """Cora teaches elsewhere too."""
    cora = world.people["co_teacher"].id
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                account_id=cora, school_id=world.elsewhere.id, role=Role.TEACHER, created_at=clock.now()
            )
        )


def test_one_act_ends_sessions_roles_and_open_links(world: World) -> None:
    colleague = world.people["colleague"]
    invitations.invite(
        principal=world.sign_in("leader"),
        school=world.home.public_id,
        email=colleague.email,
        name="Colin",
        role=InvitedAs.LEADER,
        classroom=None,
        throttles=NO_LIMIT,
    )
    token, inside = token_for(colleague.email), world.sign_in("colleague")
    end(world, "colleague", heir="helper")
    assert (is_out(inside), schools_of(world, "colleague"), invitations.opened(token)) == (True, set(), None)
    assert staff(world.colleague_class.id) == {world.people["helper"].id: "owner"}
    # The account stays, and sees nothing of the school.
    again = world.sign_in("colleague")
    assert (again.member_schools, again.owned) == (frozenset(), frozenset())
    with transaction(SYSTEM) as tx:
        told = select(func.count()).where(
            OutgoingMail.account_id == colleague.id, OutgoingMail.name == "core.place-ended"
        )
        noted = select(func.count()).where(
            AuditEntry.verb == "memberships.end", AuditEntry.school_id == world.home.id
        )
        assert (tx.scalar(told), tx.scalar(noted)) == (1, 1)


def test_without_an_heir_the_classes_stay_with_the_school(world: World) -> None:
    end(world, "elsewhere", school=world.elsewhere)
    assert staff(world.elsewhere_class.id) == {world.people["leader"].id: "owner"}


def test_an_heir_who_teaches_the_class_becomes_its_owner(world: World) -> None:
    end(world, "teacher", heir="co_teacher")
    assert staff(world.own_class.id) == {
        world.people["co_teacher"].id: "owner",
        world.people["helper"].id: "helper",
    }


def test_a_place_at_another_school_stays(world: World) -> None:
    end(world, "co_teacher")
    assert schools_of(world, "co_teacher") == {world.elsewhere.id}


def test_there_is_no_end_to_what_is_not_ones_own(world: World) -> None:
    for role, school in (("outsider", world.outside), ("outsider", world.home), ("helper", world.elsewhere)):
        with pytest.raises(NotFound):
            end(world, role, school=school)
    with pytest.raises(NotFound):
        places.end_membership(
            principal=world.sign_in("helper"),
            account=world.people["co_teacher"].public_id,
            school=world.home.public_id,
            heir=None,
        )
    assert schools_of(world, "outsider") == {world.outside.id}


def test_classes_pass_to_nobody_of_another_school(world: World) -> None:
    with pytest.raises(Rejected) as rejected:
        end(world, "helper", heir="outsider")
    assert list(rejected.value.fields) == ["heir"]
    assert schools_of(world, "helper") == {world.home.id}


def test_the_database_lets_leaders_alone_end_a_place(world: World) -> None:
    helper, outsider = world.people["helper"].id, world.people["outsider"].id
    for who, school, account, heir in (
        ("helper", world.home.id, helper, None),
        ("co_teacher", world.home.id, helper, None),
        ("leader", world.outside.id, outsider, None),
        ("leader", world.home.id, helper, outsider),
        ("leader", world.home.id, helper, helper),
    ):
        with transaction(world.sign_in(who)) as tx:
            ended = functions.end_place(tx, school_id=school, account_id=account, heir=heir, at=clock.now())
            assert ended is None
    assert schools_of(world, "helper") == {world.home.id}


def test_nobody_ends_their_own_place(world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                account_id=world.people["leader"].id,
                school_id=world.home.id,
                role=Role.LEADER,
                created_at=clock.now(),
            )
        )
    with pytest.raises(Rejected, match="own place"):
        end(world, "leader")
