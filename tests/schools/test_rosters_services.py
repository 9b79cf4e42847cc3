"""Lists that are pasted again, answers to what is probable, undoing, moving, and archived classes."""

import csv
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import Closed, NotFound, find
from backoffice.access.permissions import CLASSROOMS_EDIT, CLASSROOMS_READ
from backoffice.access.policy import can
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.families.services import invitations
from backoffice.problems import Rejected
from backoffice.schools import queries
from backoffice.schools.matching import MIDDLE_NAME, SHORT_FORM, Place
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    Door,
    Enrollment,
    PointEntry,
    Student,
)
from backoffice.schools.roster_models import ChangeKind, RosterChange
from backoffice.schools.services import (
    actions,
    archiving,
    changes,
    classrooms,
    codes,
    doors,
    moving,
    rosters,
    students,
)
from backoffice.schools.services.changes import HAS_POINTS, NOTHING, OTHER_CHANGED, undo_last_change
from backoffice.schools.services.rosters import ANOTHER, SAME_NAME, Added
from tests.factories.world import SYSTEM, Child, World, names_behind

MONDAY = [
    *("Ada Lovelace", "Robert Brown", "Søren Kierkegaard", "Maria Garcia Lopez", "Katherine Johnson"),
    *("Minh Nguyen", "Siobhan O'Neill", "Jean-Luc Picard", "Kim", "Alexandra Petrova"),
]


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


def new_class(teacher: Principal, world: World, *children: str, name: str = "Roster Rooks") -> str:
    """A fresh class of the teacher's with these children."""
    room = classrooms.create_classroom(principal=teacher, school=world.home.public_id, name=name)
    if children:
        rosters.add_students(
            principal=teacher,
            classroom=room,
            text="\n".join(children),
            answers=dict.fromkeys(range(1, 401), ANOTHER),
        )
    return str(room)


def of_class(room: str) -> dict[str, str]:
    """Names and public identifiers of the students of a class."""
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(
            select(Student)
            .join(Enrollment, Enrollment.student_id == Student.id)
            .join(Classroom, Classroom.id == Enrollment.classroom_id)
            .where(Classroom.public_id == room, Enrollment.ended_at.is_(None))
        ).all()
    return {f"{row.given_name} {row.family_name or ''}".strip(): row.public_id for row in rows}


def number_of(room: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Classroom.id).where(Classroom.public_id == room)).one()


def award(room: str, name: str) -> None:
    """A point for one child of the class."""
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.public_id == room)).one()
        student = tx.scalars(select(Student.id).where(Student.public_id == of_class(room)[name])).one()
        here = {"school_id": row.school_id, "classroom_id": row.id}
        action = tx.take_id(Action)
        tx.execute(insert(Action).values(**here, id=action, label="Helped", value=1, created_at=clock.now()))
        tx.execute(
            insert(PointEntry).values(
                **here,
                id=tx.take_id(PointEntry),
                student_id=student,
                action_id=action,
                value=1,
                awarded_at=clock.now(),
            )
        )
        tx.execute(
            update(Enrollment)
            .where(Enrollment.classroom_id == row.id, Enrollment.student_id == student)
            .values(balance=1)
        )


def test_the_same_list_pasted_again_leaves_the_same_students(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world)
    chance = random.Random(4)

    def paste(lines: Sequence[str]) -> Added:
        return rosters.add_students(principal=teacher, classroom=room, text="\n".join(lines))

    assert paste(MONDAY) == Added(len(MONDAY), 0)
    before = of_class(room)
    reordered = chance.sample(MONDAY, len(MONDAY))
    swapped = [", ".join(reversed(name.split(" ", 1))) for name in MONDAY]
    with_middle = [name.replace(" ", " Quincy ", 1) for name in MONDAY]
    plainly = [
        "Soren Kierkegaard",
        "Jean Luc Picard",
        "Siobhan ONeill",
        "Bob Brown",
        "Sasha Petrova",
        "Kim K.",
    ]
    for again in (MONDAY, reordered, swapped, [name.upper() for name in MONDAY], with_middle, plainly):
        added = paste(again)
        assert (added.new, added.back, added.joined) == (0, 0, 0)
        assert of_class(room) == before


SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("file", "is_student", "columns"),
    [
        ("sds/v1-25-users/Student.csv", {}, ("First Name", "Middle Name", "Last Name")),
        ("oneroster/school-small/users.csv", {"role": "student"}, ("givenName", "middleName", "familyName")),
    ],
    ids=["SDS", "OneRoster"],
)
def test_a_schools_list_pasted_three_times_leaves_the_same_students(
    world: World, teacher: Principal, file: str, is_student: dict[str, str], columns: tuple[str, str, str]
) -> None:
    """As it is, reordered, and with the middle names that stand in it or with one made up."""
    if not (SAMPLES / file).is_file():
        pytest.skip("The samples are not there: shared/data beside the checkout.")
    with (SAMPLES / file).open(newline="", encoding="utf-8-sig") as opened:
        rows = [row for row in csv.DictReader(opened) if is_student.items() <= row.items()]
    first, middle, last = columns
    plain = [f"{row[first]} {row[last]}" for row in rows]
    whole = [f"{row[last]}, {row[first]} {row[middle] or 'Quincy'}" for row in rows]
    room = new_class(teacher, world)
    rosters.add_students(principal=teacher, classroom=room, text="\n".join(plain))
    before = of_class(room)
    assert before.keys() == set(plain)
    for again in (plain, random.Random(5).sample(plain, len(plain)), whole):
        added = rosters.add_students(principal=teacher, classroom=room, text="\n".join(again))
        assert (added.new, added.back, added.joined) == (0, 0, 0)
        assert of_class(room) == before


def test_what_is_probable_waits_for_an_answer(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Thomas Baker", "Edith Clarke")
    text = "Tom Baker\nEdith Adelaide Clarke\nHedy Lamarr\nHedy M Lamarr"
    lines = rosters.preview_names(principal=teacher, classroom=room, text=text)
    assert [line.state for line in lines] == ["probable", "probable", "new", "probable"]
    there = of_class(room)
    assert [
        [(each.answer, each.place, each.name, each.why) for each in line.candidates] for line in lines
    ] == [
        [(there["Thomas Baker"], Place.HERE, "Thomas Baker", SHORT_FORM)],
        [(there["Edith Clarke"], Place.HERE, "Edith Clarke", MIDDLE_NAME)],
        [],
        [("line-3", Place.LINE, "Hedy Lamarr", MIDDLE_NAME)],
    ]
    answers = {1: there["Thomas Baker"], 2: ANOTHER, 4: "of somebody else"}
    added = rosters.add_students(principal=teacher, classroom=room, text=text, answers=answers)
    assert added == Added(2, 0, left_out=("Hedy M Lamarr",))
    assert of_class(room).keys() == {"Thomas Baker", "Edith Clarke", "Edith Adelaide Clarke", "Hedy Lamarr"}


def test_a_child_of_another_own_class_joins_and_is_no_second_child(world: World, teacher: Principal) -> None:
    first = new_class(teacher, world, "Rosa Parks", "Nelson Mandela")
    second = new_class(teacher, world)
    text = "Rosa Parks\nNelson R Mandela\nPersephone Underhill"
    lines = rosters.preview_names(principal=teacher, classroom=second, text=text)
    # The last is a colleague's: whoever does not teach the child learns nothing of it.
    assert [line.state for line in lines] == ["probable", "probable", "new"]
    (rosa,), (nelson,) = lines[0].candidates, lines[1].candidates
    assert (rosa.place, rosa.why, rosa.sure, rosa.classes) == (
        Place.ELSEWHERE,
        SAME_NAME,
        True,
        ("Roster Rooks",),
    )
    assert not nelson.sure
    added = rosters.add_students(
        principal=teacher, classroom=second, text=text, answers={1: rosa.answer, 2: nelson.answer}
    )
    assert added == Added(1, 0, 2)
    there, here = of_class(first), of_class(second)
    assert {name: here[name] for name in there} == there
    # Of the same school, but nobody of theirs: an answer that names a foreign child means nothing.
    stranger = world.colleague_class.children[0].public_id
    asked = rosters.add_students(principal=teacher, classroom=first, text="Rosa Park", answers={1: stranger})
    assert asked.left_out == ("Rosa Park",)


def test_who_left_is_recognised_without_being_named(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "William Carter", "Ada Lovelace")
    before = of_class(room)
    students.end_enrollments(principal=teacher, classroom=room, students=[before["William Carter"]])
    (line,) = rosters.preview_names(principal=teacher, classroom=room, text="Bill Carter")
    (candidate,) = line.candidates
    assert (candidate.place, candidate.name) == (Place.LEFT, None)
    answers = {1: candidate.answer}
    added = rosters.add_students(principal=teacher, classroom=room, text="Bill Carter", answers=answers)
    assert (added, of_class(room)) == (Added(0, 1), before)


# -- undoing


def test_adding_is_undone_once_and_erases_whom_it_wrote_down(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace")
    before = of_class(room)
    rosters.add_students(principal=teacher, classroom=room, text="Evelyn Granville\nGladys West")
    with transaction(teacher) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.public_id == room)).one()
        change = changes.last_change(tx, row)
    assert change is not None
    assert (change.kind, change.count) == (ChangeKind.ADD, 2)
    gone = [of_class(room)[name] for name in ("Evelyn Granville", "Gladys West")]
    undo_last_change(principal=teacher, classroom=room)
    assert of_class(room) == before
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Student).where(Student.public_id.in_(gone))).all() == []
        assert tx.scalar(select(func.count()).where(AuditEntry.verb == "rosters.undo")) == 1
    with pytest.raises(Rejected, match=NOTHING):
        undo_last_change(principal=teacher, classroom=room)


