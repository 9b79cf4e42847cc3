"""Who teaches a class with whom: given, changed, ended, left, and asked by mail."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import TEACHERS_ASSIGN
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountSession
from backoffice.accounts.services import proof
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.schools.models import (
    Classroom,
    Membership,
    Role,
    School,
    SchoolKind,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.settings import Sessions
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.staff.services import class_roles, invitations
from backoffice.staff.services.class_roles import LAST_OWNER, NO_ROLE, NOBODY, ONLY_OWNER
from backoffice.storage import functions
from backoffice.throttles.visitor import Visitor
from tests.factories.world import COST, NO_LIMIT, SYSTEM, World
from tests.staff.post import mailed, token_for

OWNER, CO_TEACHER, HELPER = TeachingRoleName
PASSWORD = "walrus umbrella saxophone"


@pytest.fixture
def own(world: World) -> Iterator[str]:
    """The teacher's class, whose staff is afterwards as it was."""
    with transaction(SYSTEM) as tx:
        before = tx.execute(select(TeachingRole.__table__)).mappings().all()
    yield world.own_class.public_id
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole))
        tx.execute(insert(TeachingRole), [{k: v for k, v in row.items() if k != "origin"} for row in before])


def roles(world: World) -> dict[str, str]:
    """Who is what in the own class, by the names in the world."""
    by_number = {person.id: name for name, person in world.people.items()}
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(select(TeachingRole).where(TeachingRole.classroom_id == world.own_class.id)).all()
    return {by_number[row.account_id]: row.role for row in rows if row.account_id in by_number}


def give(world: World, who: Principal, role: TeachingRoleName = HELPER, to: str = "colleague") -> None:
    class_roles.give_role(
        principal=who, classroom=world.own_class.public_id, account=world.people[to].public_id, role=role
    )


def change(world: World, who: Principal, of: str, role: TeachingRoleName) -> None:
    class_roles.change_role(
        principal=who, classroom=world.own_class.public_id, account=world.people[of].public_id, role=role
    )


def take(world: World, who: Principal, of: str) -> None:
    class_roles.take_role(
        principal=who, classroom=world.own_class.public_id, account=world.people[of].public_id
    )


def spare(world: World, role: str) -> dict[str, bool]:
    """Of whom of the class somebody is told that it has an owner without them."""
    people = {world.people[each].public_id: each for each in ("teacher", "co_teacher", "helper")}
    with transaction(world.sign_in(role)) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.id == world.own_class.id)).one()
        return {
            people[each.public_id]: each.spare
            for each in class_roles.members_of(tx, row)
            if each.public_id in people
        }


def newest() -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1))


def test_an_owner_gives_changes_and_ends_a_role(world: World, own: str) -> None:
    teacher, colleague = world.sign_in("teacher"), world.people["colleague"]
    with transaction(teacher) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.public_id == own)).one()
        offered = [each.name for each in class_roles.colleagues_for(tx, row)]
    assert offered == ["Colin Colleague"]
    give(world, teacher)
    assert (roles(world)["colleague"], newest()) == (HELPER, "classrooms.give-role")
    assert "Tilda Teacher has made you a helper of Ownclass Otters" in mailed(colleague.email)[-1]
    assert world.own_class.id in world.sign_in("colleague").helped
    change(world, teacher, "colleague", CO_TEACHER)
    assert (roles(world)["colleague"], newest()) == (CO_TEACHER, "classrooms.change-role")
    assert "a co-teacher of Ownclass Otters" in mailed(colleague.email)[-1]
    there = world.sign_in("colleague")
    take(world, teacher, "colleague")
    assert ("colleague" in roles(world), newest()) == (False, "classrooms.take-role")
    assert "has ended your role in Ownclass Otters" in mailed(colleague.email)[-1]
    # At once, in the session that goes on.
    with transaction(there) as tx:
        assert tx.scalar(select(Classroom.id).where(Classroom.public_id == own)) is None


