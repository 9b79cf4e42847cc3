"""Whoever changes a class and whoever merges its students lock in one order: class, students, places."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from backoffice.access.lookup import NotFound
from backoffice.access.seen import version
from backoffice.runtime import Runtime
from backoffice.schools.services import merging
from backoffice.schools.services.class_list import ClassList, Rewritten, save_class_list
from backoffice.storage.roles import DatabaseRole
from tests.factories.waiting import wait_for_one_behind
from tests.factories.world import Child, World

CLASS = "select from app.classroom where id = :room for update nowait"
STUDENTS = "select from app.student where id = any (:children) order by id for update nowait"
PLACES = "select from app.enrollment where student_id = any (:children) for update nowait"


@pytest.fixture
def first(runtime: Runtime) -> Iterator[Connection]:
    """Whoever came first, step by step. It never commits, and never waits: what is held it notices."""
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        yield connection


def of(world: World) -> dict[str, object]:
    return {"room": world.own_class.id, "children": [each.id for each in world.own_class.children]}


def renamed(child: Child) -> ClassList:
    seen = version(child.given, child.family)
    return ClassList(
        names={child.public_id: Rewritten(child.given, "Newname", seen)},
        aliases={child.public_id: "Captain"},
    )


def test_the_list_of_a_class_holds_no_place_while_it_waits_for_a_student(
    world: World, first: Connection
) -> None:
    """As one who merges: it has the students, and will want their places."""
    child, teacher = world.own_class.children[0], world.sign_in("teacher")
    before = ClassList(names={child.public_id: Rewritten(child.given, child.family or "", "")})
    with ThreadPoolExecutor() as threads:
        first.execute(text(STUDENTS), of(world))
        saving = threads.submit(
            save_class_list, principal=teacher, classroom=world.own_class.public_id, wanted=renamed(child)
        )
        wait_for_one_behind(first)
        try:
            first.execute(text(PLACES), of(world))
        finally:
            first.rollback()
        saved = saving.result(timeout=10)
    assert (saved.names, saved.aliases) == (1, 1)
    seen = version(child.given, "Newname")
    again = ClassList(
        names={each: Rewritten(name.given, name.family, seen) for each, name in before.names.items()},
        aliases={child.public_id: ""},
    )
    save_class_list(principal=teacher, classroom=world.own_class.public_id, wanted=again)


def test_merging_holds_no_student_while_it_waits_for_a_class(world: World, first: Connection) -> None:
    """As the list of a class: it has the class, and will want the students."""
    leader, (stays, goes) = world.sign_in("leader"), world.own_class.children[:2]
    looked = merging.preview_merge(principal=leader, keeper=stays.public_id, merged=goes.public_id)
    with ThreadPoolExecutor() as threads:
        first.execute(text(CLASS), of(world))
        merged = threads.submit(
            merging.merge_students,
            principal=leader,
            keeper=stays.public_id,
            merged=goes.public_id,
            seen=looked.seen,
        )
        wait_for_one_behind(first)
        try:
            first.execute(text(STUDENTS), of(world))
            first.execute(text(PLACES), of(world))
        finally:
            first.rollback()
        merged.result(timeout=10)
    # They are one in the end.
    with pytest.raises(NotFound):
        merging.preview_merge(principal=leader, keeper=stays.public_id, merged=goes.public_id)
