"""Setting the days and the time zone of a school, and what the doors of its classes make of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select, text, update

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts import places
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.doors import Hours
from backoffice.schools.models import School, SchoolKind
from backoffice.schools.services import doors
from backoffice.schools.services.school_days import NO_DAY, NO_ZONE, set_school_days, time_zones
from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World, make_personal, names_behind

PACIFIC = "America/Los_Angeles"
TUESDAY = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo(PACIFIC)).astimezone(UTC)


@pytest.fixture
def _as_before(world: World) -> Iterator[None]:
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(School)
            .where(School.id.in_([world.home.id, world.elsewhere.id]))
            .values(kind=SchoolKind.SCHOOL, school_days=["mon"], time_zone=PACIFIC)
        )


def kept(world: World) -> tuple[list[str], str]:
    """The days and the time zone of the home school."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(
            select(School.school_days, School.time_zone).where(School.id == world.home.id)
        ).one()
    return found.school_days, found.time_zone


def noted() -> int:
    with transaction(SYSTEM) as tx:
        return (
            tx.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.verb == "schools.days"))
            or 0
        )


@pytest.mark.usefixtures("_as_before")
def test_a_door_that_keeps_hours_follows_the_new_days_and_the_new_clock(world: World) -> None:
    room = world.elsewhere_class
    with time_machine.travel(TUESDAY, tick=False):
        doors.keep_hours(
            principal=world.sign_in("elsewhere"), classroom=room.public_id, hours=Hours(8 * 60, 15 * 60)
        )
        with pytest.raises(Rejected):
            names_behind(room.code)
        leader, school = world.sign_in("leader"), world.elsewhere.public_id
        set_school_days(principal=leader, school=school, days=["tue"], time_zone=PACIFIC)
        assert names_behind(room.code)
        # Nine in the morning there is six in the evening in Rome.
        set_school_days(principal=leader, school=school, days=["tue"], time_zone="Europe/Rome")
        with pytest.raises(Rejected):
            names_behind(room.code)


@pytest.mark.usefixtures("_as_before")
def test_days_are_kept_from_monday_on_and_noted(world: World) -> None:
    before = noted()
    set_school_days(
        principal=world.sign_in("leader"),
        school=world.home.public_id,
        days=["sun", "mon", "thu"],
        time_zone="Asia/Kolkata",
    )
    assert (kept(world), noted()) == ((["mon", "thu", "sun"], "Asia/Kolkata"), before + 1)


@pytest.mark.parametrize(
    ("days", "zone", "said"),
    [
        ([], PACIFIC, {"days": NO_DAY}),
        (["mon", "caturday"], PACIFIC, {"days": NO_DAY}),
        (["tue"], "Mars/Olympus_Mons", {"time_zone": NO_ZONE}),
        (["tue"], "", {"time_zone": NO_ZONE}),
        (["tue"], "EST5EDT", {"time_zone": NO_ZONE}),
        (["tue"], "US/Pacific", {"time_zone": NO_ZONE}),
        (["tue"], "America/Buenos_Aires", {"time_zone": NO_ZONE}),
    ],
)
def test_what_is_no_day_and_no_zone_is_refused(
    world: World, days: list[str], zone: str, said: dict[str, str]
) -> None:
    with pytest.raises(Rejected) as raised:
        set_school_days(
            principal=world.sign_in("leader"), school=world.home.public_id, days=days, time_zone=zone
        )
    assert (raised.value.fields, kept(world)) == (said, (["mon"], PACIFIC))


def test_nobody_else_sets_them_not_even_past_the_service(world: World) -> None:
    for name in ("teacher", "co_teacher", "helper", "officer", "founder", "outsider", "elsewhere", "parent"):
        who = world.sign_in(name)
        with pytest.raises(NotFound):
            set_school_days(principal=who, school=world.home.public_id, days=["tue"], time_zone=PACIFIC)
        with transaction(who) as tx:
            done = functions.set_school_days(tx, school_id=world.home.id, days=["tue"], time_zone=PACIFIC)
        assert done == "not theirs", name
    with pytest.raises(NotFound):
        set_school_days(
            principal=world.sign_in("leader"), school=world.outside.public_id, days=["tue"], time_zone=PACIFIC
        )
    assert kept(world) == (["mon"], PACIFIC)


@pytest.mark.usefixtures("_as_before")
def test_in_a_school_of_ones_own_the_owner_sets_them(world: World) -> None:
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["teacher"])
    school = world.home.public_id
    for name in ("co_teacher", "helper"):
        who = world.sign_in(name)
        with pytest.raises(NotFound):
            set_school_days(principal=who, school=school, days=["tue"], time_zone=PACIFIC)
        with transaction(who) as tx:
            done = functions.set_school_days(tx, school_id=world.home.id, days=["tue"], time_zone=PACIFIC)
        assert done == "not theirs", name
    set_school_days(principal=world.sign_in("teacher"), school=school, days=["wed"], time_zone=PACIFIC)
    assert kept(world) == (["wed"], PACIFIC)


def test_the_database_knows_each_zone_of_the_list_and_refuses_others(world: World, runtime: Runtime) -> None:
    asked = text(
        "select z.name from unnest(cast(:zones as text[])) as z (name)"
        " where z.name not in (select p.name from pg_timezone_names p)"
    )
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        assert list(connection.scalars(asked, {"zones": sorted(time_zones())})) == []
    with transaction(world.sign_in("leader")) as tx:
        done = functions.set_school_days(tx, school_id=world.home.id, days=["mon"], time_zone="Mars/North")
    assert (done, kept(world)) == ("no such zone", (["mon"], PACIFIC))


@pytest.mark.usefixtures("_as_before")
def test_an_old_name_that_a_school_has_stays_until_another_is_chosen(world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(time_zone="Asia/Calcutta"))
    school, leader = world.home.public_id, world.sign_in("leader")
    set_school_days(principal=leader, school=school, days=["tue"], time_zone="Asia/Calcutta")
    assert kept(world) == (["tue"], "Asia/Calcutta")
    set_school_days(principal=leader, school=school, days=["tue"], time_zone="Asia/Kolkata")
    with pytest.raises(Rejected):
        set_school_days(principal=leader, school=school, days=["tue"], time_zone="Asia/Calcutta")


def test_what_a_newcomer_chooses_is_on_the_list() -> None:
    offered = {zone for zones in places.ZONES.values() for zone in zones}
    assert offered - time_zones() == set()
