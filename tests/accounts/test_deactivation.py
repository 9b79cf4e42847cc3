"""Closing the own account: out at once, and not the last who can look after a place."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.accounts.services import credentials, deactivation, people, proof, signing_in
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.erasure.own_account import erase_own_account
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import (
    Classroom,
    Door,
    Enrollment,
    Membership,
    Role,
    TeachingRole,
)
from backoffice.schools.services.classrooms import create_classroom
from backoffice.settings import Sessions
from backoffice.storage import functions
from backoffice.students import services as students
from backoffice.throttles.visitor import Visitor
from tests.accounts.alone import alone, principal_of, room_of
from tests.accounts.post import link_for
from tests.factories.world import (
    COST,
    NO_LIMIT,
    PASSWORD,
    SYSTEM,
    World,
    names_behind,
)

MADE: list[int] = []


def member(email: str, *, founder: bool = False, **place: object) -> Principal:
    """Somebody new, with a membership if a place is named."""
    public_id = people.create_account(
        principal=SYSTEM, email=email, name="Lea Leaver", password=PASSWORD, cost=COST, founder=founder
    )
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Account.id).where(Account.public_id == public_id)).one()
        MADE.append(number)
        if place:
            row = {"id": tx.take_id(Membership), "account_id": number, "created_at": clock.now(), **place}
            tx.execute(insert(Membership).values(**row))
    return principal_of(email)


def close(who: Principal, typed: str | None = None) -> None:
    erase_own_account(principal=who, typed=state_of(who).email if typed is None else typed)


def state_of(who: Principal) -> Account:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Account).where(Account.id == who.account_id)).one()


def is_in(who: Principal) -> bool:
    try:
        with transaction(who.credential) as tx:
            return tx.principal.account_id is not None
    except SessionEnded:
        return False


@pytest.fixture(autouse=True)
def _world_as_it_was(runtime: Runtime) -> Iterator[None]:
    del runtime
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.account_id.in_(MADE)))
        tx.execute(update(Account).where(Account.id.in_(MADE)).values(founder=False))


def test_it_is_closed_at_once_everywhere_and_for_good(world: World) -> None:
    email = "lea@people.example"
    here = member(email, school_id=world.home.id, role=Role.TEACHER)
    there = principal_of(email)
    close(here, f" {email.upper()} ")
    assert not is_in(here)
    assert not is_in(there)
    found = state_of(here)
    assert found.status == AccountStatus.DEACTIVATED
    assert found.deactivated_at is not None
    with pytest.raises(Rejected) as raised:
        principal_of(email)
    assert raised.value.fields == {"": signing_in.REFUSED}
    # Nor does a new password open it again.
    credentials.ask_to_reset(email=email, visitor=Visitor(), throttles=NO_LIMIT)
    with pytest.raises(AssertionError):
        link_for(email, "reset")


def test_a_link_of_before_opens_nothing(world: World) -> None:
    email = "lea-links@people.example"
    who = member(email, school_id=world.home.id, role=Role.TEACHER)
    credentials.ask_to_reset(email=email, visitor=Visitor(), throttles=NO_LIMIT)
    token = link_for(email, "reset")
    close(who)
    with pytest.raises(Rejected):
        credentials.reset_password(token=token, password="walrus umbrella sax", cost=COST, address=None)


def test_the_codes_of_the_own_school_stop_and_its_children_are_out(runtime: Runtime) -> None:
    del runtime
    who = alone()
    room = room_of(who)
    inside = students.sign_in_student(
        code=room.code,
        student=room.children[0].public_id,
        sessions=Sessions(),
        visitor=Visitor(),
        throttles=NO_LIMIT,
    )
    close(who)
    with pytest.raises(SessionEnded), transaction(students.credential(inside.token_id, None)) as tx:
        assert tx.principal.kind
    with pytest.raises(Rejected):
        names_behind(room.code)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.door).where(Classroom.id == room.id)) == Door.CLOSED


def test_what_belongs_to_a_school_stays_with_it(world: World) -> None:
    who = member("lea-stays@people.example", school_id=world.home.id, role=Role.TEACHER)
    made = create_classroom(principal=who, school=world.home.public_id, name="Staying Storks")
    close(who)
    with transaction(world.sign_in("leader")) as tx:
        room = tx.scalars(select(Classroom).where(Classroom.public_id == made)).one()
        assert room.door == Door.OPEN
        assert tx.scalars(select(TeachingRole.role).where(TeachingRole.classroom_id == room.id)).all()


def test_before_it_says_what_goes_and_what_stays(world: World) -> None:
    who = alone()
    room = room_of(who)
    with transaction(SYSTEM) as tx:
        row = {"id": tx.take_id(Membership), "account_id": who.account_id, "created_at": clock.now()}
        tx.execute(insert(Membership).values(**row, school_id=world.home.id, role=Role.TEACHER))
    create_classroom(principal=who, school=world.home.public_id, name="Staying Storks")
    with transaction(who.credential) as tx:
        found = deactivation.preview(tx)
    assert found == deactivation.Preview(
        classes=[room.name],
        passed_on=[],
        students=2,
        sessions=1,
        schools=[world.home.name],
        classes_that_stay=1,
    )


def test_a_student_of_another_teachers_class_does_not_go(world: World) -> None:
    who = alone()
    room, other = room_of(who), room_of(who, "Badgers")
    shared = room.children[0]
    with transaction(SYSTEM) as tx:
        # The second class becomes another teacher's, with one of the children in it.
        colleague = world.people["outsider"].id
        held = (TeachingRole.classroom_id == other.id, TeachingRole.account_id == who.account_id)
        tx.execute(update(TeachingRole).where(*held).values(account_id=colleague))
        tx.execute(
            insert(Enrollment).values(
                school_id=room.school_id,
                classroom_id=other.id,
                student_id=shared.id,
                avatar="owl-sea",
                balance=0,
                joined_at=clock.now(),
            )
        )
    with transaction(who.credential) as tx:
        assert deactivation.preview(tx).students == 1


@pytest.mark.parametrize("typed", ["", "yes", "another@people.example"])
def test_it_needs_the_address(world: World, typed: str) -> None:
    who = member(f"lea-typed-{len(typed)}@people.example", school_id=world.home.id, role=Role.TEACHER)
    with pytest.raises(Rejected) as raised:
        close(who, typed)
    assert set(raised.value.fields) == {"typed"}
    assert is_in(who)


def test_it_needs_fresh_proof(world: World) -> None:
    who = member("lea-proof@people.example", school_id=world.home.id, role=Role.TEACHER)
    own = update(AccountSession).where(AccountSession.id == who.session_id)
    with transaction(SYSTEM) as tx:
        tx.execute(own.values(proven_at=clock.now() - timedelta(minutes=11)))
    with pytest.raises(proof.ProofNeeded):
        close(who)
    with pytest.raises(proof.ProofNeeded), transaction(who.credential) as tx:
        deactivation.preview(tx)
    assert is_in(who)


def test_the_last_leader_of_a_school_stays(world: World) -> None:
    # No district leads the school outside.
    who = member("lea-last@people.example", school_id=world.outside.id, role=Role.LEADER)
    with pytest.raises(Rejected, match="only leader"):
        close(who)
    assert is_in(who)
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Erasure.id).where(Erasure.asked_by == who.account_id)).all()
    member("lea-next@people.example", school_id=world.outside.id, role=Role.LEADER)
    close(who)
    assert not is_in(who)


def test_a_leader_who_cannot_sign_in_does_not_count(world: World) -> None:
    who = member("lea-only@people.example", school_id=world.outside.id, role=Role.LEADER)
    other = member("lea-gone@people.example", school_id=world.outside.id, role=Role.LEADER)
    with transaction(SYSTEM) as tx:
        gone = update(Account).where(Account.id == other.account_id)
        tx.execute(gone.values(status=AccountStatus.SUSPENDED))
    with pytest.raises(Rejected, match="only leader"):
        close(who)


def test_the_leader_of_a_district_stands_in_for_a_schools(world: World) -> None:
    who = member("lea-school@people.example", school_id=world.home.id, role=Role.LEADER)
    close(who)
    with pytest.raises(Rejected, match="only leader"):
        close(world.sign_in("leader"))
    # A school's leader leads no district.
    member("lea-below@people.example", school_id=world.home.id, role=Role.LEADER)
    with pytest.raises(Rejected, match="only leader"):
        close(world.sign_in("leader"))


def test_two_leaders_who_go_at_once_do_not_both_go(world: World) -> None:
    first, second = (
        member(f"lea-both-{n}@people.example", school_id=world.outside.id, role=Role.LEADER) for n in range(2)
    )
    with pytest.raises(Rejected, match="only leader"):
        _while_another_goes(first, second)
    assert is_in(second)


def test_two_founders_who_go_at_once_do_not_both_go(world: World) -> None:
    before = update(Account).where(Account.id == world.people["founder"].id)
    with transaction(SYSTEM) as tx:
        tx.execute(before.values(founder=False))
    first, second = (member(f"lea-founder-{n}@people.example", founder=True) for n in range(2))
    try:
        with pytest.raises(Rejected, match="only founder"):
            _while_another_goes(first, second)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(before.values(founder=True))
    assert is_in(second)


def test_the_last_founder_stays(world: World) -> None:
    with pytest.raises(Rejected, match="only founder"):
        close(world.sign_in("founder"))


def _while_another_goes(first: Principal, second: Principal) -> None:
    """The second closes the account while the first is about to, and waits for how that ends."""
    with ThreadPoolExecutor(1) as thread:
        with transaction(first.credential) as tx:
            assert functions.deactivate(tx, at=clock.now()) == "done"
            waiting = thread.submit(close, second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
        waiting.result(timeout=20)
