"""The numbers of the first page, by role."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.schools.models import Action, Enrollment, PointEntry
from backoffice.storage.public_id import new_public_id
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World, add_child

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _a_week(world: World) -> Iterator[None]:
    """A Wednesday: a class was given points in the week's first moment and before it, and lost one since."""
    room = world.own_class
    with time_machine.travel(MONDAY + timedelta(days=2, hours=12)):
        with transaction(SYSTEM) as tx:
            action = tx.scalar(select(Action.id).where(Action.classroom_id == room.id))
            for value, at in ((2, MONDAY), (4, MONDAY - timedelta(seconds=1)), (-1, clock.now())):
                tx.execute(
                    insert(PointEntry).values(
                        school_id=room.school_id,
                        id=tx.take_id(PointEntry),
                        classroom_id=room.id,
                        student_id=room.children[0].id,
                        action_id=action,
                        value=value,
                        awarded_at=at,
                    )
                )
            left = add_child(tx, room, "Lavinia", "Leaver")
            tx.execute(update(Enrollment).where(Enrollment.student_id == left.id).values(ended_at=MONDAY))
        yield


def tiles(app: Flask, world: World, role: str) -> dict[str, str]:
    page = signed_in(app, world, role).get("/console/").text
    return dict(
        re.findall(r'<h2>(?:<a [^>]*>)?([^<]+)(?:</a>)?</h2>\s*<p class="tile-value">([^<]+)</p>', page)
    )


def to_answer(waiting: int) -> dict[str, str]:
    """The tile of what children told and parents ask: there only if something waits."""
    return {"To answer": str(waiting)} if waiting else {}


@pytest.mark.parametrize(
    ("role", "schools", "classes", "students", "staff", "waiting"),
    [("founder", 3, 4, 9, 6, 0), ("leader", 2, 3, 7, 5, 4), ("officer", 2, 3, 7, 5, 0)],
)
def test_who_sees_schools_sees_what_they_have_together(
    app: Flask, world: World, role: str, schools: int, classes: int, students: int, staff: int, waiting: int
) -> None:
    assert tiles(app, world, role) == {
        "Schools": str(schools),
        "Classes": str(classes),
        "Students": str(students),
        "Staff": str(staff),
        **to_answer(waiting),
    }


def test_a_parent_who_waits_is_to_be_answered_too(app: Flask, world: World) -> None:
    before = {role: tiles(app, world, role).get("To answer", "0") for role in world.people}
    with transaction(SYSTEM) as tx:
        link = {"account_id": world.people["parent"].id, "student_id": world.own_class.children[1].id}
        tx.execute(
            insert(GuardianLink).values(
                **link,
                school_id=world.own_class.school_id,
                public_id=new_public_id(),
                status=GuardianStatus.WAITING,
                created_at=clock.now(),
            )
        )
    try:
        after = {role: tiles(app, world, role).get("To answer", "0") for role in world.people}
        more = {role: int(after[role]) - int(before[role]) for role in world.people}
        assert {role for role, count in more.items() if count} == {"teacher", "co_teacher", "leader"}
        assert set(more.values()) == {0, 1}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(GuardianLink).where(GuardianLink.student_id == link["student_id"]))


@pytest.mark.parametrize(
    ("role", "classes", "students", "points", "waiting"),
    [
        ("teacher", 1, 2, 1, 2),
        ("co_teacher", 1, 2, 1, 2),
        ("helper", 1, 2, 1, 0),
        ("colleague", 1, 2, 0, 1),
    ],
)
def test_who_teaches_sees_the_own_classes_and_this_week(
    app: Flask, world: World, role: str, classes: int, students: int, points: int, waiting: int
) -> None:
    assert tiles(app, world, role) == {
        "Classes": str(classes),
        "Students": str(students),
        "Points this week": str(points),
        **to_answer(waiting),
    }
