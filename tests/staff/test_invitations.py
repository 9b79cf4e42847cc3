"""Inviting, sending again, withdrawing, accepting."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import people
from backoffice.accounts.tokens import token_digest
from backoffice.audit.models import AuditEntry
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Membership, Role, TeachingRole, TeachingRoleName
from backoffice.settings import Sessions
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.staff.services import invitations
from backoffice.staff.services.invitations import Standing
from backoffice.storage import functions
from backoffice.storage.functions import NewcomerAccount
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.visitor import Visitor
from tests.factories.world import COST, NO_LIMIT, SYSTEM, World
from tests.staff.post import mailed, token_for

PASSWORD = "walrus umbrella saxophone"


def ask(world: World, email: str, role: InvitedAs = InvitedAs.TEACHER, **changed: Any) -> str:
    """Invite somebody to the home school, as its leader."""
    asked: dict[str, Any] = {
        "principal": world.sign_in("leader"),
        "school": world.home.public_id,
        "email": email,
        "name": "Nadia Newcomer",
        "role": role,
        "classroom": None,
        "throttles": NO_LIMIT,
    }
    return invitations.invite(**asked | changed)


def accept(token: str, name: str = "Nadia N.") -> None:
    invitations.accept_anew(
        token=token,
        name=name,
        password=PASSWORD,
        cost=COST,
        sessions=Sessions(),
        visitor=Visitor("203.0.113.4"),
        device="test browser",
    )


def account_of(email: str) -> Account | None:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Account).where(Account.email_index == email_index(email))).one_or_none()


def places(email: str) -> set[tuple[int | None, str]]:
    account = account_of(email)
    with transaction(SYSTEM) as tx:
        held = select(Membership.school_id, Membership.role).where(
            Membership.account_id == (account.id if account else 0)
        )
        return {(school, role) for school, role in tx.execute(held)}


def in_class(email: str) -> set[tuple[int, str]]:
    account = account_of(email)
    with transaction(SYSTEM) as tx:
        held = select(TeachingRole.classroom_id, TeachingRole.role).where(
            TeachingRole.account_id == (account.id if account else 0)
        )
        return {(room, role) for room, role in tx.execute(held)}


def age(by: timedelta, email: str) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Invitation)
            .where(Invitation.email_index == email_index(email))
            .values(expires_at=Invitation.expires_at - by)
        )


def noted(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.verb == verb)) or 0


def not_invited(world: World, email: str) -> Account:
    """Somebody whom a roster put at the home school."""
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Account)
        tx.execute(
            insert(Account).values(
                id=number,
                public_id=new_public_id(),
                email=email,
                email_index=email_index(email),
                name="Rolf Roster",
                founder=False,
                status=AccountStatus.NOT_INVITED,
                language="en",
                time_zone="UTC",
                security_epoch=1,
                created_at=clock.now(),
            )
        )
        tx.execute(
            insert(Membership).values(
                account_id=number, school_id=world.home.id, role=Role.TEACHER, created_at=clock.now()
            )
        )
    found = account_of(email)
    assert found
    return found


@pytest.mark.parametrize(
    ("role", "held"), [(InvitedAs.TEACHER, Role.TEACHER), (InvitedAs.LEADER, Role.LEADER)]
)
def test_a_newcomer_gets_an_account_and_the_place(world: World, role: InvitedAs, held: Role) -> None:
    email = f"new-{role}@people.example"
    ask(world, email, role)
    accept(token_for(email))
    made = account_of(email)
    assert made
    assert (made.name, made.status, places(email)) == ("Nadia N.", "active", {(world.home.id, held)})


@pytest.mark.parametrize("role", [InvitedAs.CO_TEACHER, InvitedAs.HELPER])
def test_a_class_comes_with_the_place(world: World, role: InvitedAs) -> None:
    email = f"new-{role}@people.example"
    ask(world, email, role, classroom=world.own_class.public_id)
    assert in_class(email) == set()
    accept(token_for(email))
    assert (places(email), in_class(email)) == (
        {(world.home.id, Role.TEACHER)},
        {(world.own_class.id, role)},
    )


def test_a_class_changes_hands_when_its_new_owner_accepts_and_not_before(world: World) -> None:
    email, room = "new-owner@people.example", world.colleague_class
    with transaction(SYSTEM) as tx:
        of_class = select(TeachingRole.account_id, TeachingRole.role).where(
            TeachingRole.classroom_id == room.id
        )
        before = dict(tx.execute(of_class).all())
    ask(world, email, InvitedAs.OWNER, classroom=room.public_id)
    token = token_for(email)
    with transaction(SYSTEM) as tx:
        assert dict(tx.execute(of_class).all()) == before
    accept(token)
    assert in_class(email) == {(room.id, TeachingRoleName.OWNER)}
    with transaction(SYSTEM) as tx:
        owners = [number for number, role in before.items() if role == TeachingRoleName.OWNER]
        after = dict(tx.execute(of_class).all())
        assert [after[number] for number in owners] == [TeachingRoleName.CO_TEACHER]
        # As before, for the next test.
        for number, role in before.items():
            mine = (TeachingRole.classroom_id == room.id, TeachingRole.account_id == number)
            tx.execute(update(TeachingRole).where(*mine).values(role=role))
        tx.execute(
            delete(TeachingRole).where(
                TeachingRole.classroom_id == room.id, TeachingRole.account_id.not_in(list(before))
            )
        )


def test_a_co_teacher_is_invited_to_own_the_class_and_to_nothing_less(world: World) -> None:
    there = {"email": world.people["co_teacher"].email, "classroom": world.own_class.public_id}
    for less in (InvitedAs.CO_TEACHER, InvitedAs.HELPER):
        with pytest.raises(Rejected) as raised:
            ask(world, role=less, **there)
        assert raised.value.fields == {"email": invitations.THERE_ALREADY}
    ask(world, role=InvitedAs.OWNER, **there)


def test_the_mail_says_who_where_and_what(world: World) -> None:
    ask(world, "read@people.example", InvitedAs.HELPER, classroom=world.own_class.public_id)
    (text,) = mailed("read@people.example")
    wanted = ("Ruth Leader", "Home Hollow School", "a helper of Ownclass Otters", "Nadia Newcomer")
    assert [each for each in wanted if each not in text] == []


def test_the_mail_of_a_school_names_no_account(world: World) -> None:
    ask(world, world.people["outsider"].email)
    mailed("")
    with transaction(SYSTEM) as tx:
        named = select(OutgoingMail.account_id).where(OutgoingMail.name == "core.invitation")
        assert set(tx.scalars(named)) == {None}


def test_who_has_an_account_takes_the_place_with_it(world: World) -> None:
    person = world.people["parent"]
    ask(world, person.email)
    token = token_for(person.email)
    invitations.accept(principal=world.sign_in("parent"), token=token)
    assert (world.home.id, Role.TEACHER) in places(person.email)


def test_another_account_does_not_take_the_place(world: World) -> None:
    ask(world, "mine@people.example")
    token = token_for("mine@people.example")
    with pytest.raises(Rejected):
        invitations.accept(principal=world.sign_in("outsider"), token=token)
    assert invitations.opened(token) is not None


def test_an_account_in_use_is_not_taken_over_by_a_link(world: World) -> None:
    """Whoever reads somebody's mail resets the password, of which the owner is told."""
    person = world.people["foreign_parent"]
    ask(world, person.email)
    token = token_for(person.email)
    found = invitations.opened(token)
    assert found
    assert found.standing is Standing.ACCOUNT
    with pytest.raises(Rejected):
        accept(token)
    # Nor by the database, were it asked.
    new = NewcomerAccount(new_public_id(), b"mine", b"mine", "$argon2id$mine")
    with transaction(Nobody()) as tx:
        digest = token_digest(token)
        assert functions.accept_invitation_anew(tx, new, digest=digest, at=clock.now()) is None
    world.sign_in("foreign_parent")


