"""The numbers of the first page, by role."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access import toggles
from backoffice.access.transaction import transaction
from backoffice.accounts.care.tiles import TILES as CARE_TILES
from backoffice.console import tiles as tiles_of
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.host.models import PluginState
from backoffice.host.tiles import TILES as HOST_TILES
from backoffice.jobs.tiles import TILES as JOB_TILES
from backoffice.outbox.tiles import TILES as MAIL_TILES
from backoffice.runtime import Runtime
from backoffice.schools import led_tiles
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    Door,
    Enrollment,
    PointEntry,
    School,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services.codes import issue_code
from backoffice.settings import Throttles
from backoffice.storage.public_id import new_public_id
from backoffice.students.models import StudentSession
from backoffice.students.pins import tiles as pin_tiles
from backoffice.students.pins.services import by_student
from plugins.trust.tiles import TILES as TRUST_TILES
from tests.factories.statements import statements
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World, add_child, add_classroom, come_in, give_pin

MOST_STATEMENTS = 30
MONDAY = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _a_week(world: World) -> Iterator[None]:
    """A Wednesday: a class was given points in the week's first moment and before it, and lost one since.

    What was given before was taken back on Tuesday.
    """
    room = world.own_class
    with time_machine.travel(MONDAY + timedelta(days=2, hours=12)):
        with transaction(SYSTEM) as tx:
            action = tx.scalar(select(Action.id).where(Action.classroom_id == room.id))
            before = tx.take_id(PointEntry)
            for number, value, at, undoes in (
                (tx.take_id(PointEntry), 2, MONDAY, None),
                (before, 4, MONDAY - timedelta(seconds=1), None),
                (tx.take_id(PointEntry), -4, MONDAY + timedelta(days=1), before),
                (tx.take_id(PointEntry), -1, clock.now(), None),
            ):
                tx.execute(
                    insert(PointEntry).values(
                        school_id=room.school_id,
                        id=number,
                        classroom_id=room.id,
                        student_id=room.children[0].id,
                        action_id=action,
                        value=value,
                        awarded_at=at,
                        undoes=undoes,
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


@pytest.mark.parametrize(("role", "waiting"), [("leader", 4), ("officer", 0)])
def test_who_looks_after_schools_sees_what_they_have_together(
    app: Flask, world: World, role: str, waiting: int
) -> None:
    assert tiles(app, world, role) == {
        "Schools": "2",
        "Classes": "3",
        "Students": "7",
        "Teachers": "5",
        **to_answer(waiting),
    }


def test_founders_see_what_goes_wrong_before_they_see_numbers(app: Flask, world: World) -> None:
    found = tiles(app, world, "founder")
    assert list(found) == [
        "Incidents open",
        "Promises that fall short",
        "Jobs late or failed",
        "Security events open",
        "Reports open",
        "Mails given up",
        "Work waiting",
        "Mails waiting",
        "Schools",
        "Classes",
        "Students",
        "Teachers",
    ]
    assert [found[each] for each in ("Schools", "Classes", "Students", "Teachers")] == ["3", "4", "9", "6"]


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
    ("role", "students", "points", "waiting"),
    [("teacher", 2, 1, 2), ("co_teacher", 2, 1, 2), ("helper", 2, 1, 0), ("colleague", 2, 0, 1)],
)
def test_who_teaches_sees_the_own_classes_and_this_week(
    app: Flask, world: World, role: str, students: int, points: int, waiting: int
) -> None:
    assert tiles(app, world, role) == {
        "Doors open": "1",
        "Your students": str(students),
        **to_answer(waiting),
        # One of the teacher's waits to be confirmed, in every world.
        **({"Deletions": "1"} if role == "teacher" else {}),
    }
    page = signed_in(app, world, role).get("/console/").text
    # A chart of nothing is left out.
    assert ("Points this week" in page, f"{points} together" in page) == (points > 0, points > 0)
    assert (f'<td class="is-number">{points}</td>' in page) == (points > 0)


def test_a_class_whose_door_opens_later_today_says_when(app: Flask, world: World) -> None:
    """It is four in the morning there, on a Wednesday; what opens on Mondays only is closed."""
    room = world.own_class
    doors = (Classroom.door, Classroom.door_from, Classroom.door_to)

    def badge(days: list[str]) -> str:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == room.school_id).values(school_days=days))
        page = signed_in(app, world, "teacher").get("/console/").text
        (shown,) = re.findall(rf">{re.escape(room.name)}</a>.*?class=\"chip[^>]*>([^<]+)<", page, re.DOTALL)
        return str(shown)

    with transaction(SYSTEM) as tx:
        before = tx.execute(select(*doors).where(Classroom.id == room.id)).one()
        days = tx.scalar(select(School.school_days).where(School.id == room.school_id)) or []
        hours = {"door": Door.SCHOOL_DAYS, "door_from": 8 * 60 + 30, "door_to": 9 * 60}
        tx.execute(update(Classroom).where(Classroom.id == room.id).values(**hours))
    try:
        assert badge(["mon", "wed"]) == "Opens at 08:30"
        assert badge(["mon"]) == "Closed"
    finally:
        badge(days)
        with transaction(SYSTEM) as tx:
            tx.execute(update(Classroom).where(Classroom.id == room.id).values(**before._mapping))


def test_a_tile_is_placed_for_whoever_holds_its_permission_and_for_nobody_else(
    app: Flask, world: World
) -> None:
    company = {tile.name for tile in (*CARE_TILES, *JOB_TILES, *MAIL_TILES, *HOST_TILES)}
    company |= {tile.name for tile in TRUST_TILES}
    holders = set()
    with app.app_context():
        for role in world.people:
            with transaction(world.sign_in(role)) as tx:
                placed = {tile.name for tile in tiles_of.placed(tx)}
            if placed & company:
                holders.add(role)
                assert company <= placed
            assert role not in {"parent", "foreign_parent"} or not placed
    assert holders == {"founder"}


def test_a_plugins_tile_goes_with_its_switch(app: Flask, runtime: Runtime, world: World) -> None:
    title = "Promises that fall short"
    assert title in tiles(app, world, "founder")
    toggles.install({})
    try:
        assert title not in tiles(app, world, "founder")
    finally:
        toggles.install({each.name: each.enabled_at_first for each in runtime.plugins})


def test_plugins_that_somebody_switched_off_are_listed(app: Flask, world: World) -> None:
    title = "Plugins switched off"
    off = {"enabled": False, "version": 1, "changed_at": clock.now()}
    assert title not in signed_in(app, world, "founder").get("/console/").text
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(PluginState).values(
                [
                    {"name": "tea_party", "switched_at": clock.now(), **off},
                    {"name": "rosters", "switched_at": clock.now(), **off},
                    # Came switched off, and was set.
                    {"name": "silent_film", "switched_at": None, **off},
                ]
            )
        )
    try:
        page = signed_in(app, world, "founder").get("/console/").text
        assert title in page
        assert ("Tea party" in page, "Silent film" in page) == (True, False)
        # By its own title, and with the way to it.
        assert '<a href="/console/plugins/rosters">Rosters</a>' in page
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                delete(PluginState).where(PluginState.name.in_(["tea_party", "silent_film", "rosters"]))
            )


def test_leaders_see_where_nobody_was_for_a_month(app: Flask, world: World) -> None:
    """An old class with an old child is listed until the child is in or is given a point; no young one is.

    That the child is in another class is no sign of life of this one.
    """
    title = "Nobody in, no points for 30 days"
    long_ago = MONDAY - timedelta(days=40)
    with transaction(SYSTEM) as tx:
        old, young = (add_classroom(tx, world.home, name)[0] for name in ("Oldclass", "Youngclass"))
        tx.execute(update(Classroom).where(Classroom.id == old).values(created_at=long_ago))
        child = add_child(tx, replace(world.own_class, id=old), "Olga", "Oldclass")
        issue_code(tx, school_id=world.home.id, classroom_id=old)
        code = tx.scalars(select(ClassroomCode.code).where(ClassroomCode.classroom_id == old)).one()

    def shown(role: str = "leader") -> bool:
        page = signed_in(app, world, role).get("/console/").text
        assert "Youngclass" not in page
        assert title in page or ">Oldclass</a>" not in page
        return ">Oldclass</a>" in page

    place = Enrollment.student_id == child.id
    session = StudentSession.student_id == child.id

    def last_in(days: int) -> None:
        at = clock.now() - timedelta(days=days)
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).where(Student.id == child.id).values(active_on=at.date()))
            tx.execute(update(StudentSession).where(session).values(started_at=at))

    try:
        assert not shown()
        with transaction(SYSTEM) as tx:
            tx.execute(update(Enrollment).where(place).values(joined_at=long_ago))
        assert shown()
        come_in(code, child.public_id)
        last_in(29)
        assert not shown()
        last_in(30)
        assert shown()
        # As if in elsewhere today.
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).where(Student.id == child.id).values(active_on=clock.now().date()))
        assert shown()
        for role in ("teacher", "officer", "outsider", "founder"):
            assert title not in signed_in(app, world, role).get("/console/").text
        with transaction(SYSTEM) as tx:
            action = tx.scalar(select(Action.id).where(Action.classroom_id == world.own_class.id))
            tx.execute(
                insert(PointEntry).values(
                    school_id=world.home.id,
                    id=tx.take_id(PointEntry),
                    classroom_id=old,
                    student_id=child.id,
                    action_id=action,
                    value=1,
                    awarded_at=clock.now() - timedelta(days=29),
                )
            )
        assert not shown()
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Classroom).where(Classroom.id.in_([old, young])))
            tx.execute(delete(Student).where(Student.id == child.id))


def test_leaders_see_how_many_were_in_lately_by_school_and_for_a_large_district_do_not(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = "In or new within 7 days"
    pupil = world.own_class.children[0].id
    with transaction(SYSTEM) as tx:
        was = dict(tx.execute(select(Student.id, Student.active_on)).all())

    def shown() -> list[int]:
        answer = signed_in(app, world, "leader").get("/console/")
        assert answer.status_code == 200
        page = answer.text
        card = re.search(rf">{title}</h2>.*?</section>", page, re.DOTALL)
        return (
            [int(number) for number in re.findall(r'<td class="is-number">(\d+)<', card[0])] if card else []
        )

    try:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).values(active_on=(clock.now() - timedelta(days=7)).date()))
        # A chart of nothing.
        assert shown() == []
        with transaction(SYSTEM) as tx:
            in_lately = update(Student).where(Student.id == pupil)
            tx.execute(in_lately.values(active_on=(clock.now() - timedelta(days=6)).date()))
        assert shown() == [1, 0]
        monkeypatch.setattr(led_tiles, "MOST_SCHOOLS", 1)
        assert shown() == []
    finally:
        with transaction(SYSTEM) as tx:
            for number, day in was.items():
                tx.execute(update(Student).where(Student.id == number).values(active_on=day))


def test_no_class_of_somebody_else_is_named(app: Flask, world: World) -> None:
    page = signed_in(app, world, "teacher").get("/console/").text
    assert world.own_class.name in page
    assert world.colleague_class.name not in page
    assert world.foreign_class.name not in page


def test_who_is_locked_out_is_named_to_who_may_unlock_and_only_while_it_lasts(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = world.own_class.children[0]
    give_pin(child, "4711")
    lock = by_student(child.id, Throttles())
    title = "Locked out after wrong PINs"
    assert title not in signed_in(app, world, "teacher").get("/console/").text
    while lock.take() is None:
        pass
    try:
        shown = {role for role in world.people if title in signed_in(app, world, role).get("/console/").text}
        # Not to leaders: their whole school is not what they look at in the morning.
        assert shown == {"teacher", "co_teacher"}
        page = signed_in(app, world, "teacher").get("/console/").text
        assert f'<a href="/console/classrooms/{world.own_class.public_id}/cards">{child.given}' in page
        assert "the first" not in page
        monkeypatch.setattr(pin_tiles, "MOST_LISTED", 0)
        assert "the first 0 students" in signed_in(app, world, "teacher").get("/console/").text
    finally:
        lock.forget()
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).where(Student.id == child.id).values(pin_hash=None))


@pytest.mark.parametrize("role", ["teacher", "leader", "founder"])
def test_a_dashboard_asks_as_often_of_much_as_of_little(
    app: Flask, runtime: Runtime, world: World, role: str
) -> None:
    client = signed_in(app, world, role)
    client.get("/console/")
    with statements(runtime) as few:
        client.get("/console/")
    room = world.own_class
    with transaction(SYSTEM) as tx:
        more = [add_classroom(tx, world.home, f"Class {number}")[0] for number in range(15)]
        for number in more:
            teaches = {"account_id": world.people["teacher"].id, "role": TeachingRoleName.OWNER}
            tx.execute(insert(TeachingRole).values(school_id=room.school_id, classroom_id=number, **teaches))
            for given in ("Ada", "Bo", "Cy"):
                add_child(tx, replace(room, id=number), given, f"{role} {number}")
    try:
        with statements(runtime) as many:
            page = client.get("/console/").text
        assert len(many) == len(few) < MOST_STATEMENTS
        assert role != "teacher" or "of 16 classes" in page
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Classroom).where(Classroom.id.in_(more)))
