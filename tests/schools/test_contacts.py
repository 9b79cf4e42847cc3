"""Setting whom notices to a school go to and where its letters go."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select, text, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.seen import version
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Overtaken, Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import District, Membership, Role, School, SchoolKind
from backoffice.schools.services.contacts import NO_ADDRESS, TOO_LONG, set_contacts, shown
from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World, make_personal

CONTACT = "security@home.example"
ADDRESS = "Home Hollow School\n1 Long Road\nHome"


@pytest.fixture(autouse=True)
def _as_before(world: World) -> Iterator[None]:
    yield
    with transaction(SYSTEM) as tx:
        of_world = School.id.in_([world.home.id, world.outside.id])
        nothing = {"kind": SchoolKind.SCHOOL, "security_contact": None, "postal_address": None}
        tx.execute(update(School).where(of_world).values(nothing))
        tx.execute(update(District).values(security_contact=None, postal_address=None))


def kept(school: int) -> tuple[str | None, str | None]:
    with transaction(SYSTEM) as tx:
        return shown(tx.get_one(School, school))


def noted() -> list[int | None]:
    """The schools in whose trail it stands."""
    with transaction(SYSTEM) as tx:
        mine = select(AuditEntry.school_id).where(AuditEntry.verb == "schools.contacts")
        return list(tx.scalars(mine.order_by(AuditEntry.id)))


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_leaders_and_founders_set_both_and_take_them_back(world: World, role: str) -> None:
    who, before = world.sign_in(role), len(noted())
    set_contacts(
        principal=who,
        school=world.home.public_id,
        security_contact=f" {CONTACT} ",
        postal_address="\r\n " + ADDRESS.replace("\n", " \r\n") + "\r\n\r\n",
    )
    assert kept(world.home.id) == (CONTACT, ADDRESS)
    assert noted()[before:] == [world.home.id]
    set_contacts(principal=who, school=world.home.public_id, security_contact="", postal_address=" \n")
    assert kept(world.home.id) == (None, None)


def test_they_are_kept_sealed(world: World, runtime: Runtime) -> None:
    set_contacts(
        principal=world.sign_in("leader"),
        school=world.home.public_id,
        security_contact=CONTACT,
        postal_address=ADDRESS,
    )
    statement = text("select security_contact, postal_address from app.school where id = :school")
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        stored = connection.execute(statement, {"school": world.home.id}).one()
    assert all(b"ome" not in bytes(each) for each in stored), stored


@pytest.mark.parametrize("role", ["teacher", "officer", "outsider"])
def test_nobody_else_does(world: World, role: str) -> None:
    who = world.sign_in(role)
    with pytest.raises(NotFound):
        set_contacts(principal=who, school=world.home.public_id, security_contact=CONTACT, postal_address="")
    with transaction(who) as tx:
        assert not functions.set_school_contacts(tx, school_id=world.home.id, contact=b"x", address=None)
    assert kept(world.home.id) == (None, None)


def test_a_leader_does_so_in_no_foreign_school(world: World) -> None:
    leader = world.sign_in("leader")
    with pytest.raises(NotFound):
        set_contacts(
            principal=leader, school=world.outside.public_id, security_contact=CONTACT, postal_address=""
        )
    with transaction(leader) as tx:
        assert not functions.set_school_contacts(tx, school_id=world.outside.id, contact=b"x", address=None)
    assert kept(world.outside.id) == (None, None)


def test_the_school_of_one_teacher_has_none(world: World) -> None:
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.outside.id, world.people["outsider"])
    for role in ("founder", "outsider"):
        with pytest.raises(NotFound):
            set_contacts(
                principal=world.sign_in(role),
                school=world.outside.public_id,
                security_contact=CONTACT,
                postal_address="",
            )
    assert kept(world.outside.id) == (None, None)


@pytest.mark.parametrize(
    "contact",
    [
        "Ms Home",
        "home@",
        "a@b.example, c@d.example",
        "x@home.example\nBcc: y@z.example",
        f"{'x' * 300}@a.example",
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(world: World, contact: str) -> None:
    with pytest.raises(Rejected) as rejected:
        set_contacts(
            principal=world.sign_in("leader"),
            school=world.home.public_id,
            security_contact=contact,
            postal_address="",
        )
    assert rejected.value.fields == {"security_contact": NO_ADDRESS}


@pytest.mark.parametrize("address", ["\n".join("1234567"), "x" * 101])
def test_an_address_that_fits_on_no_letter_is_refused(world: World, address: str) -> None:
    with pytest.raises(Rejected) as rejected:
        set_contacts(
            principal=world.sign_in("leader"),
            school=world.home.public_id,
            security_contact="",
            postal_address=address,
        )
    assert rejected.value.fields == {"postal_address": TOO_LONG}


def test_nobody_writes_over_what_came_meanwhile_and_the_same_twice_is_noted_once(world: World) -> None:
    leader, school = world.sign_in("leader"), world.home.public_id
    seen, before = version(None, None), len(noted())
    for _ in range(2):
        set_contacts(
            principal=leader, school=school, security_contact=CONTACT, postal_address=ADDRESS, seen=seen
        )
    assert len(noted()) == before + 1
    with pytest.raises(Overtaken):
        set_contacts(principal=leader, school=school, security_contact="", postal_address=ADDRESS, seen=seen)
    assert kept(world.home.id) == (CONTACT, ADDRESS)


# -- the district's


def kept_of_district(world: World) -> tuple[str | None, str | None]:
    with transaction(SYSTEM) as tx:
        return shown(tx.get_one(District, world.district_id))


@pytest.fixture
def _leads_one_school(world: World) -> Iterator[None]:
    """The colleague leads the home school, and no district."""
    with transaction(SYSTEM) as tx:
        added = Membership(
            account_id=world.people["colleague"].id,
            school_id=world.home.id,
            role=Role.LEADER,
            created_at=clock.now(),
        )
        tx.add(added)
        tx.flush()
        number = added.id
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.id == number))


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_leaders_of_a_district_and_founders_set_those_of_the_district(world: World, role: str) -> None:
    before = len(noted())
    set_contacts(
        principal=world.sign_in(role),
        school=world.home.public_id,
        whole_district=True,
        security_contact=CONTACT,
        postal_address=ADDRESS,
    )
    assert kept_of_district(world) == (CONTACT, ADDRESS)
    assert kept(world.home.id) == (None, None)
    assert sorted(each or 0 for each in noted()[before:]) == sorted([world.home.id, world.elsewhere.id])


@pytest.mark.usefixtures("_leads_one_school")
def test_who_leads_one_school_does_not_speak_for_its_district(world: World) -> None:
    who, school = world.sign_in("colleague"), world.home.public_id
    set_contacts(principal=who, school=school, security_contact=CONTACT, postal_address="")
    with pytest.raises(NotFound):
        set_contacts(
            principal=who, school=school, whole_district=True, security_contact=CONTACT, postal_address=""
        )
    with transaction(who) as tx:
        number = world.district_id
        assert not functions.set_district_contacts(tx, district_id=number, contact=b"x", address=None)
    assert (kept(world.home.id), kept_of_district(world)) == ((CONTACT, None), (None, None))


@pytest.mark.parametrize("role", ["teacher", "officer", "outsider"])
def test_nobody_else_sets_those_of_a_district(world: World, role: str) -> None:
    who, number = world.sign_in(role), world.district_id
    with pytest.raises(NotFound):
        set_contacts(
            principal=who,
            school=world.home.public_id,
            whole_district=True,
            security_contact=CONTACT,
            postal_address="",
        )
    with transaction(who) as tx:
        assert not functions.leads_district(tx, district_id=number)
        assert not functions.set_district_contacts(tx, district_id=number, contact=b"x", address=None)
    assert kept_of_district(world) == (None, None)


def test_a_school_without_a_district_has_none_of_it(world: World) -> None:
    with pytest.raises(NotFound):
        set_contacts(
            principal=world.sign_in("founder"),
            school=world.outside.public_id,
            whole_district=True,
            security_contact=CONTACT,
            postal_address="",
        )
