"""Archiving many classes at once."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, ClassroomCode, Door
from backoffice.schools.services import archiving
from tests.factories.statements import statements
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World, add_classroom


def rooms(world: World, many: int) -> list[tuple[int, str]]:
    with transaction(SYSTEM) as tx:
        return [add_classroom(tx, world.elsewhere, f"Ended Egrets {n}") for n in range(many)]


def test_many_classes_end_by_statements_that_stay_the_same(runtime: Runtime, world: World) -> None:
    leader, counts = world.sign_in("leader"), []
    for many in (2, 12):
        made = rooms(world, many)
        with statements(runtime) as asked:
            public_ids = [public_id for _, public_id in made]
            assert archiving.archive_classrooms(principal=leader, classrooms=public_ids) == many
        counts.append(len(asked))
        numbers = [number for number, _ in made]
        with transaction(SYSTEM) as tx:
            kept = tx.scalars(select(Classroom).where(Classroom.id.in_(numbers))).all()
            live = select(func.count()).where(
                ClassroomCode.classroom_id.in_(numbers), ClassroomCode.ended_at.is_(None)
            )
            assert {(room.archived_at is not None, room.door) for room in kept} == {(True, Door.CLOSED)}
            assert tx.scalar(live) == 0
    assert counts[0] == counts[1]


def test_of_another_school_none_is_archived_and_of_two_schools_each_notes_it(world: World) -> None:
    ((_, own),) = rooms(world, 1)
    with transaction(SYSTEM) as tx:
        near = add_classroom(tx, world.home, "Ended Egrets near")[1]
        noted = select(func.count()).where(AuditEntry.verb == "classrooms.archive-many")
        before = tx.scalar(noted) or 0
    foreign = world.foreign_class.public_id
    archived = archiving.archive_classrooms(
        principal=world.sign_in("leader"), classrooms=[own, near, foreign, "nonsense"]
    )
    with transaction(SYSTEM) as tx:
        left = tx.scalar(select(Classroom.archived_at).where(Classroom.public_id == foreign))
        assert (archived, left, tx.scalar(noted)) == (2, None, before + 2)
    with pytest.raises(Denied):
        archiving.archive_classrooms(principal=world.sign_in("founder"), classrooms=[own])


def test_the_question_says_who_sits_in_them(app: Flask, world: World) -> None:
    leader, room = signed_in(app, world, "leader"), world.colleague_class
    fields = {"action": "archive", "rowid": room.public_id}
    page = send(leader, "/console/classrooms/", fields).text
    assert f"{room.name} will be archived." in page
    assert f"{len(room.children)} students have a place in them." in page
    # What is archived is not archived again.
    assert 'value="archive"' in leader.get("/console/classrooms/").text
    assert 'value="archive"' not in leader.get("/console/classrooms/?archived=yes").text