def test_who_has_points_by_now_is_not_erased(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace", "Grace Hopper")
    award(room, "Ada Lovelace")
    before = of_class(room)
    with pytest.raises(Rejected, match=HAS_POINTS):
        undo_last_change(principal=teacher, classroom=room)
    assert of_class(room) == before


def test_after_a_day_nothing_is_undone(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace")
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1), tick=False):
        later = world.sign_in("teacher")
        with pytest.raises(Rejected, match=NOTHING):
            undo_last_change(principal=later, classroom=room)
    undo_last_change(principal=teacher, classroom=room)
    assert of_class(room) == {}


def test_a_button_for_an_earlier_change_undoes_no_later_one(world: World, teacher: Principal) -> None:
    first = new_class(teacher, world, "Ada Lovelace", name="Later Larks")
    second = new_class(teacher, world, "Mary Jackson", name="Later Lynxes")
    moved = moving.move_students(
        principal=teacher, source=first, target=second, students=list(of_class(first).values())
    )
    rosters.add_students(principal=teacher, classroom=first, text="Gladys West")
    with pytest.raises(Rejected, match=NOTHING):
        undo_last_change(principal=teacher, classroom=first, at=moved.at)
    assert list(of_class(first)) == ["Gladys West"]


@pytest.mark.parametrize("role", ["outsider", "colleague", "helper", "founder", "parent"])
def test_nobody_else_undoes(world: World, role: str) -> None:
    with pytest.raises(NotFound):
        undo_last_change(principal=world.sign_in(role), classroom=world.own_class.public_id)