def test_a_class_is_handed_over_and_keeps_an_owner(world: World, own: str) -> None:
    teacher = world.sign_in("teacher")
    with pytest.raises(Rejected, match=LAST_OWNER[:20]):
        change(world, teacher, "teacher", HELPER)
    with pytest.raises(Rejected, match=LAST_OWNER[:20]):
        take(world, world.sign_in("leader"), "teacher")
    with pytest.raises(Rejected, match=ONLY_OWNER[:30]):
        class_roles.leave_class(principal=teacher, classroom=own)
    change(world, teacher, "co_teacher", OWNER)
    class_roles.leave_class(principal=teacher, classroom=own)
    assert (roles(world), newest()) == ({"co_teacher": OWNER, "helper": HELPER}, "classrooms.leave")
    with pytest.raises(NotFound):
        give(world, teacher)
    class_roles.leave_class(principal=world.sign_in("helper"), classroom=own)
    with pytest.raises(Rejected, match=NO_ROLE):
        class_roles.leave_class(principal=world.sign_in("leader"), classroom=own)


def test_the_database_keeps_an_owner_and_who_may_choose(world: World, own: str) -> None:
    teacher, room = world.sign_in("teacher"), world.own_class.id
    place = {"school_id": world.home.id, "classroom_id": room}
    for who in ("co_teacher", "helper"):
        session = world.sign_in(who)
        with pytest.raises(ProgrammingError), transaction(session) as tx:
            tx.execute(
                insert(TeachingRole).values(**place, account_id=world.people["colleague"].id, role=HELPER)
            )
        with transaction(session) as tx:
            own_number = world.people[who].id
            assert not functions.change_teaching_role(tx, **place, account_id=own_number, role=OWNER)
            assert functions.colleagues(tx, school_id=world.home.id, classroom_id=room) == []
            for of in ("teacher", "helper" if who == "co_teacher" else "co_teacher"):
                assert not functions.end_teaching_role(tx, **place, account_id=world.people[of].id)
    with transaction(teacher) as tx:
        only = world.people["teacher"].id
        assert not functions.end_teaching_role(tx, **place, account_id=only)
        assert not functions.change_teaching_role(tx, **place, account_id=only, role=HELPER)
    assert roles(world) == {"teacher": OWNER, "co_teacher": CO_TEACHER, "helper": HELPER}
    assert own


def test_no_teacher_makes_a_leader_of_the_school_one_of_the_class(world: World, own: str) -> None:
    """What a child tells past the class's grown-ups reaches the leaders who do not work in it."""
    leader, teacher = world.people["leader"], world.sign_in("teacher")
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                id=tx.take_id(Membership),
                account_id=leader.id,
                school_id=world.home.id,
                role=Role.LEADER,
                created_at=clock.now(),
            )
        )
    try:
        with pytest.raises(Rejected, match=NOBODY[:20]):
            give(world, teacher, to="leader")
        row = insert(TeachingRole).values(
            school_id=world.home.id,
            classroom_id=world.own_class.id,
            account_id=leader.id,
            role=HELPER,
        )
        with pytest.raises(ProgrammingError, match="row-level security"), transaction(teacher) as tx:
            tx.execute(row)
        give(world, world.sign_in("leader"), to="leader")
        assert roles(world)["leader"] == HELPER
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                delete(Membership).where(
                    Membership.account_id == leader.id, Membership.school_id == world.home.id
                )
            )


def test_in_a_class_without_an_owner_roles_end_all_the_same(world: World, own: str) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            delete(TeachingRole).where(
                TeachingRole.classroom_id == world.own_class.id, TeachingRole.role == OWNER
            )
        )
    leader = world.sign_in("leader")
    change(world, leader, "co_teacher", HELPER)
    take(world, leader, "co_teacher")
    class_roles.leave_class(principal=world.sign_in("helper"), classroom=own)
    assert roles(world) == {}


