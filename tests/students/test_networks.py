"""A network that has used up its wrong PINs: who sees it, who opens it, and what that is worth elsewhere."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Throttled
from backoffice.runtime import Runtime
from backoffice.schools.models import School, SchoolKind
from backoffice.settings import Throttles
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from backoffice.students.pins import counting, networks
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.throttles.visitor import Visitor
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, Class, World, make_personal

HERE = Visitor("203.0.113.9")
ELSEWHERE = Visitor("198.51.100.7")
PAGE = "/console/locked-networks/"
# Fewer than in earnest, in the same proportions: a network has more than one class.
FEW = Throttles(pin_network="4/10 minute;6/day", pin_class="3/10 minute;5/day")


@pytest.fixture(autouse=True)
def noon(world: World, runtime: Runtime) -> Iterator[time_machine.Traveller]:
    """A clock that stands still, over a database in which nothing has been tried."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.exec_driver_sql("delete from app.throttle")
        connection.exec_driver_sql("delete from app.locked_network")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(kind=SchoolKind.SCHOOL))


def guess(room: Class, visitor: Visitor = HERE, kind: str = "PIN") -> None:
    """A wrong try of a child that is not locked."""
    counting.take_wrong(kind, classroom_id=room.id, visitor=visitor, throttles=FEW)


def how_many(room: Class, noon: time_machine.Traveller, visitor: Visitor = HERE) -> tuple[int, str]:
    """How many wrong tries a day still allows there to who waits out the short spans, and what stops them."""
    begun, number = clock.now(), 0
    while True:
        try:
            guess(room, visitor)
        except Throttled as refused:
            if refused.wait > timedelta(hours=1):
                noon.move_to(begun)
                return number, refused.what
            noon.shift(refused.wait)
        else:
            number += 1


def use_up(rooms: list[Class], noon: time_machine.Traveller) -> None:
    assert sum(how_many(room, noon)[0] for room in rooms) == 6
    with pytest.raises(Throttled, match="by network"):
        guess(rooms[0])


def seen(world: World, person: str, visitor: Visitor = HERE) -> list[networks.Locked]:
    with transaction(world.sign_in(person)) as tx:
        return networks.locked(tx, visitor)


def test_a_leader_opens_a_used_up_network_for_the_own_classes_and_for_no_others(
    world: World, noon: time_machine.Traveller
) -> None:
    """Whoever opens it in one school gives nobody a try at the classes of another."""
    own, other = world.own_class, world.foreign_class
    use_up([other, own], noon)
    assert how_many(own, noon) == (0, "PIN by network")
    (found,) = seen(world, "leader")
    assert (found.school, found.classroom, found.is_here) == (world.home.name, own.name, True)
    assert [each.is_here for each in seen(world, "leader", ELSEWHERE)] == [False]
    assert networks.open_network(principal=world.sign_in("leader"), network=found.public_id)
    assert not networks.open_network(principal=world.sign_in("leader"), network=found.public_id)
    assert seen(world, "leader") == []
    # What the class allows strangers binds as before, and the network's new tries with it.
    assert how_many(own, noon)[1] == "PIN by class"
    assert how_many(other, noon) == (0, "PIN by network")
    with transaction(SYSTEM) as tx:
        noted = tx.scalars(select(AuditEntry.school_id).where(AuditEntry.verb == "pins.open-network")).all()
    assert noted == [world.home.id]


def test_each_opening_gives_a_networks_tries_once_and_nothing_to_the_next_day(
    world: World, noon: time_machine.Traveller
) -> None:
    use_up([world.foreign_class, world.own_class], noon)
    own, colleagues = world.own_class, world.colleague_class
    (found,) = seen(world, "leader")
    assert networks.open_network(principal=world.sign_in("leader"), network=found.public_id)
    # Of the class's five one was taken before; of the network's six two are left for another class.
    assert how_many(own, noon) == (4, "PIN by class")
    assert how_many(colleagues, noon) == (2, "PIN by network, opened")
    (again,) = seen(world, "leader")
    assert (again.public_id, again.classroom) == (found.public_id, colleagues.name)
    noon.shift(1)
    assert networks.open_network(principal=world.sign_in("leader"), network=found.public_id)
    assert how_many(colleagues, noon) == (3, "PIN by class")
    # Afterwards the network has what every network has, and nothing is kept of it.
    noon.shift(networks.OPEN_FOR * 2)
    with transaction(SYSTEM) as tx:
        functions.forget_past_tries(tx, before=clock.now())
        assert tx.scalars(select(LockedNetwork.id)).all() == []
    assert how_many(own, noon)[0] + how_many(colleagues, noon)[0] == 6


def test_a_network_that_used_up_its_usernames_is_opened_as_well(
    world: World, noon: time_machine.Traveller
) -> None:
    for room in (world.foreign_class, world.own_class):
        for _ in range(3):
            guess(room, kind="username")
        noon.shift(timedelta(minutes=10))
    with pytest.raises(Throttled, match="username by network"):
        guess(world.own_class, kind="username")
    (found,) = seen(world, "leader")
    assert networks.open_network(principal=world.sign_in("leader"), network=found.public_id)
    guess(world.own_class, kind="username")


def test_whoever_signed_up_alone_opens_it_in_the_own_school_and_nobody_else_does(
    world: World, noon: time_machine.Traveller
) -> None:
    use_up([world.foreign_class, world.own_class], noon)
    (found,) = seen(world, "leader")
    for person in ("teacher", "co_teacher", "outsider"):
        assert found.public_id not in [each.public_id for each in seen(world, person)]
        assert not networks.open_network(principal=world.sign_in(person), network=found.public_id)
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["teacher"])
    assert not networks.open_network(principal=world.sign_in("co_teacher"), network=found.public_id)
    assert networks.open_network(principal=world.sign_in("teacher"), network=found.public_id)


def test_the_class_says_that_a_network_is_locked_and_the_page_opens_it(
    app: Flask, world: World, noon: time_machine.Traveller
) -> None:
    use_up([world.foreign_class, world.own_class], noon)
    cards = f"/console/classrooms/{world.own_class.public_id}/cards"
    teacher, leader = signed_in(app, world, "teacher"), signed_in(app, world, "leader")
    assert "A leader of the school can open it." in teacher.get(cards).text
    assert PAGE not in teacher.get(cards).text
    assert f'href="{PAGE}"' in leader.get(cards).text
    assert "Locked networks" in leader.get("/console/").text
    shown = leader.get(PAGE).text
    assert ("203.0.113" in shown, world.own_class.name in shown) == (False, True)
    (found,) = seen(world, "leader")
    done = send(leader, f"{PAGE}open", {"network": found.public_id}, page=PAGE)
    assert (done.status_code, done.location) == (303, PAGE), done.text
    shown = leader.get(PAGE).text
    assert ("Opened for the school" in shown, "No network is locked" in shown) == (True, True)
    assert "New devices on a network" not in leader.get(cards).text


@pytest.mark.parametrize("days", [2, 365])
def test_the_database_locks_no_network_for_longer_than_a_day(world: World, days: int) -> None:
    now, public_id = clock.now(), new_public_id()
    for until in (now + timedelta(days=days), now + timedelta(hours=23)):
        with transaction(world.sign_in("teacher")) as tx:
            functions.note_locked_network(
                tx, classroom_id=world.own_class.id, network=uuid4(), public_id=public_id, at=now, until=until
            )
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(LockedNetwork).where(LockedNetwork.public_id == public_id)).all()
    assert [row.refused_until for row in kept] == [now + timedelta(hours=23)]