def test_nobody_else_erases_by_the_databases_function(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace")
    statement = select(func.app.forget_added(world.home.id, number_of(room)))
    for role in ("colleague", "outsider", "founder"):
        with transaction(world.sign_in(role)) as tx:
            assert tx.scalar(statement) == 0
    assert list(of_class(room)) == ["Ada Lovelace"]


# -- moving


def test_moving_keeps_points_where_they_were_earned_and_is_undone_in_both(
    world: World, teacher: Principal
) -> None:
    first = new_class(teacher, world, "Ada Lovelace", "Grace Hopper", name="Move Moles")
    second = new_class(teacher, world, "Mary Jackson", name="Move Mice")
    award(first, "Ada Lovelace")
    before = of_class(first), of_class(second)
    chosen = [*of_class(first).values(), world.foreign_class.children[0].public_id]
    assert moving.move_students(principal=teacher, source=first, target=second, students=chosen).count == 2
    assert of_class(first) == {}
    assert of_class(second) == before[0] | before[1]
    with transaction(SYSTEM) as tx:
        points = tx.scalars(
            select(PointEntry.classroom_id).where(PointEntry.classroom_id == number_of(first))
        )
        assert len(points.all()) == 1
        ada = tx.scalars(select(Student.id).where(Student.public_id == before[0]["Ada Lovelace"])).one()
        balances = dict(
            tx.execute(
                select(Enrollment.classroom_id, Enrollment.balance).where(Enrollment.student_id == ada)
            ).all()
        )
    assert balances == {number_of(first): 1, number_of(second): 0}
    undo_last_change(principal=teacher, classroom=second)
    assert (of_class(first), of_class(second)) == before
    with pytest.raises(Rejected, match=NOTHING):
        undo_last_change(principal=teacher, classroom=first)
    # Once more: both have places there already, which had ended.
    assert moving.move_students(principal=teacher, source=first, target=second, students=chosen).count == 2
    rosters.add_students(principal=teacher, classroom=second, text="Dorothy Vaughan")
    with pytest.raises(Rejected, match=OTHER_CHANGED):
        undo_last_change(principal=teacher, classroom=first)


def test_students_move_within_a_school_and_to_own_classes_only(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace")
    chosen = list(of_class(room).values())
    for target in (world.colleague_class, world.foreign_class):
        with pytest.raises(NotFound):
            moving.move_students(principal=teacher, source=room, target=target.public_id, students=chosen)
    leader = world.sign_in("leader")
    with pytest.raises(Rejected):
        moving.move_students(
            principal=leader, source=room, target=world.elsewhere_class.public_id, students=chosen
        )
    with pytest.raises(Rejected):
        moving.move_students(principal=teacher, source=room, target=room, students=chosen)
    assert list(of_class(room).values()) == chosen


# -- archiving


def test_an_archived_class_is_read_and_not_changed_until_it_is_back(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace", name="Archive Apes")
    other = new_class(teacher, world, "Grace Hopper")
    number, there = number_of(room), of_class(room)
    with transaction(SYSTEM) as tx:
        live = select(ClassroomCode.code).where(
            ClassroomCode.classroom_id == number, ClassroomCode.ended_at.is_(None)
        )
        code = tx.scalars(live).one()
    child = world.student(
        # A class of the factory's is a class with its code.
        type(world.own_class)(number, room, world.home.id, "Archive Apes", code),
        Child(0, there["Ada Lovelace"], "Ada", "Lovelace"),
    )
    action = actions.add_action(principal=teacher, classroom=room, label="Kind", icon="heart", value=1)
    archiving.archive_classroom(principal=teacher, classroom=room)
    for change in (
        lambda: actions.change_action(
            principal=teacher, action=action, label="Kinder", icon="heart", value=1
        ),
        lambda: actions.retire_action(principal=teacher, action=action),
        lambda: actions.bring_back_action(principal=teacher, action=action),
        lambda: rosters.add_students(principal=teacher, classroom=room, text="Annie Easley"),
        lambda: rosters.preview_names(principal=teacher, classroom=room, text="Annie Easley"),
        lambda: students.end_enrollments(principal=teacher, classroom=room, students=list(there.values())),
        lambda: classrooms.rename_classroom(
            principal=teacher, classroom=room, name="Renamed", shared_devices=True
        ),
        lambda: doors.set_door(principal=teacher, classroom=room, door=Door.OPEN),
        lambda: codes.renew_code(principal=teacher, classroom=room),
        lambda: archiving.mark_classroom(principal=teacher, classroom=room, colour="sky", icon="owl"),
        lambda: undo_last_change(principal=teacher, classroom=room),
        lambda: moving.move_students(
            principal=teacher, source=other, target=room, students=list(of_class(other).values())
        ),
        lambda: moving.move_students(
            principal=teacher, source=room, target=other, students=list(there.values())
        ),
    ):
        with pytest.raises(Closed):
            change()
    with pytest.raises(Rejected):
        names_behind(code)
    with transaction(teacher) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.id == number)).one()
        assert can(tx.principal, CLASSROOMS_READ, row)
        assert not can(tx.principal, CLASSROOMS_EDIT, row)
        assert room not in {each.public_id for each in queries.classrooms_for(tx)}
        assert [each.name for each in queries.students_of(tx, row)] == ["Ada Lovelace"]
    with pytest.raises(SessionEnded), transaction(child) as tx:
        tx.connection()
    archiving.restore_classroom(principal=teacher, classroom=room)
    assert rosters.add_students(principal=teacher, classroom=room, text="Annie Easley") == Added(1, 0)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(live).one() != code
        verbs = tx.scalars(select(AuditEntry.verb).where(AuditEntry.verb.like("classrooms.%"))).all()
    assert {"classrooms.archive", "classrooms.restore"} <= set(verbs)


def test_whoever_taught_an_archived_class_decides_nothing_about_its_students(world: World) -> None:
    """They are in somebody else's class now; the old one is still read."""
    leader, teacher = world.sign_in("leader"), world.sign_in("teacher")
    room = new_class(teacher, world, "Ada Lovelace")
    ada = of_class(room)["Ada Lovelace"]
    archiving.archive_classroom(principal=teacher, classroom=room)
    with pytest.raises(NotFound):
        students.correct_student(principal=teacher, student=ada, given_name="Ida", family_name=None)
    with pytest.raises(NotFound):
        invitations.print_letter(principal=teacher, student=ada)
    with transaction(teacher) as tx:
        assert find(tx, Student, ada).given_name == "Ada"
        # The database by itself.
        changed = update(Student).where(Student.public_id == ada).values(given_name="Ida")
        assert tx.execute(changed).rowcount == 0  # type: ignore[attr-defined]
    students.correct_student(principal=leader, student=ada, given_name="Ida", family_name=None)


def test_the_database_keeps_an_archived_class_by_itself(world: World, teacher: Principal) -> None:
    room = new_class(teacher, world, "Ada Lovelace")
    number = number_of(room)
    archiving.archive_classroom(principal=teacher, classroom=room)
    here = {"school_id": world.home.id, "classroom_id": number}
    for statement in (
        update(Enrollment).where(Enrollment.classroom_id == number).values(balance=9),
        update(Classroom).where(Classroom.id == number).values(name="Renamed"),
        insert(Action).values(**here, id=10**9, label="x", value=1, created_at=clock.now()),
        insert(RosterChange).values(**here, kind="add", at=clock.now(), by=world.people["teacher"].id),
    ):
        with pytest.raises(ProgrammingError) as refused, transaction(teacher) as tx:
            tx.execute(statement)
        assert isinstance(refused.value.orig, InsufficientPrivilege)
        assert "stays as it is" in str(refused.value.orig)


@pytest.mark.parametrize("role", ["co_teacher", "helper", "colleague", "outsider", "founder"])
def test_nobody_else_archives(world: World, role: str) -> None:
    for verb in (archiving.archive_classroom, archiving.restore_classroom):
        with pytest.raises(NotFound):
            verb(principal=world.sign_in(role), classroom=world.own_class.public_id)


@pytest.mark.parametrize(("colour", "icon"), [("mauve", "owl"), ("sky", "dragon")])
def test_a_mark_is_one_of_the_pictures_in_one_of_the_colours(
    world: World, teacher: Principal, colour: str, icon: str
) -> None:
    own = world.own_class.public_id
    with pytest.raises(Rejected):
        archiving.mark_classroom(principal=teacher, classroom=own, colour=colour, icon=icon)
    archiving.mark_classroom(principal=teacher, classroom=own, colour="plum", icon="owl")
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.public_id == own)).one()
    assert (row.colour, row.icon) == ("plum", "owl")
