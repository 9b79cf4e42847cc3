"""Undoing a change of names: of one student, or of all names on one page."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, text, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.seen import version
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.roster_models import RosterChangeStudent
from backoffice.schools.services import changes, classrooms, rosters, students
from backoffice.schools.services.changes import NAMES_CHANGED, NOTHING, UNDONE_WITHIN, undo_last_change
from backoffice.schools.services.class_list import ClassList, Rewritten, save_class_list
from backoffice.storage.roles import DatabaseRole
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

BEFORE = ("Ada Lovelace", "Alan Turing", "Grace Hopper")


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


@pytest.fixture
def room(world: World, teacher: Principal) -> Iterator[str]:
    """A class of three; afterwards they are gone."""
    made = classrooms.create_classroom(principal=teacher, school=world.home.public_id, name="Undone Urchins")
    rosters.add_students(principal=teacher, classroom=made, text="\n".join(BEFORE))
    yield made
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id.in_([each.id for each in of(made).values()])))


def of(room: str) -> dict[str, Student]:
    """The students of the class by name."""
    with transaction(SYSTEM) as tx:
        here = (
            select(Enrollment.student_id)
            .join(Classroom, Classroom.id == Enrollment.classroom_id)
            .where(Classroom.public_id == room, Enrollment.ended_at.is_(None))
        )
        found = tx.scalars(select(Student).where(Student.id.in_(here))).all()
        return {f"{each.given_name} {each.family_name or ''}".strip(): each for each in found}


def rewrite(who: Principal, room: str, written: Mapping[str, str]) -> None:
    """Save the page of all names with some of them changed."""
    wanted = {}
    for name, student in of(room).items():
        given, _, family = written.get(name, name).partition(" ")
        seen = version(student.given_name, student.family_name)
        wanted[student.public_id] = Rewritten(given, family, seen)
    save_class_list(principal=who, classroom=room, wanted=ClassList(names=wanted))


def test_all_names_of_a_page_are_put_back_together(room: str, teacher: Principal) -> None:
    rewrite(teacher, room, {"Ada Lovelace": "Augusta King", "Grace Hopper": "Grace"})
    assert set(of(room)) == {"Augusta King", "Alan Turing", "Grace"}
    undone = undo_last_change(principal=teacher, classroom=room)
    assert (undone.kind, undone.count) == ("rename", 2)
    back = of(room)
    assert set(back) == set(BEFORE)
    ada = back["Ada Lovelace"]
    # Found by the old name, and by the new one no more.
    assert names.token("lovelace", school_id=ada.school_id) in ada.name_tokens
    assert names.token("king", school_id=ada.school_id) not in ada.name_tokens
    with pytest.raises(Rejected, match=NOTHING[:20]):
        undo_last_change(principal=teacher, classroom=room)


def test_a_name_that_somebody_else_changed_since_is_not_overwritten(
    room: str, teacher: Principal, world: World
) -> None:
    rewrite(teacher, room, {"Ada Lovelace": "Augusta King", "Alan Turing": "Al Turing"})
    student = of(room)["Al Turing"].public_id
    # Outside a class nothing of it is noted there.
    students.correct_student(
        principal=world.sign_in("leader"), student=student, given_name="Alfred", family_name="Turing"
    )
    with pytest.raises(Rejected, match=NAMES_CHANGED[:20]):
        undo_last_change(principal=teacher, classroom=room)
    assert set(of(room)) == {"Augusta King", "Alfred Turing", "Grace Hopper"}


def test_whoever_is_not_to_be_seen_any_more_keeps_the_others_as_they_are(
    room: str, teacher: Principal
) -> None:
    rewrite(teacher, room, {"Ada Lovelace": "Augusta King", "Alan Turing": "Al Turing"})
    gone = of(room)["Al Turing"].id
    # As a list of another system ends a place: nothing of it is noted with the class.
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.student_id == gone).values(ended_at=clock.now()))
    with pytest.raises(Rejected, match=NAMES_CHANGED[:20]):
        undo_last_change(principal=teacher, classroom=room)
    assert set(of(room)) == {"Augusta King", "Grace Hopper"}
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == gone))


def test_nothing_changed_keeps_what_was_last(room: str, teacher: Principal) -> None:
    rewrite(teacher, room, {})
    student = of(room)["Ada Lovelace"].public_id
    students.correct_student(
        principal=teacher, student=student, given_name="Ada", family_name="Lovelace", classroom=room
    )
    assert undo_last_change(principal=teacher, classroom=room).kind == "add"


def test_a_class_that_the_child_is_not_in_notes_nothing(room: str, teacher: Principal, world: World) -> None:
    student = of(room)["Ada Lovelace"].public_id
    students.correct_student(
        principal=teacher,
        student=student,
        given_name="Ida",
        family_name=None,
        classroom=world.own_class.public_id,
    )
    assert undo_last_change(principal=teacher, classroom=room).kind == "add"


def test_what_is_kept_holds_no_name_and_goes_after_a_day_and_with_the_child(
    room: str, teacher: Principal, runtime: Runtime
) -> None:
    rewrite(teacher, room, {"Ada Lovelace": "Augusta King", "Alan Turing": "Al Turing"})
    with runtime.database.engine(DatabaseRole.OWNER).connect() as owner:
        raw = owner.execute(text("select * from app.roster_change_student where how = 'renamed'")).all()
    assert len(raw) == 2
    # Numbers alone: the names are kept, sealed, with the students (tests/changes).
    assert not [each for each in raw if "Lovelace" in str(each) or "King" in str(each)]
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == of(room)["Al Turing"].id))
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(Classroom.id).where(Classroom.public_id == room))
        kept = select(RosterChangeStudent.student_id).where(RosterChangeStudent.classroom_id == number)
        assert len(tx.scalars(kept).all()) == 1
    for late, left in ((timedelta(minutes=-1), 1), (timedelta(0), 0)):
        with time_machine.travel(clock.now() + UNDONE_WITHIN + late):
            changes.forget_old_changes(Purpose("test"))
        with transaction(SYSTEM) as tx:
            assert len(tx.scalars(kept).all()) == left


def test_the_page_of_a_student_is_undone_on_the_page_of_the_class(
    app: Flask, world: World, room: str
) -> None:
    browser, student = signed_in(app, world, "teacher"), of(room)["Grace Hopper"].public_id
    edit = f"/console/students/{student}/edit?classroom={room}"
    assert send(browser, edit, {"given_name": "Grace", "family_name": "Murray"}).status_code == 303
    own = f"/console/classrooms/{room}"
    shown = browser.get(own).text
    assert "1 name was corrected." in shown
    assert "Undone, it is written as before." in shown
    assert send(browser, f"{own}/undo-last", {}, page=own).status_code == 303
    shown = browser.get(own).text
    assert ("Undone. The names are what they were before." in shown, "Murray" in shown) == (True, False)
    assert set(of(room)) == set(BEFORE)
