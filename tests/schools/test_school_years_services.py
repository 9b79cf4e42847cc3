"""Beginning a school year: all of it or nothing, in a handful of statements, by who may."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import SCHOOL_YEARS_BEGIN
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    Door,
    Enrollment,
    School,
    SchoolKind,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.queries import schools_for
from backoffice.schools.roster_models import RosterChange
from backoffice.schools.services import archiving, changes, classrooms, rosters, school_years
from backoffice.schools.services.school_years import GREW_OLD, NO_CLASS, NO_NAME, TOO_LONG, Begun, Ending
from backoffice.storage.public_id import new_public_id
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession
from backoffice.students.tablet_models import ClassroomTablet
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, Class, World, make_personal, names_behind


@pytest.fixture
def leader(world: World) -> Principal:
    return world.sign_in("leader")


@pytest.fixture
def ended(world: World, leader: Principal) -> Iterator[None]:
    """Afterwards the world's classes go on, and what began is gone."""
    with transaction(SYSTEM) as tx:
        before = set(tx.scalars(select(Classroom.id)))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Classroom).where(Classroom.id.not_in(before)))
        archived = tx.scalars(
            select(Classroom.public_id).where(Classroom.archived_at.is_not(None), Classroom.id.in_(before))
        ).all()
    for room in archived:
        archiving.restore_classroom(principal=leader, classroom=room)


def everybody(room: Class, name: str | None, **changed: Any) -> Ending:
    moving = frozenset(child.public_id for child in room.children)
    return Ending(room.public_id, name, **{"moving": moving, **changed})


def look(who: Principal, world: World, *endings: Ending) -> school_years.YearPreview:
    return school_years.preview_year(principal=who, school=world.home.public_id, endings=endings)


def begin(who: Principal, world: World, *endings: Ending) -> Begun:
    seen = look(who, world, *endings).seen
    return school_years.begin_year(principal=who, school=world.home.public_id, endings=endings, seen=seen)


def room_called(name: str) -> Classroom | None:
    """The class of a name, which is sealed."""
    with transaction(SYSTEM) as tx:
        return next((row for row in tx.scalars(select(Classroom)) if row.name == name), None)


def live(entity: Any, column: str, room: int) -> int:
    with transaction(SYSTEM) as tx:
        found = select(func.count()).where(entity.classroom_id == room, getattr(entity, column).is_(None))
        return tx.scalar(found) or 0


def of(entity: Any, room: int) -> list[Any]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(entity).where(entity.classroom_id == room)))