def test_an_owner_who_is_asked_to_help_stays_the_owner(world: World) -> None:
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Invitation)
        teacher = world.people["teacher"]
        tx.execute(
            insert(Invitation).values(
                school_id=world.home.id,
                id=number,
                public_id=new_public_id(),
                email=teacher.email,
                email_index=email_index(teacher.email),
                name="T",
                role=InvitedAs.HELPER,
                classroom_id=world.own_class.id,
                invited_by=world.people["leader"].id,
                created_at=clock.now(),
                expires_at=clock.now() + timedelta(days=1),
            )
        )
    invitations.accept(principal=world.sign_in("teacher"), token=token_for(teacher.email))
    assert in_class(teacher.email) == {(world.own_class.id, TeachingRoleName.OWNER)}


def test_a_link_works_once(world: World) -> None:
    ask(world, "once@people.example")
    token = token_for("once@people.example")
    accept(token)
    with pytest.raises(Rejected):
        accept(token)
    assert invitations.opened(token) is None


def test_an_invitation_is_worth_what_whoever_sent_it_is(world: World) -> None:
    ask(world, "late@people.example", InvitedAs.LEADER)
    token, leader = token_for("late@people.example"), world.people["leader"].id
    of_leader = Membership.account_id == leader
    for table, mine, gone, back in (
        (Account, Account.id == leader, {"status": "suspended"}, {"status": "active"}),
        (Membership, of_leader, {"role": Role.TEACHER}, {"role": Role.LEADER}),
    ):
        with transaction(SYSTEM) as tx:
            tx.execute(update(table).where(mine).values(gone))
        try:
            assert invitations.opened(token) is None
            with pytest.raises(Rejected):
                accept(token)
        finally:
            with transaction(SYSTEM) as tx:
                tx.execute(update(table).where(mine).values(back))
    assert invitations.opened(token) is not None


