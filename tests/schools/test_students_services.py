"""Adding, correcting and moving students."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment, Student
from backoffice.schools.services import rosters, students
from backoffice.schools.services.changes import NOTHING, UNDONE_WITHIN
from backoffice.schools.services.rosters import ANOTHER, LARGEST_LIST, Added
from backoffice.schools.services.students import Left
from backoffice.storage import functions
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, World


def test_a_pasted_list_becomes_students(world: World) -> None:
    teacher = world.sign_in("teacher")
    text = "1. Ada Lovelace\nTuring, Alan\n\nGrace\tHopper\nWilhelmina Quartermaine\n@@@"
    states = [
        line.state
        for line in rosters.preview_names(principal=teacher, classroom=world.own_class.public_id, text=text)
    ]
    assert states == ["new", "new", "new", "same", "problem"]
    added = rosters.add_students(principal=teacher, classroom=world.own_class.public_id, text=text)
    assert added == Added(3, 0, left_out=("@@@",))
    with transaction(SYSTEM) as tx:
        names = {(s.given_name, s.family_name) for s in tx.scalars(select(Student))}
        assert {("Ada", "Lovelace"), ("Alan", "Turing"), ("Grace", "Hopper")} <= names
        assert tx.scalar(select(func.count()).where(AuditEntry.verb == "students.add")) == 1


def test_a_long_list_asks_as_much_as_a_short_one(runtime: Runtime, world: World) -> None:
    teacher, own = world.sign_in("teacher"), world.own_class.public_id
    asked = []
    for many in (1, 28, LARGEST_LIST):
        text = "\n".join(f"Listed{number} Of{many}" for number in range(many))
        with statements(runtime) as noted:
            added = rosters.add_students(principal=teacher, classroom=own, text=text)
        assert added == Added(many, 0)
        asked.append(len(noted))
    assert len(set(asked)) == 1
    with transaction(SYSTEM) as tx:
        made = [s for s in tx.scalars(select(Student)) if (s.family_name or "").startswith("Of")]
        assert len({s.public_id for s in made}) == len(made) == 1 + 28 + LARGEST_LIST
        newest = select(AuditDetail).order_by(AuditDetail.entry_id.desc()).limit(1)
        detail = tx.scalars(newest).one().detail
    assert detail["count"] == LARGEST_LIST


def test_the_same_list_twice_adds_nobody(world: World) -> None:
    teacher = world.sign_in("teacher")
    text = "Katherine Johnson\nMary Jackson"
    own = world.own_class.public_id
    assert rosters.add_students(principal=teacher, classroom=own, text=text) == Added(2, 0)
    assert rosters.add_students(principal=teacher, classroom=own, text=text.upper()) == Added(0, 0)


def test_a_name_that_stands_twice_is_one_child_unless_somebody_says_otherwise(world: World) -> None:
    teacher, own = world.sign_in("teacher"), world.own_class.public_id
    text = "Percival Twinname\nTwinname, Percival\nWilhelmina Quartermaine"
    lines = rosters.preview_names(principal=teacher, classroom=own, text=text)
    assert [(line.state, line.note) for line in lines] == [
        ("new", None),
        ("twice", "The same as line 1."),
        ("same", "Stays as it is."),
    ]
    assert [line.may_be_another for line in lines] == [False, True, True]
    assert rosters.add_students(principal=teacher, classroom=own, text=text, answers={2: ANOTHER}) == Added(
        2, 0
    )
    with transaction(SYSTEM) as tx:
        twins = [each.id for each in tx.scalars(select(Student)) if each.given_name == "Percival"]
        avatars = tx.scalars(select(Enrollment.avatar).where(Enrollment.student_id.in_(twins))).all()
    assert (len(twins), len(set(avatars))) == (2, 2)


def listed(world: World) -> list[tuple[str, int]]:
    """Given names and points of the class."""
    statement = (
        select(Student.given_name, Enrollment.balance)
        .join(Enrollment, Enrollment.student_id == Student.id)
        .where(Enrollment.classroom_id == world.own_class.id, Enrollment.ended_at.is_(None))
    )
    with transaction(SYSTEM) as tx:
        return [(given, balance) for given, balance in tx.execute(statement)]


@pytest.fixture
def left(world: World) -> Left:
    """A child with points has been taken out of the class."""
    return students.end_enrollments(
        principal=world.sign_in("teacher"),
        classroom=world.own_class.public_id,
        students=[world.own_class.children[0].public_id],
    )


def test_who_left_by_mistake_is_brought_back(world: World, left: Left) -> None:
    assert (left.count, "Wilhelmina" in dict(listed(world))) == (1, False)
    back = students.resume_enrollments(
        principal=world.sign_in("teacher"), classroom=world.own_class.public_id, left_at=left.at
    )
    assert (back, dict(listed(world))["Wilhelmina"]) == (1, 2)
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all()
    assert [verb for verb in verbs if verb in ("students.resume", "students.unenroll")][-2:] == [
        "students.unenroll",
        "students.resume",
    ]


def test_undoing_brings_back_nobody_who_left_at_another_time(world: World, left: Left) -> None:
    def resume(at: datetime) -> int:
        return students.resume_enrollments(
            principal=world.sign_in("teacher"), classroom=world.own_class.public_id, left_at=at
        )

    assert resume(left.at + timedelta(microseconds=1)) == 0
    assert "Wilhelmina" not in dict(listed(world))
    assert resume(left.at) == 1


def test_after_a_day_nobody_is_brought_back(world: World, left: Left) -> None:
    own = world.own_class.public_id
    with time_machine.travel(left.at + UNDONE_WITHIN, tick=False), pytest.raises(Rejected, match=NOTHING):
        students.resume_enrollments(principal=world.sign_in("teacher"), classroom=own, left_at=left.at)
    assert "Wilhelmina" not in dict(listed(world))
    students.resume_enrollments(principal=world.sign_in("teacher"), classroom=own, left_at=left.at)


@pytest.mark.parametrize("role", ["outsider", "colleague", "helper", "founder", "parent"])
def test_nobody_else_brings_somebody_back(world: World, left: Left, role: str) -> None:
    with pytest.raises(NotFound):
        students.resume_enrollments(
            principal=world.sign_in(role), classroom=world.own_class.public_id, left_at=left.at
        )
    students.resume_enrollments(
        principal=world.sign_in("leader"), classroom=world.own_class.public_id, left_at=left.at
    )


def test_a_pasted_name_comes_back_with_its_points(world: World, left: Left) -> None:
    teacher, own = world.sign_in("teacher"), world.own_class.public_id
    text = "QUARTERMAINE, wilhelmina\nWilhelmina Quartermaine"
    lines = rosters.preview_names(principal=teacher, classroom=own, text=text)
    assert [line.state for line in lines] == ["back", "twice"]
    assert rosters.add_students(principal=teacher, classroom=own, text=text) == Added(0, 1)
    assert [points for given, points in listed(world) if given == "Wilhelmina"] == [2]


def test_a_namesake_of_who_left_can_be_another_child(world: World, left: Left) -> None:
    teacher, own = world.sign_in("teacher"), world.own_class.public_id
    text = "Wilhelmina Quartermaine"
    assert rosters.add_students(principal=teacher, classroom=own, text=text, answers={1: ANOTHER}) == Added(
        1, 0
    )
    assert [points for given, points in listed(world) if given == "Wilhelmina"] == [0]
    students.resume_enrollments(principal=teacher, classroom=own, left_at=left.at)


@pytest.mark.parametrize("role", ["outsider", "elsewhere", "colleague", "officer", "founder", "parent"])
def test_nobody_else_learns_who_left(world: World, left: Left, role: str) -> None:
    classroom = world.own_class
    with transaction(world.sign_in(role)) as tx:
        assert functions.who_left(tx, school_id=classroom.school_id, classrooms=[classroom.id]) == []
    with transaction(world.sign_in("teacher")) as tx:
        assert functions.who_left(tx, school_id=classroom.school_id, classrooms=[classroom.id])
    students.resume_enrollments(
        principal=world.sign_in("teacher"), classroom=classroom.public_id, left_at=left.at
    )


@pytest.mark.parametrize(
    "role", ["outsider", "elsewhere", "colleague", "helper", "officer", "founder", "parent"]
)
def test_nobody_else_adds_to_the_class(world: World, role: str) -> None:
    with pytest.raises(NotFound):
        rosters.add_students(
            principal=world.sign_in(role),
            classroom=world.own_class.public_id,
            text="Mallory Intruder",
        )


def test_a_foreign_student_does_not_leave_a_class(world: World) -> None:
    foreign = world.foreign_class.children[0].public_id
    left = students.end_enrollments(
        principal=world.sign_in("teacher"), classroom=world.own_class.public_id, students=[foreign]
    )
    assert left.count == 0
    with transaction(SYSTEM) as tx:
        ended = select(func.count()).select_from(Enrollment).where(Enrollment.ended_at.is_not(None))
        assert tx.scalar(ended) == 0


def test_a_name_needs_letters(world: World) -> None:
    with pytest.raises(Rejected):
        students.correct_student(
            principal=world.sign_in("teacher"),
            student=world.own_class.children[0].public_id,
            given_name=" 12 ",
            family_name="",
        )
