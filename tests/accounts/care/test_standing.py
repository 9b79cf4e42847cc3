"""Suspending and reinstating: accounts by founders, places by leaders."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import Suspension
from backoffice.accounts.care.services import standing
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.accounts.services import credentials
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditDetail
from backoffice.problems import Rejected
from backoffice.schools.models import Membership, Role, School
from backoffice.staff.models import InvitedAs
from backoffice.staff.services import invitations, places
from backoffice.throttles.visitor import Visitor
from tests.accounts.care.people import gets_in, is_out, mailed, noted, open_events, status
from tests.factories import world as factory
from tests.factories.world import NO_LIMIT, SYSTEM, Person, World
from tests.staff.post import token_for

WHY = "Lost the laptop with the list on it"


@pytest.fixture(scope="module")
def second_founder(world: World) -> Person:
    """Somebody with whom the founder shares the company."""
    person = factory._person("second-founder", "Faith Founder")
    with transaction(SYSTEM) as tx:
        secret = factory._second_factor(tx, person.id)
        tx.execute(update(Account).where(Account.id == person.id).values(founder=True))
    person.secret = secret
    world.people["founder_2"] = person
    return person


@pytest.fixture(scope="module", autouse=True)
def _at_two_schools(world: World) -> None:
    """Cora teaches elsewhere too."""
    add_place(world.people["co_teacher"], world.elsewhere)


def add_place(person: Person, school: School, role: Role = Role.TEACHER) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                account_id=person.id, school_id=school.id, role=role, created_at=clock.now()
            )
        )


def suspend_place(world: World, role: str, school: School | None = None, by: str = "leader") -> bool:
    return standing.suspend_place(
        principal=world.sign_in(by),
        account=world.people[role].public_id,
        school=(school or world.home).public_id,
        reason=WHY,
    )


def reinstate_place(world: World, role: str, school: School | None = None) -> None:
    standing.reinstate_place(
        principal=world.sign_in("leader"),
        account=world.people[role].public_id,
        school=(school or world.home).public_id,
    )


def suspend_account(world: World, role: str, by: Principal | None = None) -> None:
    standing.suspend_account(
        principal=by or world.sign_in("founder"), account=world.people[role].public_id, reason=WHY
    )


def reinstate_account(world: World, role: str) -> None:
    standing.reinstate_account(principal=world.sign_in("founder"), account=world.people[role].public_id)


def reasons() -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(Suspension.reason).where(Suspension.suspended_by.is_not(None))))


def test_whoever_is_suspended_by_a_founder_is_out_at_once(world: World) -> None:
    teacher, inside = world.people["teacher"], world.sign_in("teacher")
    suspend_account(world, "teacher")
    assert (is_out(inside), gets_in(world, "teacher"), status(teacher)) == (True, False, "suspended")
    assert (reasons(), open_events(teacher), noted("accounts.suspend")) == ([WHY], ["suspended"], 1)
    assert "has suspended your account" in mailed(teacher)[-1]
    assert WHY not in " ".join(mailed(teacher))
    # Nor is there a way around by mail.
    before = len(mailed(teacher))
    credentials.ask_to_reset(email=teacher.email, visitor=Visitor(), throttles=NO_LIMIT)
    assert len(mailed(teacher)) == before
    with pytest.raises(Rejected):
        suspend_account(world, "teacher")
    reinstate_account(world, "teacher")
    assert (is_out(inside), gets_in(world, "teacher"), reasons()) == (True, True, [])
    assert "ended the suspension" in " ".join(mailed(teacher))
    with pytest.raises(Rejected):
        reinstate_account(world, "teacher")


def test_an_account_that_was_locked_is_locked_again(world: World) -> None:
    helper = world.people["helper"]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == helper.id).values(status=AccountStatus.LOCKED))
    suspend_account(world, "helper")
    reinstate_account(world, "helper")
    assert status(helper) == "locked"
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == helper.id).values(status=AccountStatus.ACTIVE))


def test_a_parent_is_suspended_by_a_founder_too(world: World) -> None:
    suspend_account(world, "parent")
    assert not gets_in(world, "parent")
    reinstate_account(world, "parent")


def test_of_two_founders_who_suspend_each_other_one_stays(world: World, second_founder: Person) -> None:
    first, second = world.sign_in("founder"), world.sign_in("founder_2")

    def suspend(by: Principal, role: str) -> bool:
        try:
            suspend_account(world, role, by)
        except (Rejected, NotFound, SessionEnded):
            # Suspended while they waited, or before they began.
            return False
        return True

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(suspend, (first, second), ("founder_2", "founder")))
    assert sorted(done) == [False, True]
    assert sorted([status(world.people["founder"]), status(second_founder)]) == ["active", "suspended"]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.founder).values(status="active"))
        tx.execute(delete(Suspension))


def test_nobody_suspends_themselves(world: World) -> None:
    with pytest.raises(NotFound):
        suspend_account(world, "founder")


@pytest.mark.parametrize("role", ["leader", "teacher", "parent", "officer"])
def test_only_founders_suspend_accounts(world: World, role: str) -> None:
    with pytest.raises(Denied):
        suspend_account(world, "outsider", world.sign_in(role))
    assert gets_in(world, "outsider")


def test_far_reaching_acts_ask_for_a_fresh_proof(world: World) -> None:
    founder, leader = world.sign_in("founder"), world.sign_in("leader")
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - timedelta(minutes=11)))
    cora, home = world.people["co_teacher"].public_id, world.home.public_id
    acts = (
        lambda: standing.suspend_account(principal=founder, account=cora, reason=WHY),
        lambda: standing.reinstate_account(principal=founder, account=cora),
        lambda: standing.suspend_place(principal=leader, account=cora, school=home, reason=WHY),
        lambda: standing.reinstate_place(principal=leader, account=cora, school=home),
    )
    for act in acts:
        with pytest.raises(ProofNeeded):
            act()


def test_a_place_that_is_all_there_is_takes_the_account_with_it(world: World) -> None:
    colleague, inside = world.people["colleague"], world.sign_in("colleague")
    assert suspend_place(world, "colleague") is True
    assert (is_out(inside), gets_in(world, "colleague"), status(colleague)) == (True, False, "suspended")
    assert "A leader of Home Hollow School has suspended your place there." in mailed(colleague)[-1]
    assert (noted("memberships.suspend"), open_events(colleague)) == (1, ["suspended"])
    reinstate_place(world, "colleague")
    assert world.sign_in("colleague").owned == {world.colleague_class.id}
    assert "ended the suspension of your place" in " ".join(mailed(colleague))


def test_whoever_teaches_elsewhere_keeps_that(world: World) -> None:
    cora, inside = world.people["co_teacher"], world.sign_in("co_teacher")
    assert inside.taught_schools == {world.home.id, world.elsewhere.id}
    assert suspend_place(world, "co_teacher") is False
    assert (is_out(inside), status(cora), open_events(cora)) == (True, "active", [])
    again = world.sign_in("co_teacher")
    assert (again.taught_schools, again.co_taught) == (frozenset({world.elsewhere.id}), frozenset())
    with pytest.raises(Rejected):
        suspend_place(world, "co_teacher")
    # The other place is now all that there is.
    assert suspend_place(world, "co_teacher", world.elsewhere) is True
    assert status(cora) == "suspended"
    # With one place again the account is open, whatever the other school holds.
    reinstate_place(world, "co_teacher")
    assert world.sign_in("co_teacher").taught_schools == {world.home.id}
    reinstate_place(world, "co_teacher", world.elsewhere)
    assert world.sign_in("co_teacher").taught_schools == {world.home.id, world.elsewhere.id}


def test_a_parent_who_teaches_still_sees_the_child(world: World) -> None:
    person = world.people["elsewhere"]
    with transaction(SYSTEM) as tx:
        factory._guardian(tx, person, world.outside, world.foreign_class.children[0])
    assert suspend_place(world, "elsewhere", world.elsewhere) is False
    seen = world.sign_in("elsewhere")
    assert (seen.taught_schools, seen.children) == (
        frozenset(),
        frozenset({world.foreign_class.children[0].id}),
    )
    reinstate_place(world, "elsewhere", world.elsewhere)


def test_no_leader_opens_what_a_founder_has_suspended(world: World) -> None:
    colleague = world.people["colleague"]
    suspend_place(world, "colleague")
    suspend_account(world, "colleague")
    reinstate_place(world, "colleague")
    assert (status(colleague), gets_in(world, "colleague")) == ("suspended", False)
    reinstate_account(world, "colleague")
    assert gets_in(world, "colleague")


def test_a_founder_opens_the_account_and_not_the_place(world: World) -> None:
    suspend_place(world, "colleague")
    reinstate_account(world, "colleague")
    assert world.sign_in("colleague").taught_schools == frozenset()
    reinstate_place(world, "colleague")
    assert world.sign_in("colleague").taught_schools == {world.home.id}


def test_an_open_invitation_is_no_way_around(world: World) -> None:
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
    token = token_for(colleague.email)
    suspend_place(world, "colleague")
    assert invitations.opened(token) is None
    reinstate_place(world, "colleague")


def test_the_end_of_a_place_ends_its_suspension(world: World) -> None:
    helper = world.people["helper"]
    suspend_place(world, "helper")
    places.end_membership(
        principal=world.sign_in("leader"),
        account=helper.public_id,
        school=world.home.public_id,
        heir=None,
    )
    assert (status(helper), reasons()) == ("active", [])
    assert world.sign_in("helper").member_schools == frozenset()
    add_place(helper, world.home)


def test_whoever_is_suspended_takes_over_no_class(world: World) -> None:
    suspend_place(world, "co_teacher")
    with pytest.raises(Rejected) as rejected:
        places.end_membership(
            principal=world.sign_in("leader"),
            account=world.people["colleague"].public_id,
            school=world.home.public_id,
            heir=world.people["co_teacher"].public_id,
        )
    assert list(rejected.value.fields) == ["heir"]
    reinstate_place(world, "co_teacher")


def test_leaders_suspend_nobody_elsewhere_and_no_leader(world: World) -> None:
    with pytest.raises(NotFound):
        suspend_place(world, "outsider", world.outside)
    with pytest.raises(NotFound):
        suspend_place(world, "helper", world.outside)
    with pytest.raises(Rejected):
        # Works at home, not there.
        suspend_place(world, "helper", world.elsewhere)
    with pytest.raises(NotFound):
        suspend_place(world, "helper", by="teacher")
    add_place(world.people["outsider"], world.home, Role.LEADER)
    with pytest.raises(Rejected):
        suspend_place(world, "outsider")
    assert gets_in(world, "outsider")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_asked(world: World, reason: str) -> None:
    with pytest.raises(Rejected) as rejected:
        standing.suspend_account(
            principal=world.sign_in("founder"), account=world.people["helper"].public_id, reason=reason
        )
    assert list(rejected.value.fields) == ["reason"]


def test_a_founder_finds_an_account_by_its_exact_address(world: World) -> None:
    founder, teacher = world.sign_in("founder"), world.people["teacher"]
    assert standing.look_up(principal=founder, email=f" {teacher.email.upper()} ") == teacher.public_id
    assert standing.look_up(principal=founder, email="nobody@people.example") is None
    assert noted("accounts.look-up") == 2
    with transaction(SYSTEM) as tx:
        newest = tx.scalars(select(AuditDetail).order_by(AuditDetail.entry_id.desc()).limit(1)).one()
    assert (newest.detail["found"], "nobody@" in str(newest.detail)) == (False, False)
    with pytest.raises(Denied):
        standing.look_up(principal=world.sign_in("leader"), email=teacher.email)


def test_a_founder_sees_roles_and_no_name(world: World) -> None:
    with transaction(world.sign_in("founder")) as tx:
        leader = standing.in_care(tx, world.people["leader"].public_id)
        founder = standing.in_care(tx, world.people["founder"].public_id)
        parent = standing.in_care(tx, world.people["parent"].public_id)
        with pytest.raises(NotFound):
            standing.in_care(tx, "2" * 16)
    assert (leader.roles, leader.has_factor, leader.status) == (["leader"], False, AccountStatus.ACTIVE)
    assert (founder.roles, founder.has_factor, founder.own) == (["founder"], True, True)
    assert parent.roles == ["parent"]
    assert not {"name", "email"} & set(vars(leader))