def test_an_owner_who_cannot_act_is_none(world: World, own: str) -> None:
    change(world, world.sign_in("teacher"), "co_teacher", OWNER)
    place = update(Membership).where(
        Membership.account_id == world.people["co_teacher"].id, Membership.school_id == world.home.id
    )
    with transaction(SYSTEM) as tx:
        tx.execute(place.values(suspended_at=clock.now()))
    try:
        with pytest.raises(Rejected, match=ONLY_OWNER[:20]):
            class_roles.leave_class(principal=world.sign_in("teacher"), classroom=own)
        # The page offers nothing that the service refuses, whoever looks at it.
        for role in ("teacher", "helper", "leader"):
            assert spare(world, role) == {"teacher": False, "co_teacher": True, "helper": True}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(place.values(suspended_at=None))
    assert spare(world, "teacher") == {"teacher": True, "co_teacher": True, "helper": True}


def test_whoever_does_not_own_the_class_chooses_nobody(world: World, own: str) -> None:
    del own
    for name in ("co_teacher", "helper", "colleague", "outsider"):
        who = world.sign_in(name)
        with pytest.raises(NotFound):
            give(world, who)
        with pytest.raises(NotFound):
            change(world, who, "helper", CO_TEACHER)
        with pytest.raises(NotFound):
            take(world, who, "helper")
        with pytest.raises(NotFound):
            ask(world, "nadia@people.example", InvitedAs.HELPER, principal=who)


def test_only_colleagues_of_the_school_are_given_a_role(world: World, own: str) -> None:
    del own
    teacher = world.sign_in("teacher")
    for nobody in ("outsider", "elsewhere", "helper", "parent"):
        with pytest.raises(Rejected, match=NOBODY[:20]):
            give(world, teacher, to=nobody)
    with pytest.raises(Rejected, match="co-teacher or helper"):
        give(world, teacher, OWNER)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Membership)
            .where(Membership.account_id == world.people["colleague"].id)
            .values(suspended_at=Membership.created_at)
        )
    with pytest.raises(Rejected, match=NOBODY[:20]):
        give(world, teacher)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Membership).values(suspended_at=None))


def test_a_browser_that_was_left_open_chooses_nobody(world: World, own: str) -> None:
    del own
    teacher = world.sign_in("teacher")
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=AccountSession.started_at - 2 * proof.LASTS))
    with pytest.raises(ProofNeeded):
        give(world, teacher)
    with pytest.raises(ProofNeeded):
        change(world, teacher, "helper", OWNER)
    with pytest.raises(ProofNeeded):
        take(world, teacher, "helper")
    class_roles.leave_class(principal=world.sign_in("helper"), classroom=world.own_class.public_id)


def ask(world: World, email: str, role: InvitedAs = InvitedAs.CO_TEACHER, **changed: Any) -> str:
    asked: dict[str, Any] = {
        "principal": world.sign_in("teacher"),
        "classroom": world.own_class.public_id,
        "email": email,
        "name": "Nadia Newcomer",
        "role": role,
        "throttles": NO_LIMIT,
    }
    return invitations.invite_to_class(**asked | changed)


def begin(token: str) -> None:
    invitations.accept_anew(
        token=token,
        name="Nadia N.",
        password=PASSWORD,
        cost=COST,
        sessions=Sessions(),
        visitor=Visitor("203.0.113.4"),
        device="test browser",
    )