@pytest.mark.usefixtures("ended")
def test_classes_end_begin_and_students_move_up(world: World, leader: Principal) -> None:
    own, other = world.own_class, world.colleague_class
    stays, leaves = own.children
    inside = world.student(own, stays)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Enrollment)
            .where(Enrollment.classroom_id == own.id)
            .values(balance=12, alias="Captain", goal=30)
        )
        tx.execute(
            update(Classroom)
            .where(Classroom.id == own.id)
            .values(pins_required=True, icon="owl", colour="sea")
        )
    endings = (
        everybody(own, "Owls next year", moving=frozenset({stays.public_id})),
        everybody(other, None),
    )
    looked = look(leader, world, *endings)
    assert (looked.successors, looked.moving, looked.leaving) == (1, 1, 3)
    assert (looked.codes, looked.cards, looked.tablets, looked.inside) == (2, 1, 2, 1)
    (line,) = [line for line in looked.lines if line.successor]
    assert (line.moving, line.leaving, line.teachers) == (1, (f"{leaves.given} {leaves.family}",), 3)

    assert begin(leader, world, *endings) == Begun(ended=2, made=1, moved=1)

    made = room_called("Owls next year")
    assert made is not None
    assert (made.door, made.pins_required, made.icon, made.archived_at) == (Door.CLOSED, True, "owl", None)
    assert made.follows == own.id
    (seat,) = of(Enrollment, made.id)
    assert (seat.student_id, seat.balance, seat.alias, seat.goal) == (stays.id, 0, "Captain", None)
    assert live(ClassroomCode, "ended_at", made.id) == 1
    roles = {each.account_id: each.role for each in of(TeachingRole, made.id)}
    assert roles == {
        world.people["teacher"].id: TeachingRoleName.OWNER,
        world.people["co_teacher"].id: TeachingRoleName.CO_TEACHER,
        world.people["helper"].id: TeachingRoleName.HELPER,
    }
    assert [each.label for each in of(Action, made.id)] == [each.label for each in of(Action, own.id)]
    for room in (own, other):
        with transaction(SYSTEM) as tx:
            old = tx.scalars(select(Classroom).where(Classroom.id == room.id)).one()
        assert (old.archived_at is not None, old.door) == (True, Door.CLOSED)
        for entity, column in (
            (ClassroomCode, "ended_at"),
            (StudentCard, "voided_at"),
            (ClassroomTablet, "voided_at"),
            (StudentSession, "ended_at"),
        ):
            assert live(entity, column, room.id) == 0, entity
        assert of(RosterChange, room.id) == []
    # The points stay where they were earned.
    assert {each.balance for each in of(Enrollment, own.id)} == {12}
    with pytest.raises(SessionEnded), transaction(inside) as tx:
        tx.connection()
    with pytest.raises(Rejected):
        names_behind(own.code)
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert verbs.count("school-years.begin") == 1
    # In the new class it can be undone who came in.
    assert changes.undo_last_change(principal=leader, classroom=made.public_id).count == 1
    assert live(Enrollment, "ended_at", made.id) == 0


@pytest.mark.usefixtures("ended")
def test_without_its_teachers_a_new_class_is_the_leaders_to_give(world: World, leader: Principal) -> None:
    begin(leader, world, everybody(world.own_class, "Nobody's yet", teachers_stay=False))
    made = room_called("Nobody's yet")
    assert made is not None
    assert of(TeachingRole, made.id) == []
    with transaction(world.sign_in("teacher")) as tx:
        assert tx.scalar(select(Classroom.id).where(Classroom.id == made.id)) is None


@pytest.mark.usefixtures("ended")
def test_what_has_changed_since_is_looked_at_again(world: World, leader: Principal) -> None:
    own = world.own_class
    ending = everybody(own, "Never")
    seen = look(leader, world, ending).seen

    def refused(*endings: Ending) -> None:
        with pytest.raises(Rejected, match=GREW_OLD[:30]):
            school_years.begin_year(principal=leader, school=world.home.public_id, endings=endings, seen=seen)

    # Something else than what was looked at.
    refused(everybody(own, "Another name"))
    refused(ending, everybody(world.colleague_class, None))
    refused(everybody(own, "Never", moving=frozenset()))
    refused(everybody(own, "Never", teachers_stay=False))
    rosters.add_students(principal=leader, classroom=own.public_id, text="Newton Newcomer")
    refused(ending)
    changes.undo_last_change(principal=leader, classroom=own.public_id)
    archiving.archive_classroom(principal=leader, classroom=own.public_id)
    refused(ending)
    assert room_called("Never") is None


def test_each_new_class_has_a_name_and_at_least_one_ends(world: World, leader: Principal) -> None:
    for said, endings in (
        (NO_CLASS, ()),
        (NO_NAME, (everybody(world.own_class, "  "),)),
        (TOO_LONG, (everybody(world.own_class, "x" * 81),)),
    ):
        with pytest.raises(Rejected, match=said[:30]):
            look(leader, world, *endings)


