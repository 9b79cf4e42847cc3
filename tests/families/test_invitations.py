"""Inviting parents by mail and by letter, and accepting."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account
from backoffice.accounts.services import signing_in
from backoffice.accounts.tokens import token_digest
from backoffice.audit.models import AuditEntry
from backoffice.families import codes
from backoffice.families.models import GuardianInvitation
from backoffice.families.services import accepting, invitations
from backoffice.families.services.accepting import Standing
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected, Throttled
from backoffice.schools.codes import ALPHABET
from backoffice.storage import functions
from backoffice.storage.functions import NewcomerAccount
from backoffice.storage.public_id import new_public_id
from tests.factories.world import NO_LIMIT, SYSTEM, World, add_child
from tests.families.acts import (
    SOMEWHERE,
    accept_anew,
    invite,
    links_of,
    print_letter,
    sign_in,
    states,
)
from tests.families.post import mailed, token_for


def of_address(email: str) -> GuardianInvitation:
    with transaction(SYSTEM) as tx:
        wanted = GuardianInvitation.email_index == email_index(email)
        return tx.scalars(select(GuardianInvitation).where(wanted)).one()


def age(by: timedelta, public_id: str) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(GuardianInvitation)
            .where(GuardianInvitation.public_id == public_id)
            .values(expires_at=GuardianInvitation.expires_at - by)
        )


def account(email: str) -> Account | None:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Account).where(Account.email_index == email_index(email))).one_or_none()


def noted(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.verb == verb)) or 0


def entered(email: str) -> Principal:
    with transaction(signing_in.credential(sign_in(email).token, None)) as tx:
        return tx.principal


# -- by mail


def test_a_newcomer_gets_an_account_and_waits(world: World) -> None:
    invite(world, world.own_class.children[0], "new@people.example")
    accept_anew(token_for("new@people.example"), "Norma N.")
    (link,) = links_of("new@people.example")
    child = world.own_class.children[0]
    assert (link.student_id, link.status, link.name) == (child.id, "waiting", "Norma N.")
    # Whoever waits sees nothing and is nobody's parent.
    assert entered("new@people.example").children == frozenset()


def test_the_mail_says_who_and_where_and_names_no_child(world: World) -> None:
    invite(world, world.own_class.children[0], "read@people.example")
    (text,) = mailed("read@people.example")
    wanted = ("Tilda Teacher", "Home Hollow School", "Norma Newparent")
    assert [each for each in wanted if each not in text] == []
    assert world.own_class.children[0].given not in text
    with transaction(SYSTEM) as tx:
        named = select(OutgoingMail.account_id).where(OutgoingMail.name == "core.family-invitation")
        assert set(tx.scalars(named)) == {None}


@pytest.mark.parametrize("role", ["co_teacher", "leader"])
def test_who_teaches_or_leads_invites(world: World, role: str) -> None:
    invite(world, world.own_class.children[0], f"by-{role}@people.example", role)
    assert token_for(f"by-{role}@people.example")


@pytest.mark.parametrize("role", ["helper", "colleague", "outsider", "founder", "officer", "parent"])
def test_nobody_else_does(world: World, role: str) -> None:
    child = world.own_class.children[0]
    with pytest.raises(NotFound):
        invite(world, child, "stray@people.example", role)
    with pytest.raises(NotFound):
        print_letter(world, child, role)


def test_who_has_an_account_asks_with_it(world: World) -> None:
    person = world.people["foreign_parent"]
    invite(world, world.own_class.children[0], person.email)
    accepting.accept(principal=world.sign_in("foreign_parent"), token=token_for(person.email))
    # One account, two schools.
    assert {(each.school_id, each.status) for each in links_of(person.email)} == {
        (world.outside.id, "approved"),
        (world.home.id, "waiting"),
    }


def test_another_account_does_not(world: World) -> None:
    invite(world, world.own_class.children[0], "mine@people.example")
    token = token_for("mine@people.example")
    with pytest.raises(Rejected):
        accepting.accept(principal=world.sign_in("outsider"), token=token)
    assert (accepting.opened(token) is not None, links_of(world.people["outsider"].email)) == (True, [])


def test_an_account_in_use_is_not_taken_over_by_a_link(world: World) -> None:
    person = world.people["colleague"]
    invite(world, world.own_class.children[0], person.email)
    token = token_for(person.email)
    found = accepting.opened(token)
    assert found
    assert found.standing is Standing.ACCOUNT
    with pytest.raises(Rejected):
        accept_anew(token)
    # Nor by the database, were it asked.
    new = NewcomerAccount(new_public_id(), b"mine", b"mine", "$argon2id$mine")
    with transaction(Nobody()) as tx:
        done = functions.accept_guardian_invitation_anew(
            tx, new, digest=token_digest(token), at=clock.now(), name=b"mine", public_id=new_public_id()
        )
        assert done is None
    world.sign_in("colleague")


def test_a_link_works_once(world: World) -> None:
    invite(world, world.own_class.children[0], "once@people.example")
    token = token_for("once@people.example")
    accept_anew(token)
    with pytest.raises(Rejected):
        accept_anew(token)
    assert (accepting.opened(token), states("once@people.example")) == (None, ["waiting"])


def test_of_two_at_once_one_makes_the_link(world: World) -> None:
    person = world.people["officer"]
    invite(world, world.own_class.children[1], person.email)
    token, start = token_for(person.email), Barrier(2)

    def take(who: Principal) -> bool:
        start.wait()
        try:
            accepting.accept(principal=who, token=token)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        taken = sorted(pool.map(take, [world.sign_in("officer") for _ in range(2)]))
    assert (taken, states(person.email)) == ([False, True], ["waiting"])


def test_of_two_newcomers_at_once_one_makes_an_account(world: World) -> None:
    invite(world, world.own_class.children[0], "twice@people.example")
    token, start = token_for("twice@people.example"), Barrier(2)

    def take(name: str) -> bool:
        start.wait()
        try:
            accept_anew(token, name)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, ("First", "Second"))) == [False, True]
    assert len(links_of("twice@people.example")) == 1


def test_a_link_lasts_14_days(world: World) -> None:
    invite(world, world.own_class.children[0], "late@people.example")
    token, public_id = token_for("late@people.example"), of_address("late@people.example").public_id
    age(timedelta(days=14) - timedelta(minutes=1), public_id)
    assert accepting.opened(token) is not None
    age(timedelta(minutes=2), public_id)
    with pytest.raises(Rejected):
        accept_anew(token)
    assert account("late@people.example") is None


def test_a_withdrawn_link_is_dead(world: World) -> None:
    invite(world, world.own_class.children[0], "withdrawn@people.example")
    token, public_id = token_for("withdrawn@people.example"), of_address("withdrawn@people.example").public_id
    for role, count in (("outsider", 0), ("helper", 0), ("colleague", 0), ("teacher", 1), ("teacher", 0)):
        assert invitations.withdraw(principal=world.sign_in(role), invitations=[public_id]) == count, role
    with pytest.raises(Rejected):
        accept_anew(token)
    assert account("withdrawn@people.example") is None


def test_sent_again_there_is_a_new_link_and_the_old_one_is_dead_at_once(world: World) -> None:
    invite(world, world.own_class.children[0], "again@people.example")
    old, public_id = token_for("again@people.example"), of_address("again@people.example").public_id
    age(timedelta(days=15), public_id)
    for role, count in (("outsider", 0), ("helper", 0), ("colleague", 0), ("co_teacher", 1)):
        sent = invitations.send_again(
            principal=world.sign_in(role), invitations=[public_id], throttles=NO_LIMIT
        )
        assert sent == count, role
    assert accepting.opened(old) is None
    new = token_for("again@people.example")
    assert new != old
    # It is the co-teacher's now.
    assert "Cora Coteacher" in mailed("again@people.example")[-1]
    assert accepting.opened(new) is not None


def test_a_letter_is_not_mailed_again(world: World) -> None:
    print_letter(world, world.own_class.children[0])
    with transaction(SYSTEM) as tx:
        letters = tx.scalars(
            select(GuardianInvitation.public_id).where(GuardianInvitation.code_digest.is_not(None))
        ).all()
    teacher = world.sign_in("teacher")
    assert letters
    assert invitations.send_again(principal=teacher, invitations=letters, throttles=NO_LIMIT) == 0


def test_an_address_is_not_written_to_again_without_end(world: World) -> None:
    invite(world, world.own_class.children[0], "pestered@people.example")
    public_id = of_address("pestered@people.example").public_id
    few = NO_LIMIT.model_copy(update={"letter_address": "1/hour"})
    teacher = world.sign_in("teacher")
    assert invitations.send_again(principal=teacher, invitations=[public_id], throttles=few) == 1
    with pytest.raises(Throttled):
        invitations.send_again(principal=teacher, invitations=[public_id], throttles=few)


def test_nobody_is_asked_for_one_child_twice(world: World) -> None:
    invite(world, world.own_class.children[0], "same@people.example")
    with pytest.raises(Rejected, match="already"):
        invite(world, world.own_class.children[0], "Same@People.example")
    invite(world, world.own_class.children[1], "same@people.example")


def test_one_address_is_not_written_to_without_end(world: World) -> None:
    few = NO_LIMIT.model_copy(update={"letter_address": "1/hour"})
    asked: dict[str, Any] = {
        "principal": world.sign_in("teacher"),
        "email": "often@people.example",
        "name": "Norma",
        "throttles": few,
    }
    invitations.invite(student=world.own_class.children[0].public_id, **asked)
    with pytest.raises(Throttled):
        invitations.invite(student=world.own_class.children[1].public_id, **asked)


@pytest.mark.parametrize(("changed", "field"), [({"email": "no address"}, "email"), ({"name": " "}, "name")])
def test_what_is_wrong_is_said_beside_its_field(world: World, changed: dict[str, str], field: str) -> None:
    asked: dict[str, Any] = {
        "email": "wrong@people.example",
        "name": "Norma",
        "throttles": NO_LIMIT,
        **changed,
    }
    child = world.own_class.children[0].public_id
    with pytest.raises(Rejected) as rejected:
        invitations.invite(principal=world.sign_in("teacher"), student=child, **asked)
    assert list(rejected.value.fields) == [field]


# -- by letter


def opened_by(code: str) -> accepting.Opened:
    return accepting.opened_by_code(code=code, visitor=SOMEWHERE, throttles=NO_LIMIT)


def give_address(code: str, email: str) -> None:
    accepting.give_address(
        code=code, email=email, name="Lena Letterholder", visitor=SOMEWHERE, throttles=NO_LIMIT
    )


def accept_by(world: World, role: str, code: str) -> None:
    accepting.accept_by_code(principal=world.sign_in(role), code=code, visitor=SOMEWHERE, throttles=NO_LIMIT)


def test_a_code_is_four_groups_of_four_and_forgives_how_it_is_typed(world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    assert (len(code), set(code) <= set(ALPHABET)) == (16, True)
    assert [len(part) for part in codes.spaced(code).split("-")] == [4, 4, 4, 4]
    for typed in (code, code.lower(), codes.spaced(code), " ".join(code)):
        assert opened_by(typed).child == world.own_class.children[0].given


def test_a_letter_is_accepted_by_a_mailbox(world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    give_address(code, "letter@people.example")
    (text,) = mailed("letter@people.example")
    assert (world.own_class.children[0].given in text, "Home Hollow School" in text) == (False, True)
    assert account("letter@people.example") is None
    accept_anew(token_for("letter@people.example"), "Lena L.")
    assert states("letter@people.example") == ["waiting"]
    with pytest.raises(Rejected):
        opened_by(code)
    # Nothing of the code is left.
    assert of_address("letter@people.example").code is None


def test_a_mistyped_address_is_typed_again_and_its_link_is_dead(world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    give_address(code, "mistyped@people.example")
    wrong = token_for("mistyped@people.example")
    give_address(code, "typed@people.example")
    assert accepting.opened(wrong) is None
    accept_anew(token_for("typed@people.example"))
    assert (account("mistyped@people.example"), states("typed@people.example")) == (None, ["waiting"])


def test_who_is_signed_in_needs_no_mail(world: World) -> None:
    code = print_letter(world, world.own_class.children[1])
    accept_by(world, "leader", code)
    assert states(world.people["leader"].email) == ["waiting"]
    with pytest.raises(Rejected):
        accept_by(world, "outsider", code)
    assert states(world.people["outsider"].email) == []


def test_a_letter_alone_makes_no_account(world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    new = NewcomerAccount(new_public_id(), b"mine", b"mine", "$argon2id$mine")
    with transaction(Nobody()) as tx:
        done = functions.accept_guardian_invitation_anew(
            tx, new, digest=codes.digest(code), at=clock.now(), name=b"mine", public_id=new_public_id()
        )
        assert done is None


def test_the_letter_does_not_tell_the_address_that_somebody_gave(world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    give_address(code, world.people["outsider"].email)
    found = opened_by(code)
    assert (found.email, found.name, found.account, found.standing) == (None, None, None, Standing.NONE)


def test_a_class_gets_a_letter_for_each_child_without_a_parent(world: World) -> None:
    room = world.colleague_class
    with transaction(SYSTEM) as tx:
        room.children.append(add_child(tx, room, "Quentin", "Ravenhill"))
    colleague = world.sign_in("colleague")
    print_letter(world, room.children[0], "colleague")
    accept_by(world, "outsider", print_letter(world, room.children[1], "colleague"))
    assert invitations.print_letters(principal=colleague, classroom=room.public_id) == 1
    assert invitations.print_letters(principal=colleague, classroom=room.public_id) == 0
    with transaction(colleague) as tx:
        open_now = invitations.open_letters(tx, [child.id for child in room.children])
    assert sorted(each.student_id for each in open_now) == sorted([room.children[0].id, room.children[2].id])


@pytest.mark.parametrize("role", ["teacher", "helper", "outsider", "parent"])
def test_nobody_prints_letters_for_another_class(world: World, role: str) -> None:
    with pytest.raises(NotFound):
        invitations.print_letters(principal=world.sign_in(role), classroom=world.colleague_class.public_id)


def test_codes_are_not_guessed_without_end(world: World) -> None:
    few = NO_LIMIT.model_copy(update={"code_network": "3/day"})
    code = print_letter(world, world.own_class.children[0])
    for _ in range(3):
        accepting.opened_by_code(code=code, visitor=SOMEWHERE, throttles=few)
        with pytest.raises(Rejected):
            accepting.opened_by_code(code="BCDFGHJKMNPQRTVW", visitor=SOMEWHERE, throttles=few)
    with pytest.raises(Throttled):
        accepting.opened_by_code(code=code, visitor=SOMEWHERE, throttles=few)


# -- the web's role


def test_the_web_puts_no_link_of_its_own_in_place(world: World) -> None:
    with pytest.raises(DBAPIError), transaction(world.sign_in("teacher")) as tx:
        tx.execute(update(GuardianInvitation).values(token_digest=b"mine"))


def test_each_verb_is_in_the_trail(world: World) -> None:
    verbs = ("invite", "withdraw", "accept", "give-address")
    before = [noted(f"guardians.{verb}") for verb in verbs]
    invite(world, world.own_class.children[0], "trail@people.example")
    accept_anew(token_for("trail@people.example"))
    give_address(print_letter(world, world.own_class.children[0]), "trail2@people.example")
    teacher = world.sign_in("teacher")
    letter = of_address("trail2@people.example").public_id
    invitations.withdraw(principal=teacher, invitations=[letter])
    after = [noted(f"guardians.{verb}") for verb in verbs]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 1, 1]


def test_old_invitations_are_forgotten(world: World) -> None:
    invite(world, world.own_class.children[0], "old@people.example")
    public_id = of_address("old@people.example").public_id
    age(timedelta(days=29), public_id)
    mailed("")
    assert of_address("old@people.example").public_id == public_id
    age(timedelta(days=2), public_id)
    mailed("")
    with transaction(SYSTEM) as tx:
        kept = select(func.count()).where(GuardianInvitation.public_id == public_id)
        assert tx.scalar(kept) == 0