def test_whoever_sends_it_again_stands_for_it(world: World) -> None:
    again = ask(world, "stands@people.example")
    with transaction(SYSTEM) as tx:
        mine = Invitation.public_id == again
        tx.execute(update(Invitation).where(mine).values(invited_by=world.people["outsider"].id))
    token = token_for("stands@people.example")
    assert invitations.opened(token) is None
    assert invitations.send_again(principal=world.sign_in("leader"), invitations=[again], throttles=NO_LIMIT)
    assert invitations.opened(token_for("stands@people.example")) is not None


def test_a_place_that_is_suspended_is_not_opened_by_an_invitation(world: World) -> None:
    person = world.people["officer"]
    ask(world, person.email)
    with pytest.raises(Rejected):
        invitations.accept(principal=world.sign_in("officer"), token=token_for(person.email))


def test_an_invitation_opens_no_place_of_another_schools_roster(world: World) -> None:
    email = "rostered@people.example"
    known = people.create_account(
        principal=SYSTEM, email=email, name="Rosa Rostered", password=None, cost=COST
    )
    with transaction(SYSTEM) as tx:
        of = Account.public_id == known
        number = tx.scalar(select(Account.id).where(of))
        tx.execute(update(Account).where(of).values(status="not_invited"))
        place = {"account_id": number, "school_id": world.elsewhere.id, "role": Role.TEACHER}
        tx.execute(insert(Membership).values(**place, created_at=clock.now()))
    ask(world, email)
    accept(token_for(email))
    assert places(email) == {(world.home.id, Role.TEACHER)}


def test_of_two_at_once_one_takes_the_place(world: World) -> None:
    person = world.people["elsewhere"]
    ask(world, person.email)
    token, start = token_for(person.email), Barrier(2)
    both = [world.sign_in("elsewhere") for _ in range(2)]

    def take(who: Any) -> bool:
        start.wait()
        try:
            invitations.accept(principal=who, token=token)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        taken = sorted(pool.map(take, both))
    assert (taken, (world.home.id, Role.TEACHER) in places(person.email)) == ([False, True], True)


def test_of_two_newcomers_at_once_one_takes_the_place(world: World) -> None:
    ask(world, "twice@people.example")
    token, start = token_for("twice@people.example"), Barrier(2)

    def take(name: str) -> bool:
        start.wait()
        try:
            accept(token, name)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, ("First", "Second"))) == [False, True]


def test_a_withdrawn_link_is_dead(world: World) -> None:
    made = ask(world, "withdrawn@people.example")
    token = token_for("withdrawn@people.example")
    assert invitations.withdraw(principal=world.sign_in("leader"), invitations=[made]) == 1
    with pytest.raises(Rejected):
        accept(token)
    assert account_of("withdrawn@people.example") is None
    # Nor is it sent again.
    again: dict[str, Any] = {
        "principal": world.sign_in("leader"),
        "invitations": [made],
        "throttles": NO_LIMIT,
    }
    assert invitations.send_again(**again) == 0


def test_a_link_lasts_14_days(world: World) -> None:
    ask(world, "late@people.example")
    token = token_for("late@people.example")
    age(timedelta(days=14) - timedelta(minutes=1), "late@people.example")
    assert invitations.opened(token) is not None
    age(timedelta(minutes=2), "late@people.example")
    with pytest.raises(Rejected):
        accept(token)


def test_sent_again_there_is_a_new_link_and_the_old_one_is_dead_at_once(world: World) -> None:
    made = ask(world, "again@people.example")
    old = token_for("again@people.example")
    age(timedelta(days=15), "again@people.example")
    invitations.send_again(principal=world.sign_in("leader"), invitations=[made], throttles=NO_LIMIT)
    assert invitations.opened(old) is None
    new = token_for("again@people.example")
    assert (new != old, invitations.opened(old)) == (True, None)
    accept(new)