def test_only_a_leader_begins_the_year_of_a_school(world: World) -> None:
    for name in ("teacher", "co_teacher", "helper", "officer", "outsider", "elsewhere", "founder"):
        who = world.sign_in(name)
        with transaction(who) as tx:
            assert schools_for(tx, SCHOOL_YEARS_BEGIN) == []
        with pytest.raises(NotFound):
            look(who, world, everybody(world.own_class, "Mine"))
        with pytest.raises(NotFound):
            school_years.begin_year(
                principal=who,
                school=world.home.public_id,
                endings=[everybody(world.own_class, "Mine")],
                seen="",
            )
    # Another school's class is as good as one that is gone.
    with pytest.raises(Rejected, match=GREW_OLD[:30]):
        look(world.sign_in("leader"), world, everybody(world.elsewhere_class, "Mine"))


@pytest.mark.usefixtures("ended")
def test_in_a_school_of_ones_own_the_owner_does_it_and_stays(world: World) -> None:
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["teacher"])
    try:
        teacher = world.sign_in("teacher")
        with transaction(teacher) as tx:
            (school,) = schools_for(tx, SCHOOL_YEARS_BEGIN)
            listed = school_years.classes_of_year(tx, school)
        # The owned class alone, with the next year in its name.
        assert [each.name for each in listed] == [world.own_class.name]
        begun = begin(teacher, world, everybody(world.own_class, "Mine again", teachers_stay=False))
        made = room_called("Mine again")
        assert made is not None
        assert (begun.moved, [each.role for each in of(TeachingRole, made.id)]) == (2, ["owner"])
        assert len(of(Action, made.id)) == len(of(Action, world.own_class.id))
        # A colleague's class of that school is not theirs.
        with pytest.raises(Rejected, match=GREW_OLD[:30]):
            look(teacher, world, everybody(world.colleague_class, "Mine"))
        with pytest.raises(NotFound):
            look(world.sign_in("co_teacher"), world, everybody(world.own_class, "Mine"))
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == world.home.id).values(kind=SchoolKind.SCHOOL))


def test_a_large_school_takes_no_more_statements(world: World, leader: Principal, runtime: Runtime) -> None:
    """40 classes of 25: as many statements as one class, and none for each row."""
    school, now = world.home.id, clock.now()

    def fill(rooms: int, size: int) -> list[Ending]:
        made = []
        with transaction(SYSTEM) as tx:
            numbers = tx.take_ids(Student, rooms * size)
            people = [new_public_id() for _ in numbers]
            tx.execute(
                insert(Student).values(
                    [
                        {
                            "school_id": school,
                            "id": number,
                            "public_id": public_id,
                            "given_name": f"Pupil {number}",
                            "name_tokens": names.tokens("Pupil", school_id=school),
                            "created_at": now,
                        }
                        for number, public_id in zip(numbers, people, strict=True)
                    ]
                )
            )
        for place in range(rooms):
            room = classrooms.create_classroom(
                principal=leader, school=world.home.public_id, name=f"Class {uuid4().hex[:6]}"
            )
            seats = slice(place * size, (place + 1) * size)
            with transaction(SYSTEM) as tx:
                number = tx.scalars(select(Classroom.id).where(Classroom.public_id == room)).one()
                tx.execute(
                    insert(Enrollment).values(
                        [
                            {
                                "school_id": school,
                                "classroom_id": number,
                                "student_id": student,
                                "avatar": "owl-sea",
                                "balance": 0,
                                "joined_at": now,
                            }
                            for student in numbers[seats]
                        ]
                    )
                )
            made.append(Ending(room, f"Next {place}", frozenset(people[seats])))
        return made

    def cost(endings: list[Ending]) -> int:
        seen = look(leader, world, *endings).seen
        with statements(runtime) as asked:
            begun = school_years.begin_year(
                principal=leader, school=world.home.public_id, endings=endings, seen=seen
            )
        assert begun.made == len(endings)
        assert begun.moved == sum(len(each.moving) for each in endings)
        return len(asked)

    one, many = cost(fill(1, 2)), cost(fill(40, 25))
    assert many == one
    assert many <= 30
