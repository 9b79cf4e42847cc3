"""How a child comes in by a code, and leaves."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from backoffice import clock
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, ClassroomCode, Door, Enrollment
from backoffice.schools.services.classrooms import create_classroom
from backoffice.schools.services.codes import renew_code
from backoffice.settings import Sessions
from backoffice.students import services
from backoffice.students.models import StudentSession
from backoffice.students.services import NOT_OPEN, Begun
from backoffice.throttles.visitor import Visitor
from tests.factories import world as factory
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World, add_child, names_behind

REFUSED = {"code": NOT_OPEN}


def sign_in(code: str, student: str, address: str | None = None) -> Begun:
    return services.sign_in_student(
        code=code, student=student, sessions=Sessions(), visitor=Visitor(address), throttles=NO_LIMIT
    )


def refusal(code: str, student: str | None = None) -> dict[str, str]:
    with pytest.raises(Rejected) as raised:
        if student is None:
            names_behind(code)
        else:
            sign_in(code, student)
    return raised.value.fields


def session(token_id: UUID) -> StudentSession:
    with transaction(SYSTEM) as tx:
        found = select(StudentSession).where(StudentSession.token_id == token_id)
        return tx.execute(found).scalar_one()


@pytest.fixture
def door(world: World) -> Iterator[Class]:
    """A class whose door is open again afterwards."""
    yield world.elsewhere_class
    set_door(world.elsewhere_class, Door.OPEN)


def set_door(classroom: Class, door: Door, minutes: int | None = None) -> None:
    until = None if minutes is None else clock.now() + timedelta(minutes=minutes)
    with transaction(SYSTEM) as tx:
        row = update(Classroom).where(Classroom.id == classroom.id)
        tx.execute(row.values(door=door, door_until=until))


# -- the names behind a code


def test_a_code_shows_the_names_of_its_class(world: World) -> None:
    labels = [choice.label for choice in names_behind(world.own_class.code)]
    assert labels == ["Bartholomew Z.", "Wilhelmina Q."]


def test_a_choice_is_known_by_its_public_identifier(world: World) -> None:
    choices = names_behind(world.own_class.code)
    assert {choice.public_id for choice in choices} == {c.public_id for c in world.own_class.children}


@pytest.mark.parametrize("spell", [str.lower, lambda code: f" {code[:4]}-{code[4:]} ", " ".join])
def test_a_code_may_be_typed_as_it_comes(world: World, spell: object) -> None:
    typed = spell(world.own_class.code)  # type: ignore[operator]
    assert len(names_behind(typed)) == 2


def test_an_alias_stands_for_the_name(world: World) -> None:
    child = world.foreign_class.children[0]
    with transaction(SYSTEM) as tx:
        row = update(Enrollment).where(Enrollment.student_id == child.id)
        tx.execute(row.values(alias="Captain"))
    labels = [choice.label for choice in names_behind(world.foreign_class.code)]
    assert labels == ["Captain", "Thaddeus N."]


def test_a_child_who_left_is_not_on_the_list(world: World) -> None:
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.colleague_class, "Gone", "Girl")
        row = update(Enrollment).where(Enrollment.student_id == child.id)
        tx.execute(row.values(ended_at=clock.now()))
    labels = [choice.label for choice in names_behind(world.colleague_class.code)]
    assert labels == ["Leopold V.", "Persephone U."]


def test_children_of_one_label_are_told_apart_by_their_pictures(world: World) -> None:
    with transaction(SYSTEM) as tx:
        classroom = world.own_class
        twins = [add_child(tx, classroom, "Tom", family) for family in ("Foxglove", "Foxtrot")]
    choices = [c for c in names_behind(classroom.code) if c.label == "Tom Fox."]
    with transaction(SYSTEM) as tx:
        for twin in twins:
            row = update(Enrollment).where(Enrollment.student_id == twin.id)
            tx.execute(row.values(ended_at=clock.now()))
    assert [choice.picture for choice in choices] == ["owl", "owl"]


@pytest.mark.parametrize("code", ["", "WRONGCDE", "' or 1=1", "\0", "😀", "x" * 100_000])
def test_a_wrong_code_is_refused(world: World, code: str) -> None:
    assert refusal(code) == REFUSED


def test_a_closed_door_is_refused_in_the_same_words(door: Class) -> None:
    set_door(door, Door.CLOSED)
    assert refusal(door.code) == REFUSED


@pytest.mark.parametrize(("minutes", "opens"), [(1, True), (-1, False)])
def test_a_door_until_a_moment_closes_by_itself(door: Class, minutes: int, opens: bool) -> None:
    set_door(door, Door.UNTIL, minutes)
    if opens:
        assert len(names_behind(door.code)) == 2
    else:
        assert refusal(door.code) == REFUSED


def test_an_ended_code_is_refused_in_the_same_words(world: World) -> None:
    teacher = world.people["colleague"]
    with transaction(SYSTEM) as tx:
        room = factory._class(tx, world.home, "Ended Eels", teacher, "Enid Ended")
    assert names_behind(room.code)
    renew_code(principal=world.sign_in("colleague"), classroom=room.public_id)
    assert refusal(room.code) == REFUSED


def test_an_empty_class_is_refused_in_the_same_words(world: World) -> None:
    public_id = create_classroom(
        principal=world.sign_in("teacher"), school=world.home.public_id, name="Empty"
    )
    with transaction(SYSTEM) as tx:
        code = tx.scalar(
            select(ClassroomCode.code)
            .join(Classroom, Classroom.id == ClassroomCode.classroom_id)
            .where(Classroom.public_id == public_id)
        )
    assert refusal(str(code)) == REFUSED


# -- coming in


def test_a_child_of_the_class_comes_in(world: World) -> None:
    child = world.own_class.children[0]
    assert world.student(world.own_class, child).student_id == child.id


@pytest.mark.parametrize("place", ["colleague_class", "elsewhere_class", "foreign_class"])
def test_a_child_of_another_class_does_not(world: World, place: str) -> None:
    other: Class = getattr(world, place)
    assert refusal(world.own_class.code, other.children[0].public_id) == REFUSED


@pytest.mark.parametrize("student", ["", "nobody", "2" * 16, "' or 1=1", "😀", "x" * 100_000])
def test_a_made_up_child_does_not(world: World, student: str) -> None:
    assert refusal(world.own_class.code, student) == REFUSED


def test_a_child_with_a_nul_in_its_identifier_does_not(world: World) -> None:
    assert refusal(world.own_class.code, "\0") == REFUSED


def test_a_wrong_code_lets_nobody_in(world: World) -> None:
    assert refusal("WRONGCDE", world.own_class.children[0].public_id) == REFUSED


def test_a_closed_door_lets_nobody_in(door: Class) -> None:
    set_door(door, Door.CLOSED)
    assert refusal(door.code, door.children[0].public_id) == REFUSED


def test_a_refusal_makes_no_session(world: World) -> None:
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.count()).select_from(StudentSession))
    refusal(world.own_class.code, world.foreign_class.children[0].public_id)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(StudentSession)) == before


@pytest.mark.parametrize(("shared", "minutes"), [(True, 5), (False, 20)])
def test_devices_that_are_shared_forget_sooner(world: World, shared: bool, minutes: int) -> None:
    with transaction(SYSTEM) as tx:
        row = update(Classroom).where(Classroom.id == world.foreign_class.id)
        tx.execute(row.values(shared_devices=shared))
    begun = sign_in(world.foreign_class.code, world.foreign_class.children[0].public_id)
    assert (begun.idle, session(begun.token_id).idle_minutes) == (timedelta(minutes=minutes), minutes)


def test_a_session_ends_after_eight_hours_whatever_happens(world: World) -> None:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    row = session(begun.token_id)
    assert (row.expires_at, row.expires_at - row.started_at) == (begun.ends_at, timedelta(hours=8))


def test_a_session_knows_its_code_and_where_it_is(world: World) -> None:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    row = session(begun.token_id)
    with transaction(SYSTEM) as tx:
        code = tx.scalar(select(ClassroomCode.id).where(ClassroomCode.classroom_id == world.own_class.id))
    assert (row.code_id, row.classroom_id, row.address) == (code, world.own_class.id, "203.0.113.9")


def test_coming_in_is_in_the_trail_of_the_school(world: World) -> None:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    number = session(begun.token_id).id
    with transaction(SYSTEM) as tx:
        entry, detail = tx.execute(
            select(AuditEntry, AuditDetail)
            .join(AuditDetail, AuditDetail.entry_id == AuditEntry.id)
            .order_by(AuditEntry.id.desc())
            .limit(1)
        ).one()
    assert (entry.verb, entry.school_id, detail.detail) == (
        "students.sign-in",
        world.home.id,
        {"actor": {}, "session": number},
    )


# -- leaving


@pytest.fixture
def child(world: World) -> Principal:
    return world.student(world.own_class, world.own_class.children[0])


def test_who_left_is_out(world: World, child: Principal) -> None:
    services.leave(principal=child)
    with pytest.raises(SessionEnded), transaction(child) as tx:
        tx.connection()


def test_who_leaves_puts_nobody_else_out(world: World, child: Principal) -> None:
    other = world.student(world.own_class, world.own_class.children[0])
    services.leave(principal=child)
    with transaction(other) as tx:
        assert tx.principal.student_id == other.student_id


def test_who_has_left_does_not_leave_again(world: World, child: Principal) -> None:
    left = select(func.count()).where(AuditEntry.verb == "students.leave")
    services.leave(principal=child)
    with transaction(SYSTEM) as tx:
        once = tx.scalar(left)
    services.leave(principal=child)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(left) == once


def test_leaving_is_in_the_trail_of_the_school(world: World, child: Principal) -> None:
    services.leave(principal=child)
    with transaction(SYSTEM) as tx:
        entry = tx.execute(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).scalar_one()
    assert (entry.verb, entry.school_id, entry.actor_kind) == ("students.leave", world.home.id, "student")
