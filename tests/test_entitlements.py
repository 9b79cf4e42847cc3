"""How much a plan holds: what is counted, who is refused, and what is never asked."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.entitlements import (
    GOES_ON,
    Entitlement,
    LimitReached,
    link_to_plans,
    no_room,
    used,
)
from backoffice.imports.columns import Row
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Student
from backoffice.schools.services import archiving, classrooms, rosters
from backoffice.schools.services.importing import import_students, preview_students
from backoffice.schools.services.importing_classes import import_classrooms, preview_classrooms
from backoffice.staff.models import InvitedAs
from backoffice.staff.services import invitations
from tests.factories.plans import NOTHING, PLANS, no_plan, plan
from tests.factories.statements import statements
from tests.factories.visitor import send, signed_in
from tests.factories.world import NO_LIMIT, SYSTEM, World
from tests.staff.test_invitations import not_invited

SEATS, CLASSES, STUDENTS = Entitlement


@pytest.fixture
def leader(world: World) -> Principal:
    return world.sign_in("leader")


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


def there(world: World, who: Principal = SYSTEM) -> dict[Entitlement, int]:
    with transaction(who) as tx:
        return dict(used(tx, world.home.id))


def make(who: Principal, world: World, name: str = "Plans 5B") -> str:
    return classrooms.create_classroom(principal=who, school=world.home.public_id, name=name)


def ask(who: Principal, world: World, email: str) -> str:
    return invitations.invite(
        principal=who,
        school=world.home.public_id,
        email=email,
        name="Nadia Newcomer",
        role=InvitedAs.TEACHER,
        classroom=None,
        throttles=NO_LIMIT,
    )


def rows(*names: str) -> list[Row]:
    return [Row(line, {"id": "", "name": name}) for line, name in enumerate(names, 2)]


def test_what_is_used_is_that_of_the_whole_school(
    world: World, leader: Principal, teacher: Principal
) -> None:
    with transaction(SYSTEM) as tx:
        live = select(func.count()).select_from(Classroom)
        live = live.where(Classroom.school_id == world.home.id, Classroom.archived_at.is_(None))
        students = select(func.count()).select_from(Student).where(Student.school_id == world.home.id)
        rooms, children = tx.scalar(live), tx.scalar(students)
    found = there(world)
    assert (found[CLASSES], found[STUDENTS]) == (rooms, children)
    assert (rooms or 0) > 1, "The colleague's class has to be there, which the teacher does not see."
    # A teacher counts what others have as well, and learns nothing but how many.
    assert there(world, teacher) == there(world, leader) == found


@pytest.mark.parametrize("who", ["outsider", "parent"])
def test_nobody_counts_another_school(world: World, who: str) -> None:
    assert there(world, world.sign_in(who)) == {}


def test_an_invitation_takes_a_place_until_it_is_withdrawn_and_keeps_it_when_accepted(
    world: World, leader: Principal
) -> None:
    before = there(world)[SEATS]
    sent = ask(leader, world, "seat@people.example")
    # The same address for another place takes no second one.
    invitations.invite(
        principal=leader,
        school=world.home.public_id,
        email="seat@people.example",
        name="Nadia Newcomer",
        role=InvitedAs.HELPER,
        classroom=world.own_class.public_id,
        throttles=NO_LIMIT,
    )
    assert there(world)[SEATS] == before + 1
    invitations.withdraw(principal=leader, invitations=[sent])
    assert there(world)[SEATS] == before + 1
    # Whoever works there already takes none.
    teacher = world.people["teacher"]
    other = ask_as_helper(leader, world, teacher.email)
    assert there(world)[SEATS] == before + 1
    invitations.withdraw(principal=leader, invitations=[other])


def ask_as_helper(who: Principal, world: World, email: str) -> str:
    return invitations.invite(
        principal=who,
        school=world.home.public_id,
        email=email,
        name="Tamsin",
        role=InvitedAs.HELPER,
        classroom=world.colleague_class.public_id,
        throttles=NO_LIMIT,
    )


def test_the_last_class_is_made_and_the_next_one_refused(
    world: World, runtime: Runtime, leader: Principal, teacher: Principal
) -> None:
    count = there(world)[CLASSES]
    with plan(runtime, {CLASSES: count + 1}):
        made = make(teacher, world)
        with pytest.raises(LimitReached) as refused:
            make(teacher, world)
        words = refused.value.in_words
        assert f"{count + 1} of the {count + 1} classes" in words
        assert "ask a leader" in words
        assert str(GOES_ON) in words
        with pytest.raises(LimitReached, match="or choose a larger plan"):
            make(leader, world)
        # What was archived by a slip comes back, though the school had none too many.
        archiving.archive_classroom(principal=teacher, classroom=made)
        archiving.restore_classroom(principal=teacher, classroom=made)
        # It makes room for another class, and takes it again.
        archiving.archive_classroom(principal=teacher, classroom=made)
        second = make(teacher, world, "Plans 6B")
        with pytest.raises(LimitReached):
            archiving.restore_classroom(principal=teacher, classroom=made)
        archiving.archive_classroom(principal=teacher, classroom=second)
        archiving.restore_classroom(principal=teacher, classroom=made)
    assert there(world)[CLASSES] == count + 1


def test_two_at_once_do_not_both_take_the_last_place(
    world: World, runtime: Runtime, leader: Principal, teacher: Principal
) -> None:
    count, gate = there(world)[CLASSES], Barrier(6)

    def one(who: Principal) -> bool:
        gate.wait()
        try:
            make(who, world, "At once")
        except LimitReached:
            return False
        return True

    with plan(runtime, {CLASSES: count + 1}), ThreadPoolExecutor(6) as pool:
        made = list(pool.map(one, [leader, teacher] * 3))
    assert made.count(True) == 1
    assert there(world)[CLASSES] == count + 1


def test_students_one_by_one_and_from_files(world: World, runtime: Runtime, teacher: Principal) -> None:
    count = there(world)[STUDENTS]
    room = world.own_class.public_id
    with plan(runtime, {STUDENTS: count + 1}):
        with pytest.raises(LimitReached, match="1 of the 2 new ones is over"):
            rosters.add_students(principal=teacher, classroom=room, text="Quill Quince\nRuby Rowan")
        assert there(world)[STUDENTS] == count
        wanted = [
            Row(line, {"id": "", "given": given, "family": "Quokka", "classes": world.own_class.name})
            for line, given in enumerate(("Quill", "Ruby"), 2)
        ]
        asked: dict[str, Any] = {"principal": teacher, "school": world.home.public_id, "rows": wanted}
        looked = preview_students(**asked)
        assert "1 of the 2 new ones" in (looked.full or "")
        with pytest.raises(LimitReached):
            import_students(**asked, seen=looked.digest, most=500)
        rosters.add_students(principal=teacher, classroom=room, text="Quill Quince")
        # Whoever is there already is no new one.
        rosters.add_students(principal=teacher, classroom=room, text="Quill Quince")
    assert there(world)[STUDENTS] == count + 1


def test_classes_from_files(world: World, runtime: Runtime, teacher: Principal) -> None:
    count = there(world)[CLASSES]
    asked: dict[str, Any] = {
        "principal": teacher,
        "school": world.home.public_id,
        "rows": rows("Filed 1", "Filed 2"),
    }
    with plan(runtime, {CLASSES: count + 1}):
        looked = preview_classrooms(**asked)
        assert "1 of the 2 new ones" in (looked.full or "")
        with pytest.raises(LimitReached):
            import_classrooms(**asked, seen=looked.digest, most=500)
    assert there(world)[CLASSES] == count
    assert preview_classrooms(**asked).full is None
    assert preview_classrooms(**asked).digest == looked.digest


def test_an_invitation_over_the_limit_is_refused_and_one_of_a_colleague_is_not(
    world: World, runtime: Runtime, leader: Principal
) -> None:
    with plan(runtime, NOTHING):
        with pytest.raises(LimitReached, match="open invitations included"):
            ask(leader, world, "late@people.example")
        again = ask_as_helper(leader, world, world.people["teacher"].email)
        assert invitations.send_again(principal=leader, invitations=[again], throttles=NO_LIMIT) == 1
        invitations.withdraw(principal=leader, invitations=[again])


def test_who_came_with_a_roster_takes_a_place_when_invited(
    world: World, runtime: Runtime, leader: Principal
) -> None:
    known = not_invited(world, "rostered@people.example")
    count = there(world)[SEATS]
    with plan(runtime, {SEATS: count}), pytest.raises(LimitReached):
        invitations.invite_known(principal=leader, accounts=[known.public_id])
    with plan(runtime, {SEATS: count + 1}):
        assert invitations.invite_known(principal=leader, accounts=[known.public_id]) == 1
    assert there(world)[SEATS] == count + 1


@pytest.mark.parametrize("holds", [{}, {CLASSES: None}])
def test_without_a_limit_no_statement_is_made(
    world: World, runtime: Runtime, teacher: Principal, holds: dict[Entitlement, int | None]
) -> None:
    def sent() -> list[str]:
        with statements(runtime) as made:
            make(teacher, world)
        return made

    with no_plan(runtime):
        sent()
        before = sent()
    with plan(runtime, holds) as asked:
        # A process reads once what is switched on, and again when that has changed.
        sent()
        assert len(sent()) == len(before)
        assert asked == [world.home.id] * 2
    with plan(runtime, NOTHING, on=False) as asked:
        sent()
        assert len(sent()) == len(before)
        assert asked == []


def test_the_way_to_plans_is_for_who_may_change_them(
    world: World, runtime: Runtime, leader: Principal, teacher: Principal
) -> None:
    with plan(runtime, NOTHING):
        for who, leads_to in ((leader, PLANS), (teacher, None)):
            with transaction(who) as tx:
                assert link_to_plans(tx, world.home.id) == leads_to
                assert no_room(tx, school_id=world.home.id, entitlement=STUDENTS, wanted=0) is None
    with no_plan(runtime), transaction(leader) as tx:
        assert link_to_plans(tx, world.home.id) is None


@pytest.mark.parametrize(
    "address",
    [
        "/console/classrooms/new?school={home}",
        "/console/classrooms/{room}/paste",
        "/console/invitations/new?school={home}",
        "/console/classrooms/{room}/teachers/invite",
    ],
)
def test_a_page_says_it_before_somebody_types(
    app: Flask, world: World, runtime: Runtime, address: str
) -> None:
    address = address.format(home=world.home.public_id, room=world.own_class.public_id)
    for role, leads in (("leader", True), ("teacher", False)):
        browser = signed_in(app, world, role)
        with plan(runtime, NOTHING):
            page = browser.get(address)
            if page.status_code == HTTPStatus.NOT_FOUND or page.location:
                assert role == "teacher"
                continue
            assert (str(GOES_ON) in page.text, f'href="{PLANS}"' in page.text) == (True, leads)
        assert str(GOES_ON) not in browser.get(address).text


def test_bringing_a_class_back_is_refused_on_the_page_and_reading_it_is_not(
    app: Flask, world: World, runtime: Runtime, teacher: Principal
) -> None:
    made = make(teacher, world, "Kept 4A")
    archiving.archive_classroom(principal=teacher, classroom=made)
    make(teacher, world, "In its place 4A")
    browser = signed_in(app, world, "teacher")
    with plan(runtime, NOTHING):
        assert browser.get(f"/console/classrooms/{made}").status_code == HTTPStatus.OK
        own = f"/console/classrooms/{made}"
        answer = send(browser, f"{own}/restore", {}, page=own)
        assert str(GOES_ON) in browser.get(answer.location).text
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.archived_at).where(Classroom.public_id == made)) is not None