def test_an_owner_invites_by_mail_into_the_own_class_only(world: World, own: str) -> None:
    teacher = world.sign_in("teacher")
    made = ask(world, "nadia@people.example")
    assert "a co-teacher of Ownclass Otters" in mailed("nadia@people.example")[-1]
    with pytest.raises(Rejected, match="co-teacher or helper"):
        ask(world, "owen@people.example", InvitedAs.OWNER)
    with pytest.raises(NotFound):
        ask(world, "owen@people.example", classroom=world.colleague_class.public_id)
    # The row itself: neither as an owner, nor of another class, nor of the school as a whole.
    with transaction(SYSTEM) as tx:
        given = dict(
            tx.execute(select(Invitation.__table__).where(Invitation.public_id == made)).mappings().one()
        )
    copied = {
        name: given[name]
        for name in ("school_id", "email", "email_index", "name", "invited_by", "created_at", "expires_at")
    }
    for role, room in (
        (InvitedAs.OWNER, world.own_class.id),
        (InvitedAs.HELPER, world.colleague_class.id),
        (InvitedAs.LEADER, None),
    ):
        with pytest.raises(ProgrammingError), transaction(teacher) as tx:
            tx.execute(
                insert(Invitation).values(
                    **copied,
                    id=tx.take_id(Invitation),
                    public_id=f"aaaaaaaaaaaa{role[:4]}",
                    role=role,
                    classroom_id=room,
                )
            )
    with transaction(teacher) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.public_id == own)).one()
        assert [each.public_id for each in invitations.invited_to(tx, row)] == [made]
    with transaction(world.sign_in("co_teacher")) as tx:
        assert tx.scalars(select(Invitation)).all() == []
    begin(token_for("nadia@people.example"))
    with transaction(SYSTEM) as tx:
        nadia = tx.scalars(
            select(Account).where(Account.email_index == email_index("nadia@people.example"))
        ).one()
        held = tx.scalars(select(TeachingRole).where(TeachingRole.account_id == nadia.id)).one()
        assert (held.role, held.classroom_id) == (CO_TEACHER, world.own_class.id)
    class_roles.take_role(principal=teacher, classroom=own, account=nadia.public_id)
    with transaction(SYSTEM) as tx:
        # A school's teacher stays one: only its leader ends that.
        assert tx.scalar(select(Membership.id).where(Membership.account_id == nadia.id)) is not None


def test_in_a_personal_school_a_guest_goes_with_the_last_class(world: World, own: str) -> None:
    teacher = world.sign_in("teacher")
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(kind=SchoolKind.PERSONAL))
    try:
        ask(world, "gus@people.example", InvitedAs.HELPER)
        begin(token_for("gus@people.example"))
        with transaction(SYSTEM) as tx:
            gus = tx.scalars(
                select(Account).where(Account.email_index == email_index("gus@people.example"))
            ).one()
        class_roles.take_role(principal=teacher, classroom=own, account=gus.public_id)
        # Who was there before anybody invited them, stays.
        take(world, teacher, "helper")
        with transaction(SYSTEM) as tx:
            left = tx.scalars(
                select(Membership.account_id).where(
                    Membership.account_id.in_([gus.id, world.people["helper"].id])
                )
            ).all()
        assert left == [world.people["helper"].id]
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == world.home.id).values(kind=SchoolKind.SCHOOL))


def test_an_invitation_of_an_owner_is_sent_again_and_withdrawn_by_that_right_alone(
    world: World, own: str
) -> None:
    del own
    teacher = world.sign_in("teacher")
    made = ask(world, "wim@people.example")
    first = token_for("wim@people.example")
    assert invitations.withdraw(principal=teacher, invitations=[made]) == 0
    right = TEACHERS_ASSIGN
    for who in ("co_teacher", "colleague"):
        assert invitations.withdraw(principal=world.sign_in(who), invitations=[made], right=right) == 0
    assert invitations.send_again(principal=teacher, invitations=[made], throttles=NO_LIMIT, right=right) == 1
    assert (token_for("wim@people.example") != first, invitations.opened(first)) == (True, None)
    # It is worth what its sender is.
    second = token_for("wim@people.example")
    assert invitations.opened(second) is not None
    change(world, teacher, "co_teacher", OWNER)
    change(world, teacher, "teacher", CO_TEACHER)
    assert invitations.opened(second) is None
    change(world, world.sign_in("co_teacher"), "teacher", OWNER)
    assert invitations.opened(second) is not None
    assert invitations.withdraw(principal=teacher, invitations=[made], right=right) == 1
    assert invitations.opened(second) is None
