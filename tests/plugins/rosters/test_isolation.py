"""Who reads and writes the plugin's tables, with every predicate forgotten."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.storage.public_id import new_public_id
from plugins.rosters.importing.places import Target
from plugins.rosters.models import (
    AccountSource,
    ClassroomSource,
    RosterImport,
    RosterUpload,
    SchoolSource,
    StudentSource,
    TeachingSource,
    Unseated,
)
from plugins.rosters.services import queue_upload
from tests.factories.world import SYSTEM, World
from tests.plugins.rosters.memory import run, small

REFUSED = "42501"
SOURCES = (SchoolSource, ClassroomSource, StudentSource, AccountSource, TeachingSource)
ROLES = (
    "founder", "leader", "officer", "teacher", "colleague", "co_teacher", "helper", "elsewhere", "outsider",
    "parent", "foreign_parent", "child", "nobody",
)  # fmt: skip


@dataclass
class Stage:
    world: World
    numbers: dict[int, str]

    def as_(self, role: str) -> Principal:
        if role == "nobody":
            return Principal(Nobody())
        if role == "child":
            return self.world.student(self.world.own_class, self.world.own_class.children[0])
        return self.world.sign_in(role)


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    """Imports into a school, into its district and into a school outside; uploads that wait."""
    places = {
        "home": Target(school=world.home.public_id),
        "district": Target(district=world.district),
        "outside": Target(school=world.outside.public_id),
    }
    for name, target in places.items():
        roster = small()
        run(roster, target.school, district=target.district)
        queue_upload(principal=SYSTEM, target=target, content=[name.encode() * 100])
    with transaction(SYSTEM) as tx:
        assert all(tx.scalars(select(each)).all() for each in (*SOURCES, RosterUpload))
        named = {world.home.id: "home", world.outside.id: "outside", None: "district"}
        numbers = {row.id: named[row.school_id] for row in tx.scalars(select(RosterImport))}
    return Stage(world, numbers)


def refused(who: Principal, statement: Any) -> None:
    with pytest.raises(DBAPIError) as raised, transaction(who) as tx:
        tx.execute(statement)
    assert getattr(raised.value.orig, "sqlstate", None) == REFUSED


@pytest.mark.parametrize("role", ROLES)
def test_leaders_see_the_imports_of_what_they_lead(stage: Stage, role: str) -> None:
    with transaction(stage.as_(role)) as tx:
        seen = {stage.numbers[number] for number in tx.scalars(select(RosterImport.id))}
    assert seen == ({"home", "district"} if role == "leader" else set())


@pytest.mark.parametrize("role", ["leader", "teacher", "founder", "child", "nobody"])
@pytest.mark.parametrize("table", [*SOURCES, Unseated, RosterUpload], ids=lambda table: table.__tablename__)
def test_what_rosters_are_recognised_by_is_nobodys_to_read(stage: Stage, role: str, table: Any) -> None:
    refused(stage.as_(role), select(table))


def upload(world: World, asked_by: int, **other: Any) -> Any:
    values = {
        "public_id": new_public_id(), "school_id": world.home.id, "source": "upload", "state": "waiting",
        "done": 0, "asked_by": asked_by, "created_at": clock.now(),
    }  # fmt: skip
    return insert(RosterImport).values(id=900_000, **{**values, **other})


@pytest.mark.parametrize("role", ["founder", "officer", "teacher", "outsider", "parent"])
def test_only_leaders_ask_for_an_import(stage: Stage, role: str) -> None:
    refused(stage.as_(role), upload(stage.world, stage.world.people[role].id))


FORGED: dict[str, dict[str, Any]] = {
    "as done": {"state": "done"},
    "as the command's": {"source": "command"},
    "as begun": {"started_at": clock.now()},
    "as finished": {"finished_at": clock.now()},
    "as half done": {"done": 5},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_leader_writes_nothing_down_that_was_not(stage: Stage, how: str) -> None:
    refused(stage.as_("leader"), upload(stage.world, stage.world.people["leader"].id, **FORGED[how]))


def test_a_leader_asks_in_nobody_elses_name_and_for_no_other_school(stage: Stage) -> None:
    world, leader = stage.world, stage.as_("leader")
    refused(leader, upload(world, world.people["teacher"].id))
    refused(leader, upload(world, world.people["leader"].id, school_id=world.outside.id))


def test_nothing_is_added_to_an_import_of_somebody_else(stage: Stage) -> None:
    for number in stage.numbers:
        refused(stage.as_("leader"), insert(RosterUpload).values(import_id=number, number=9, content=b"x"))


@pytest.mark.parametrize("role", ["leader", "founder"])
@pytest.mark.parametrize(
    "change",
    [update(RosterImport).values(done=9), delete(RosterImport), delete(RosterUpload)],
    ids=["change an import", "delete an import", "delete an upload"],
)
def test_the_web_changes_and_deletes_nothing(stage: Stage, role: str, change: Any) -> None:
    refused(stage.as_(role), change)


def test_whoever_leads_the_place_lets_in_what_was_looked_at_and_changes_nothing_else(stage: Stage) -> None:
    number = next(number for number, place in stage.numbers.items() if place == "home")
    one = update(RosterImport).where(RosterImport.id == number)
    let_in = one.values(state="waiting", look_first=False).returning(RosterImport.id)
    with transaction(SYSTEM) as tx:
        before = tx.get_one(RosterImport, number).state
    with transaction(stage.as_("leader")) as tx:
        # It was not looked at.
        assert tx.execute(let_in).all() == []
    with transaction(SYSTEM) as tx:
        tx.execute(one.values(state="looked"))
    for role in ("founder", "officer", "teacher", "elsewhere", "outsider", "parent", "child", "nobody"):
        with transaction(stage.as_(role)) as tx:
            assert tx.execute(let_in).all() == [], role
    for forbidden in (one.values(state="done"), one.values(state="waiting", look_first=True)):
        refused(stage.as_("leader"), forbidden)
    with transaction(stage.as_("leader")) as tx:
        assert len(tx.execute(let_in).all()) == 1
    with transaction(SYSTEM) as tx:
        tx.execute(one.values(state=before))
