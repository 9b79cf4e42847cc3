"""Who leaves a class leaves card and sessions behind, by whichever way, and comes back without them."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    Door,
    Enrollment,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services import archiving, changes, moving, students
from backoffice.settings import Sessions
from backoffice.students import services as coming_in
from backoffice.students.cards import services as cards
from backoffice.throttles.visitor import Visitor
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World

VISITOR = Visitor("203.0.113.9")


@pytest.fixture(autouse=True)
def as_before(world: World) -> Iterator[None]:
    """Whatever a test did to the two classes is undone."""
    yield
    here = Enrollment.classroom_id == world.own_class.id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(door=Door.OPEN, door_until=None, archived_at=None))
        tx.execute(update(Enrollment).where(here).values(ended_at=None))
        tx.execute(
            delete(Enrollment).where(
                Enrollment.classroom_id == world.colleague_class.id,
                Enrollment.student_id.in_([each.id for each in world.own_class.children]),
            )
        )
        tx.execute(
            delete(TeachingRole).where(
                TeachingRole.account_id == world.people["teacher"].id,
                TeachingRole.classroom_id == world.colleague_class.id,
            )
        )


@pytest.fixture
def room(world: World) -> Class:
    return world.own_class


@pytest.fixture
def teacher(world: World) -> Principal:
    """The owner of the own class, who helps to teach the colleague's."""
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(TeachingRole).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                account_id=world.people["teacher"].id,
                role=TeachingRoleName.CO_TEACHER,
            )
        )
    return world.sign_in("teacher")


def take_out(world: World, who: Principal, room: Class, child: str) -> Callable[[], object]:
    left = students.end_enrollments(principal=who, classroom=room.public_id, students=[child])
    return lambda: students.resume_enrollments(principal=who, classroom=room.public_id, left_at=left.at)


def take_out_and_undo(world: World, who: Principal, room: Class, child: str) -> Callable[[], object]:
    students.end_enrollments(principal=who, classroom=room.public_id, students=[child])
    return lambda: changes.undo_last_change(principal=who, classroom=room.public_id)


def move_away(world: World, who: Principal, room: Class, child: str) -> Callable[[], object]:
    there = world.colleague_class.public_id
    moving.move_students(principal=who, source=room.public_id, target=there, students=[child])
    return lambda: moving.move_students(principal=who, source=there, target=room.public_id, students=[child])


def import_without(world: World, who: Principal, room: Class, child: str) -> Callable[[], object]:
    """As a roster's import does, which is at work for the system."""
    here = (Enrollment.classroom_id == room.id, Enrollment.student_id == room.children[0].id)

    def ended(at: object) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Enrollment).where(*here).values(ended_at=at))

    ended(clock.now())
    return lambda: ended(None)


@pytest.mark.parametrize("leave", [take_out, take_out_and_undo, move_away, import_without])
def test_who_comes_back_finds_neither_card_nor_session(
    world: World,
    teacher: Principal,
    room: Class,
    leave: Callable[[World, Principal, Class, str], Callable[[], object]],
) -> None:
    child, classmate = room.children
    made = {
        each.student_id: each.secret
        for each in cards.issue_cards(principal=teacher, classroom=room.public_id)
    }
    by_card, by_code = by(made[child.id]), world.student(room, child)
    others = [by(made[classmate.id]), world.student(room, classmate)]
    come_back = leave(world, teacher, room, child.public_id)
    assert all(map(is_over, (by_card, by_code)))
    come_back()
    assert all(map(is_over, (by_card, by_code)))
    with pytest.raises(Rejected):
        by(made[child.id])
    # By the code the child comes in as before, and its classmate never noticed.
    assert world.student(room, child).student_id == child.id
    assert not any(map(is_over, others))
    assert by(made[classmate.id]).student_id == classmate.id


def test_the_cards_of_a_class_that_was_put_away_are_void(
    world: World, teacher: Principal, room: Class
) -> None:
    made = cards.issue_cards(principal=teacher, classroom=room.public_id)
    archiving.archive_classroom(principal=teacher, classroom=room.public_id)
    archiving.restore_classroom(principal=teacher, classroom=room.public_id)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == room.id).values(door=Door.OPEN))
        fresh = tx.scalar(
            select(ClassroomCode.code).where(
                ClassroomCode.classroom_id == room.id, ClassroomCode.ended_at.is_(None)
            )
        )
    assert fresh is not None
    room.code = fresh
    for each in made:
        with pytest.raises(Rejected):
            by(each.secret)


def by(secret: str) -> Principal:
    begun = cards.sign_in_by_card(secret=secret, sessions=Sessions(), visitor=VISITOR, throttles=NO_LIMIT)
    with transaction(coming_in.credential(begun.token_id, None)) as tx:
        return tx.principal


def is_over(who: Principal) -> bool:
    try:
        with transaction(who) as tx:
            tx.connection()
    except SessionEnded:
        return True
    return False
