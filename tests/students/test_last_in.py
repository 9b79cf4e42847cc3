"""The day on which a child was last in, as its school counts days: noted by the database, once a day."""

from datetime import date
from itertools import count
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.schools.models import School, Student
from backoffice.settings import Sessions
from backoffice.storage import functions
from backoffice.students import services
from backoffice.students.cards import services as cards
from backoffice.throttles.visitor import Visitor
from tests.factories.world import NO_LIMIT, SYSTEM, Child, World, add_child

DEVICE = Visitor("203.0.113.9")
NUMBERS = count()
LONG_AGO = date(2026, 1, 1)


def come_in(world: World, child: Child) -> None:
    services.sign_in_student(
        code=world.own_class.code,
        student=child.public_id,
        sessions=Sessions(),
        visitor=DEVICE,
        throttles=NO_LIMIT,
    )


def last_in(child: Child) -> tuple[date, str]:
    """The day, and the version of the row that has it."""
    with transaction(SYSTEM) as tx:
        version = text("student.xmin::text")
        row = tx.execute(select(Student.active_on, version).where(Student.id == child.id)).one()
    return row[0], row[1]


@pytest.fixture
def child(world: World) -> Child:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(time_zone="America/Denver"))
        made = add_child(tx, world.own_class, f"Ignatius{next(NUMBERS)}", "Fernsby")
        tx.execute(update(Student).where(Student.id == made.id).values(active_on=LONG_AGO))
    return made


def test_a_child_that_is_added_counts_from_that_day(world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(time_zone="America/Denver"))
    with time_machine.travel("2027-03-02T05:00:00Z", tick=False), transaction(SYSTEM) as tx:
        made = add_child(tx, world.own_class, "Mirabel", "Fernsby")
    assert last_in(made)[0] == date(2027, 3, 1)


def test_the_day_is_the_schools_and_noted_once(world: World, child: Child) -> None:
    # It is the second in London and still the first in Denver.
    with time_machine.travel("2027-03-02T05:00:00Z", tick=False):
        come_in(world, child)
    noted = last_in(child)
    assert noted[0] == date(2027, 3, 1)
    with time_machine.travel("2027-03-02T06:00:00Z", tick=False):
        come_in(world, child)
    assert last_in(child) == noted, "Nothing is written a second time on a day."
    with time_machine.travel("2027-03-02T08:00:00Z", tick=False):
        come_in(world, child)
    assert last_in(child)[0] == date(2027, 3, 2)


def test_a_card_is_a_way_in_like_any_other(world: World, child: Child) -> None:
    with time_machine.travel("2027-04-02T18:00:00Z", tick=False):
        (card,) = cards.issue_cards(
            principal=world.sign_in("teacher"),
            classroom=world.own_class.public_id,
            students=[child.public_id],
        )
        cards.sign_in_by_card(
            secret=card.secret, pin=None, sessions=Sessions(), visitor=DEVICE, throttles=NO_LIMIT
        )
    assert last_in(child)[0] == date(2027, 4, 2)


def test_the_web_does_not_write_it(world: World, child: Child) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), transaction(world.sign_in("leader")) as tx:
        tx.execute(update(Student).where(Student.id == child.id).values(active_on=date(2027, 1, 1)))


def test_the_later_day_stays_with_merged_students(world: World, child: Child) -> None:
    with time_machine.travel("2027-05-02T18:00:00Z", tick=False):
        come_in(world, child)
    with transaction(SYSTEM) as tx:
        keeper = add_child(tx, world.own_class, "Ignatia", "Fernsby")
        tx.execute(update(Student).where(Student.id == keeper.id).values(active_on=LONG_AGO))
    with transaction(world.sign_in("leader")) as tx:
        said = functions.merge_students(
            tx, school_id=world.home.id, keeper=keeper.id, merged=child.id, at=clock.now(), mark=uuid4()
        )
    assert (said, last_in(keeper)[0]) == ("merged", date(2027, 5, 2))
