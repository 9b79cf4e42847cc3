"""Adding, correcting and moving students."""

import pytest
from sqlalchemy import func, select

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.schools.models import Enrollment, Student
from backoffice.schools.services import students
from tests.factories.world import SYSTEM, World


def test_a_pasted_list_becomes_students(world: World) -> None:
    teacher = world.sign_in("teacher")
    text = "1. Ada Lovelace\nTuring, Alan\n\nGrace\tHopper\nWilhelmina Quartermaine\n@@@"
    states = [
        line.state
        for line in students.preview_names(principal=teacher, classroom=world.own_class.public_id, text=text)
    ]
    assert states == ["new", "new", "new", "same", "problem"]
    added = students.add_students(principal=teacher, classroom=world.own_class.public_id, text=text)
    assert added == 3
    with transaction(SYSTEM) as tx:
        names = {(s.given_name, s.family_name) for s in tx.scalars(select(Student))}
        assert {("Ada", "Lovelace"), ("Alan", "Turing"), ("Grace", "Hopper")} <= names
        assert tx.scalar(select(func.count()).where(AuditEntry.verb == "students.add")) == 1


def test_the_same_list_twice_adds_nobody(world: World) -> None:
    teacher = world.sign_in("teacher")
    text = "Katherine Johnson\nMary Jackson"
    own = world.own_class.public_id
    assert students.add_students(principal=teacher, classroom=own, text=text) == 2
    assert students.add_students(principal=teacher, classroom=own, text=text.upper()) == 0


@pytest.mark.parametrize(
    "role", ["outsider", "elsewhere", "colleague", "helper", "officer", "founder", "parent"]
)
def test_nobody_else_adds_to_the_class(world: World, role: str) -> None:
    with pytest.raises(NotFound):
        students.add_students(
            principal=world.sign_in(role),
            classroom=world.own_class.public_id,
            text="Mallory Intruder",
        )


def test_a_foreign_student_does_not_leave_a_class(world: World) -> None:
    foreign = world.foreign_class.children[0].public_id
    left = students.end_enrollments(
        principal=world.sign_in("teacher"), classroom=world.own_class.public_id, students=[foreign]
    )
    assert left == 0
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
