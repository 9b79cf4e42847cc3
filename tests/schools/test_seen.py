"""What was changed since it was seen is written over by nobody, however quick, and at no other school."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, select, text, update

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written, version
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Overtaken
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Student, TeachingRole
from backoffice.schools.services import archiving, classrooms, students
from backoffice.storage.roles import DatabaseRole
from tests.factories.waiting import wait_for_one_behind
from tests.factories.world import SYSTEM, Child, Class, World, add_child

Change = Callable[[Principal, str, str, str], None]
# Each verb: of which row, what it makes of the values that are written, and what they are before.
VERBS: dict[str, tuple[str, Change, tuple[str, ...]]] = {
    "students.correct": (
        "student",
        lambda who, row, new, seen: students.correct_student(
            principal=who, student=row, given_name=new, family_name="Seen", seen=seen
        ),
        ("Sela", "Seen"),
    ),
    "classrooms.rename": (
        "classroom",
        lambda who, row, new, seen: classrooms.rename_classroom(
            principal=who, classroom=row, name=new, seen=seen
        ),
        ("Seen Seals",),
    ),
    "classrooms.mark": (
        "classroom",
        lambda who, row, new, seen: archiving.mark_classroom(
            principal=who, classroom=row, icon=new, colour="plum", seen=seen
        ),
        ("owl", "plum"),
    ),
}
# What is written by one and by another, where it is a name and where it is a picture.
WRITTEN = {"classrooms.mark": ("cat", "fish")}


@pytest.fixture
def child(world: World) -> Iterator[Child]:
    with transaction(SYSTEM) as tx:
        made = add_child(tx, world.own_class, "Sela", "Seen")
        values = {"name": "Seen Seals", "icon": "owl", "colour": "plum"}
        tx.execute(update(Classroom).where(Classroom.id == world.own_class.id).values(**values))
    yield made
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == made.id))


def of(verb: str, child: Child, room: Class) -> str:
    return child.public_id if VERBS[verb][0] == "student" else room.public_id


def entries(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == verb)) or 0


def first_of(verb: str, child: Child, room: Class) -> str | None:
    """The first of the values that the verb writes."""
    with transaction(SYSTEM) as tx:
        if verb == "students.correct":
            return tx.scalar(select(Student.given_name).where(Student.id == child.id))
        row = tx.scalars(select(Classroom).where(Classroom.id == room.id)).one()
        return row.icon if verb == "classrooms.mark" else row.name


@pytest.mark.parametrize("verb", VERBS)
def test_the_second_is_told_and_what_is_sent_twice_is_done_once(
    world: World, child: Child, verb: str
) -> None:
    _kind, change, before = VERBS[verb]
    one, other = WRITTEN.get(verb, ("Mine", "Yours"))
    row, seen, count = of(verb, child, world.own_class), version(*before), entries(verb)
    teacher, colleague = world.sign_in("teacher"), world.sign_in("co_teacher")
    change(teacher, row, one, seen)
    change(teacher, row, one, seen)
    assert entries(verb) == count + 1
    with pytest.raises(Overtaken):
        change(colleague, row, other, seen)
    assert (first_of(verb, child, world.own_class), entries(verb)) == (one, count + 1)
    # Written over what was shown since.
    change(colleague, row, other, version(one, *before[1:]))
    assert (first_of(verb, child, world.own_class), entries(verb)) == (other, count + 2)


@pytest.mark.parametrize("verb", VERBS)
def test_of_another_school_there_is_none_whatever_was_seen(world: World, child: Child, verb: str) -> None:
    _kind, change, before = VERBS[verb]
    new = WRITTEN.get(verb, ("Mine", "Yours"))[0]
    for role in ("outsider", "helper", "founder"):
        with pytest.raises(NotFound):
            change(world.sign_in(role), of(verb, child, world.own_class), new, version(*before))
    assert first_of(verb, child, world.own_class) == before[0]


@pytest.mark.parametrize("verb", VERBS)
def test_whose_right_has_ended_finds_nothing(world: World, child: Child, verb: str) -> None:
    _kind, change, before = VERBS[verb]
    place = (
        TeachingRole.classroom_id == world.own_class.id,
        TeachingRole.account_id == world.people["co_teacher"].id,
    )
    was_one = world.sign_in("co_teacher")
    with transaction(SYSTEM) as tx:
        tx.execute(update(TeachingRole).where(*place).values(role="helper"))
    try:
        with pytest.raises(NotFound):
            change(was_one, of(verb, child, world.own_class), "owl", version(*before))
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(TeachingRole).where(*place).values(role="co_teacher"))


def test_of_two_at_once_one_is_told(world: World, child: Child, runtime: Runtime) -> None:
    """Compared under the lock: whoever waited for it sees what was written meanwhile."""
    with (
        runtime.database.engine(DatabaseRole.OWNER).connect() as first,
        ThreadPoolExecutor() as pool,
    ):
        first.execute(text("select from app.student where id = :id for update"), {"id": child.id})
        writing = pool.submit(
            VERBS["students.correct"][1],
            world.sign_in("teacher"),
            child.public_id,
            "Mine",
            version("Sela", "Seen"),
        )
        wait_for_one_behind(first)
        first.execute(
            update(Student).where(Student.id == child.id).values(given_name="Theirs", name_tokens=[])
        )
        first.commit()
        with pytest.raises(Overtaken):
            writing.result(timeout=10)
    assert first_of("students.correct", child, world.own_class) == "Theirs"


def test_without_what_was_seen_whatever_is_there_is_written_over() -> None:
    assert is_to_be_written(None, now=("a",), wanted=("b",))
    assert version("a", None) == version("a", "") != version("", "a")