def test_one_address_is_not_written_to_without_end(world: World) -> None:
    few = NO_LIMIT.model_copy(update={"letter_address": "1/hour"})
    made = ask(world, "often@people.example", throttles=few)
    with pytest.raises(Throttled):
        invitations.send_again(principal=world.sign_in("leader"), invitations=[made], throttles=few)


def test_nobody_is_asked_for_one_thing_twice(world: World) -> None:
    ask(world, "same@people.example")
    with pytest.raises(Rejected, match="already"):
        ask(world, "Same@People.example")
    ask(world, "same@people.example", InvitedAs.LEADER)


def test_who_has_the_place_is_not_asked(world: World) -> None:
    with pytest.raises(Rejected, match="already"):
        ask(world, world.people["teacher"].email)


@pytest.mark.parametrize("role", ["outsider", "elsewhere"])
def test_of_an_account_elsewhere_the_answer_tells_nothing(world: World, role: str) -> None:
    ask(world, world.people[role].email, InvitedAs.LEADER)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"name": "  "}, "name"),
        ({"role": InvitedAs.HELPER}, "classroom"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(world: World, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected) as rejected:
        ask(world, **{"email": "wrong@people.example", **changed})
    assert list(rejected.value.fields) == [field]


@pytest.mark.parametrize("room", ["elsewhere_class", "foreign_class"])
def test_a_class_of_another_school_is_none(world: World, room: str) -> None:
    with pytest.raises(Rejected) as rejected:
        ask(
            world,
            "stray@people.example",
            InvitedAs.HELPER,
            classroom=getattr(world, room).public_id,
        )
    assert list(rejected.value.fields) == ["classroom"]


def test_nobody_invites_into_a_school_that_they_do_not_lead(world: World) -> None:
    with pytest.raises(NotFound):
        ask(world, "stray@people.example", school=world.outside.public_id)
    with pytest.raises(NotFound):
        ask(world, "stray@people.example", principal=world.sign_in("teacher"))


def test_another_schools_invitation_is_neither_sent_again_nor_withdrawn(world: World) -> None:
    with transaction(SYSTEM) as tx:
        theirs = tx.scalars(select(Invitation).where(Invitation.school_id == world.outside.id)).one()
    leader = world.sign_in("leader")
    assert invitations.withdraw(principal=leader, invitations=[theirs.public_id]) == 0
    again: dict[str, Any] = {"principal": leader, "invitations": [theirs.public_id], "throttles": NO_LIMIT}
    assert invitations.send_again(**again) == 0


def test_the_web_puts_no_link_of_its_own_in_place(world: World) -> None:
    with pytest.raises(ProgrammingError), transaction(world.sign_in("leader")) as tx:
        tx.execute(update(Invitation).values(token_digest=b"mine"))


def test_who_came_with_a_roster_is_invited_and_gets_that_account(world: World) -> None:
    known = not_invited(world, "roster@people.example")
    people = [known.public_id, world.people["teacher"].public_id, world.people["outsider"].public_id]
    leader = world.sign_in("leader")
    assert invitations.invite_known(principal=leader, accounts=people) == 1
    assert invitations.invite_known(principal=leader, accounts=people) == 0
    accept(token_for("roster@people.example"), "Rolf himself")
    now = account_of("roster@people.example")
    assert now
    assert (now.id, now.status, now.name) == (known.id, "active", "Rolf himself")
    assert places("roster@people.example") == {(world.home.id, Role.TEACHER)}


def test_each_verb_is_in_the_trail(world: World) -> None:
    verbs = ("invite", "send-again", "withdraw", "accept")
    before = [noted(f"invitations.{verb}") for verb in verbs]
    first, _ = ask(world, "a@people.example"), ask(world, "b@people.example")
    leader = world.sign_in("leader")
    invitations.send_again(principal=leader, invitations=[first], throttles=NO_LIMIT)
    invitations.withdraw(principal=leader, invitations=[first])
    accept(token_for("b@people.example"))
    after = [noted(f"invitations.{verb}") for verb in verbs]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 1, 1]


def test_old_invitations_are_forgotten(world: World) -> None:
    ask(world, "old@people.example")
    mailed("")
    age(timedelta(days=29), "old@people.example")
    mailed("")
    with transaction(SYSTEM) as tx:
        kept = select(func.count()).where(Invitation.email_index == email_index("old@people.example"))
        assert tx.scalar(kept) == 1
    age(timedelta(days=2), "old@people.example")
    mailed("")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(kept) == 0
