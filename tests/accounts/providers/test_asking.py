"""A school that asks its staff to come in by Google, from its own domain: in the database, on every page."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.providers.services import asking
from backoffice.accounts.services import credentials, proof, signing_in
from backoffice.accounts.services.signing_in import Vouched
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Membership, Role, School, SchoolKind
from backoffice.settings import Sessions
from backoffice.throttles.visitor import Visitor
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

DOMAIN = "home.example"


def came(world: World, role: str, domain: str | None = DOMAIN, by: str = "google") -> Principal:
    """A session that began by a provider."""
    token = secrets.token_urlsafe(32)
    who = world.sign_in(role)
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(AccountSession.id).where(AccountSession.id == who.session_id))
        tx.execute(
            update(AccountSession)
            .where(AccountSession.id == number)
            .values(
                came_by=by,
                came_from=domain,
                token_digest=signing_in.credential(token, None).digest,
            )
        )
    with transaction(signing_in.credential(token, None)) as tx:
        return tx.principal


def again(who: Principal) -> Principal:
    """The same session at its next request."""
    with transaction(who) as tx:
        return tx.principal


@pytest.fixture(scope="module")
def head(world: World) -> Principal:
    """A leader of the home school itself, and not of its district."""
    person = world.people["colleague"]
    with transaction(SYSTEM) as tx:
        tx.add(
            Membership(
                id=tx.take_id(Membership),
                account_id=person.id,
                school_id=world.home.id,
                role=Role.LEADER,
                created_at=clock.now(),
            )
        )
    return came(world, "colleague")


@pytest.fixture
def asked(world: World, head: Principal) -> Iterator[Principal]:
    """The home school asks for its domain; the leader who said so."""
    asking.ask_of_staff(principal=head, school=world.home.public_id, domain=f" {DOMAIN.upper()} ")
    yield head
    asking.ask_nothing(principal=SYSTEM, school=world.home.public_id)


def classes(who: Principal) -> int:
    with transaction(who) as tx:
        return len(tx.scalars(select(Classroom)).all())


def test_sessions_that_began_otherwise_lose_the_school_at_once(world: World, head: Principal) -> None:
    password, right = world.sign_in("teacher"), came(world, "teacher")
    foreign, other = came(world, "teacher", "elsewhere.example"), came(world, "teacher", by="entra")
    without = came(world, "teacher", None)
    assert classes(password) == 1
    asking.ask_of_staff(principal=head, school=world.home.public_id, domain=DOMAIN)
    try:
        for shut in (password, foreign, other, without):
            now = again(shut)
            assert (now.taught_schools, now.owned, classes(shut)) == (frozenset(), frozenset(), 0)
            with transaction(shut) as tx:
                (closed,) = asking.closed_schools(tx)
            assert closed.sentence == (
                f"{world.home.name} asks you to sign in with Google, with your account of {DOMAIN}."
            )
        assert again(right).owned
        assert classes(right) == 1
        with transaction(right) as tx:
            assert asking.closed_schools(tx) == []
        assert again(head).led_schools == {world.home.id}
    finally:
        asking.ask_of_staff(principal=head, school=world.home.public_id, domain="")
    assert classes(password) == 1, "It asks for nothing any more."


def test_other_schools_and_the_own_child_stay_open(world: World, asked: Principal) -> None:
    elsewhere, parent = world.sign_in("elsewhere"), world.sign_in("parent")
    assert classes(elsewhere) == 1
    assert parent.children, "A guardian is no staff."


def test_a_districts_leaders_come_in_as_they_like(world: World, asked: Principal) -> None:
    """They are the first way back."""
    leader = world.sign_in("leader")
    assert world.home.id in leader.led_schools
    asking.ask_of_staff(principal=leader, school=world.home.public_id, domain="")
    assert classes(world.sign_in("teacher")) == 1


def test_the_server_is_the_last_way_back(world: World, asked: Principal) -> None:
    assert classes(world.sign_in("teacher")) == 0
    assert asking.ask_nothing(principal=SYSTEM, school=world.home.public_id)
    assert classes(world.sign_in("teacher")) == 1
    assert not asking.ask_nothing(principal=SYSTEM, school=world.home.public_id)
    with pytest.raises(NotFound):
        asking.ask_nothing(principal=SYSTEM, school="nowhere")


def test_whoever_asks_must_have_come_that_way(world: World, head: Principal) -> None:
    for who in (world.sign_in("leader"), came(world, "colleague", "other.example")):
        with pytest.raises(Rejected, match="Sign in that way yourself first"):
            asking.ask_of_staff(principal=who, school=world.home.public_id, domain=DOMAIN)
    for wrong in ("https://home.example", "home example", "x" * 254, "@home.example"):
        with pytest.raises(Rejected, match="Write a domain"):
            asking.ask_of_staff(principal=head, school=world.home.public_id, domain=wrong)


def test_only_leaders_ask_at_their_own_schools_with_a_fresh_proof(
    world: World, head: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who, school in (
        (came(world, "teacher"), world.home),
        (came(world, "founder"), world.home),
        (head, world.outside),
    ):
        with pytest.raises(NotFound):
            asking.ask_of_staff(principal=who, school=school.public_id, domain=DOMAIN)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=11))
    with pytest.raises(proof.ProofNeeded):
        asking.ask_of_staff(principal=head, school=world.home.public_id, domain=DOMAIN)


def test_a_personal_school_asks_nobody(world: World, head: Principal) -> None:
    def kind(value: str) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == world.home.id).values(kind=value))

    kind(SchoolKind.PERSONAL)
    try:
        with pytest.raises(Rejected, match="your own school"):
            asking.ask_of_staff(principal=head, school=world.home.public_id, domain=DOMAIN)
    finally:
        kind(SchoolKind.SCHOOL)


def test_a_session_that_goes_on_after_a_change_stays_as_it_came(world: World, asked: Principal) -> None:
    who = came(world, "co_teacher")
    token = credentials.change_password(
        principal=who,
        current=PASSWORD,
        new="walrus umbrella saxophone",
        visitor=Visitor(None),
        cost=COST,
        sessions=Sessions(),
        throttles=NO_LIMIT,
    )
    with pytest.raises(SessionEnded):
        again(who)
    assert classes(again(Principal(signing_in.credential(token, None)))) == 1


def test_the_word_for_the_second_step_keeps_who_vouched() -> None:
    vouched = Vouched("google", DOMAIN)
    for whoever in (vouched, None):
        word = signing_in._half_way(b"x", 3, whoever)
        assert signing_in.opened(word) == signing_in.HalfWay(b"x", 3, whoever)
