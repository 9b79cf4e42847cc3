"""Signing up: an account for who has the mailbox, one for each address, and the same answer for all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Select, delete, event, func, insert, select, update
from time_machine import travel

from backoffice import clock
from backoffice.access.principal import Principal, Purpose, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts import places
from backoffice.accounts.address_models import SignUp
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.places import Place
from backoffice.accounts.services import sign_up as signing_up
from backoffice.accounts.services import signing_in
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Membership, Role, School, SchoolKind, TeachingRole
from backoffice.schools.services.classrooms import create_classroom
from backoffice.settings import Sessions, Throttles
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from backoffice.throttles.visitor import Visitor
from tests.accounts.post import link_for, mailed
from tests.factories.world import COST, NO_LIMIT, SYSTEM, World

PASSWORD = "walrus umbrella saxophone"
NAME = "Ana Rivera"
WRITER = Purpose("core.write-sign-ups")
PLACE = Place("US", "AZ", "America/Phoenix")


@pytest.fixture(autouse=True)
def _nobody_waits(runtime: Runtime) -> Iterator[None]:
    del runtime
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(SignUp))


def ask(email: str, *, name: str = NAME, throttles: Throttles = NO_LIMIT, net: str = "198.51.100.60") -> None:
    signing_up.ask_to_sign_up(name=name, email=email, place=PLACE, visitor=Visitor(net), throttles=throttles)


def begin(token: str, *, name: str = NAME, password: str = PASSWORD) -> Principal:
    begun = signing_up.sign_up(
        token=token,
        name=name,
        password=password,
        cost=COST,
        sessions=Sessions(),
        visitor=Visitor("198.51.100.60"),
        device="Firefox on Windows",
    )
    with transaction(signing_in.credential(begun.token, None)) as tx:
        return tx.principal


def link(email: str) -> str:
    ask(email)
    return link_for(email, "sign-up")


def waiting(email: str) -> Select[int]:
    return select(func.count(SignUp.id)).where(SignUp.email_index == email_index(email))


def accounts_of(email: str) -> list[Account]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(Account).where(Account.email_index == email_index(email))))


def known_from_roster(world: World, email: str) -> int:
    """The number of an account that a roster made, with a place at the home school and a class there."""
    with transaction(SYSTEM) as tx:
        number, now = tx.take_id(Account), clock.now()
        tx.execute(
            insert(Account).values(
                id=number,
                public_id=new_public_id(),
                email=email,
                email_index=email_index(email),
                name="As the roster has it",
                founder=False,
                status=AccountStatus.NOT_INVITED,
                language="en",
                time_zone="UTC",
                security_epoch=1,
                created_at=now,
            )
        )
        tx.execute(
            insert(Membership).values(
                id=tx.take_id(Membership),
                account_id=number,
                school_id=world.home.id,
                role=Role.TEACHER,
                created_at=now,
            )
        )
        tx.execute(
            insert(TeachingRole).values(
                school_id=world.home.id,
                classroom_id=world.own_class.id,
                account_id=number,
                role="co_teacher",
            )
        )
    return number


def test_whoever_has_the_mailbox_gets_an_account_and_a_school(runtime: Runtime) -> None:
    del runtime
    email = "ana@people.example"
    ask(" Ana@People.example ")
    assert accounts_of(email) == []
    who = begin(link_for(email, "sign-up"), name="  Ana   Rivera ")
    assert (who.name, who.time_zone, len(who.taught_schools)) == (NAME, "America/Phoenix", 1)
    assert (who.founder, who.led_schools, who.owned) == (False, frozenset(), frozenset())
    with transaction(who.credential) as tx:
        school = tx.scalars(select(School)).one()
    assert who.personal_schools == {school.id}
    assert (school.kind, school.name, school.country, school.state, school.time_zone) == (
        SchoolKind.PERSONAL,
        "Classes of Ana Rivera",
        "US",
        "AZ",
        "America/Phoenix",
    )
    room = create_classroom(principal=who, school=school.public_id, name="Aardvarks", shared_devices=True)
    assert room
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).where(AuditEntry.school_id == school.id)).all()
        assert tx.scalar(waiting(email)) == 0
    assert "accounts.sign-up" in verbs
    signed_in = signing_in.sign_in(
        email=email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor(),
        device=None,
        throttles=NO_LIMIT,
    )
    assert signed_in.token


def test_a_link_opens_one_account_once(runtime: Runtime) -> None:
    del runtime
    token = link("once@people.example")
    assert signing_up.opened(token)
    begin(token)
    assert signing_up.opened(token) is None
    with pytest.raises(Rejected, match="over"):
        begin(token)


def test_two_links_to_one_address_open_one_account(runtime: Runtime) -> None:
    del runtime
    first, second = link("twice@people.example"), link("twice@people.example")
    assert first != second
    begin(first)
    assert signing_up.opened(second) is None
    with pytest.raises(Rejected, match="over"):
        begin(second)


@pytest.mark.parametrize("links", [1, 4])
def test_at_once_they_open_one_account(runtime: Runtime, links: int) -> None:
    del runtime
    email, together = f"together-{links}@people.example", Barrier(4)
    tokens = [link(email) for _ in range(links)]

    def use(number: int) -> bool:
        together.wait()
        try:
            begin(tokens[number % links])
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(use, range(4))) == 1
    (account,) = accounts_of(email)
    with transaction(SYSTEM) as tx:
        held = select(func.count(Membership.id)).where(Membership.account_id == account.id)
        assert tx.scalar(held) == 1


def test_a_link_is_over_after_a_day_and_what_was_written_is_forgotten(runtime: Runtime) -> None:
    del runtime
    email = "late@people.example"
    token = link(email)
    with travel(clock.now() + timedelta(hours=24, seconds=1)):
        assert signing_up.opened(token) is None
        with pytest.raises(Rejected, match="over"):
            begin(token)
        assert signing_up.write_sign_ups(WRITER)["forgotten"] >= 1
    with transaction(SYSTEM) as tx:
        assert tx.scalar(waiting(email)) == 0


def test_an_address_with_an_account_is_told_by_mail_only(world: World) -> None:
    email = world.people["teacher"].email
    before = len(mailed(email))
    ask(email)
    (told,) = mailed(email)[before:]
    assert told.startswith("You have an account already")
    assert "/sign-in" in told
    assert "/reset" in told
    with transaction(SYSTEM) as tx:
        assert tx.scalar(waiting(email)) == 0


@pytest.mark.parametrize(
    ("status", "subject"),
    [
        (AccountStatus.LOCKED, "You have an account already"),
        (AccountStatus.DEACTIVATED, "Your account is closed"),
        (AccountStatus.SUSPENDED, None),
    ],
)
def test_what_the_mail_says_to_accounts_that_are_not_active(
    world: World, status: AccountStatus, subject: str | None
) -> None:
    person = world.people["outsider"]
    mine = update(Account).where(Account.id == person.id)
    before = len(mailed(person.email))
    with transaction(SYSTEM) as tx:
        tx.execute(mine.values(status=status))
    ask(person.email)
    told = mailed(person.email)[before:]
    with transaction(SYSTEM) as tx:
        tx.execute(mine.values(status=AccountStatus.ACTIVE))
    assert [each.partition(":")[0] for each in told] == ([subject] if subject else [])


def test_a_link_dies_when_the_address_gets_an_account_elsewhere(world: World) -> None:
    """An invitation was accepted meanwhile."""
    email = "meanwhile@people.example"
    token = link(email)
    number = known_from_roster(world, email)
    assert signing_up.opened(token)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == number).values(status=AccountStatus.ACTIVE))
    assert signing_up.opened(token) is None
    with pytest.raises(Rejected, match="over"):
        begin(token)


def test_whom_a_roster_knows_begins_without_the_rosters_school(world: World) -> None:
    """Nobody has invited them: a roster's word opens no child's name."""
    email = "rostered@people.example"
    number = known_from_roster(world, email)
    who = begin(link(email), name="Rita Rostered")
    assert (who.account_id, who.name) == (number, "Rita Rostered")
    assert world.home.id not in who.taught_schools
    assert (who.owned, who.co_taught, who.helped) == (frozenset(),) * 3
    with transaction(who.credential) as tx:
        assert tx.scalars(select(Classroom)).all() == []
        assert {each.kind for each in tx.scalars(select(School))} == {SchoolKind.PERSONAL}
    # What the roster says of classes waits for the school's invitation.
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                id=tx.take_id(Membership),
                account_id=number,
                school_id=world.home.id,
                role=Role.TEACHER,
                created_at=clock.now(),
            )
        )
    with transaction(who.credential) as tx:
        assert tx.principal.co_taught == {world.own_class.id}


def test_the_answer_takes_the_same_statements_for_every_address(runtime: Runtime, world: World) -> None:
    engine = runtime.database.engine(DatabaseRole.APP)
    asked = {}
    for email in (world.people["teacher"].email, "nobody-at-all@people.example"):
        statements: list[str] = []

        def note(
            _c: object, _cursor: object, statement: str, *_more: object, into: list[str] = statements
        ) -> None:
            into.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        ask(email)
        event.remove(engine, "before_cursor_execute", note)
        asked[email] = statements
    known, unknown = asked.values()
    assert known == unknown
    assert not any("app.account " in each for each in known)


@pytest.mark.parametrize(
    ("few", "what"),
    [
        ({"sign_up_network": "2/hour"}, "sign-up by network"),
        ({"letter_address": "2/hour"}, "letter by address"),
        ({"sign_up_overall": "2/hour"}, "sign-up overall"),
    ],
)
def test_asking_is_throttled(runtime: Runtime, few: dict[str, str], what: str) -> None:
    del runtime
    throttles = Throttles(**{**NO_LIMIT.model_dump(), **few})
    same_address, same_net = what == "letter by address", what == "sign-up by network"

    def again(number: int) -> None:
        ask(
            "flood@people.example" if same_address else f"flood-{what[-3:]}{number}@people.example",
            throttles=throttles,
            net="198.51.100.99" if same_net else f"203.0.113.{number}",
        )

    again(1)
    again(2)
    with pytest.raises(Throttled) as raised:
        again(3)
    assert raised.value.what == what


def test_a_whole_ipv6_site_asks_no_more_than_a_few_networks(runtime: Runtime) -> None:
    del runtime
    throttles = Throttles(**{**NO_LIMIT.model_dump(), "sign_up_site": "2/hour"})
    for number in range(2):
        ask(f"six-{number}@people.example", throttles=throttles, net=f"2001:db8:7:{number}::1")
    with pytest.raises(Throttled, match="site"):
        ask("six-2@people.example", throttles=throttles, net="2001:db8:7:2::1")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " \u200b "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"password": "short"}, "password"),
        ({"name": "Ana Rivera", "password": "riverariverarivera"}, "password"),
    ],
)
def test_what_is_refused_uses_no_link_up(runtime: Runtime, given: dict[str, str], field: str) -> None:
    del runtime
    token = link(f"refused-{len(given)}-{field}-{len(given.get('name', ''))}@people.example")
    with pytest.raises(Rejected) as raised:
        begin(token, **given)
    assert set(raised.value.fields) == {field}
    begin(token)


@pytest.mark.parametrize("email", ["", "no address", "a@b@c", "x" * 250 + "@y.example"])
def test_only_addresses_are_written_to(runtime: Runtime, email: str) -> None:
    del runtime
    with pytest.raises(Rejected) as raised:
        ask(email)
    assert set(raised.value.fields) == {"email"}


def test_nobody_is_signed_in_before_the_mailbox_is_proved(runtime: Runtime) -> None:
    del runtime
    ask("early@people.example")
    with pytest.raises(Rejected):
        signing_in.sign_in(
            email="early@people.example",
            password=PASSWORD,
            sessions=Sessions(),
            cost=COST,
            visitor=Visitor(),
            device=None,
            throttles=NO_LIMIT,
        )
    with pytest.raises(SessionEnded), transaction(signing_in.credential("x" * 43, None)) as tx:
        assert tx.principal.kind


# -- places


@pytest.mark.parametrize(
    ("country", "state", "zone", "found"),
    [
        ("US", "US-AZ", "", Place("US", "AZ", "America/Phoenix")),
        ("US", "US-AZ", "America/Denver", Place("US", "AZ", "America/Denver")),
        ("NZ", "", "", Place("NZ", None, "Pacific/Auckland")),
        ("DE", "US-AZ", "", Place("DE", None, "Europe/Berlin")),
        ("AU", "AU-WA", "", Place("AU", "WA", "Australia/Perth")),
    ],
)
def test_a_place_has_its_usual_time_zone(country: str, state: str, zone: str, found: Place) -> None:
    assert places.checked(country=country, state=state, time_zone=zone) == found


@pytest.mark.parametrize(
    ("country", "state", "zone", "field"),
    [
        ("", "", "", "country"),
        ("XX", "", "", "country"),
        ("US", "", "", "state"),
        ("US", "AU-WA", "", "state"),
        ("GB", "", "Mars/Olympus_Mons", "time_zone"),
    ],
)
def test_what_is_no_place_is_refused(country: str, state: str, zone: str, field: str) -> None:
    with pytest.raises(Rejected) as raised:
        places.checked(country=country, state=state, time_zone=zone)
    assert set(raised.value.fields) == {field}


def test_every_zone_that_can_be_had_exists() -> None:
    offered = {zone for zones in places.ZONES.values() for zone in zones}
    usual = {zone for states in places.STATES.values() for _name, zone in states.values()}
    for zone in offered | usual | set(places._usual_zones().values()):
        assert ZoneInfo(zone).key == zone


def test_the_first_countries_come_first_and_every_other_once() -> None:
    listed = list(places.countries())
    assert tuple(listed[:6]) == places.FIRST
    assert len(listed) == len(set(listed)) > 240
    assert Place("US", "CA", "UTC").shown == "California, United States"
