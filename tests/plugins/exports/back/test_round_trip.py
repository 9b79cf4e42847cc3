"""What is taken along can be brought back: export, fresh school, import, export, and both are the same."""

import pytest
from sqlalchemy import func, select

from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from backoffice.schools.award_models import PointAward
from backoffice.schools.models import Classroom, Enrollment, PointEntry, Student, TeachingRole
from backoffice.schools.services import points
from plugins.exports.back.taken import FIELDS_NOT_TAKEN_IN, KINDS, NOT_TAKEN_IN
from plugins.exports.content import Scope
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.back.places import (
    Place,
    add_fields,
    bring_in,
    content_of,
    counts_of,
    empty,
    filled,
)
from tests.plugins.exports.content.conftest import opened

SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_school_comes_back_as_it_was(world: World, seed: int) -> None:
    before = opened(filled(world, seed, "leader").scope)
    into = empty(world, "leader")
    counts = bring_in(before.packed, into)
    after = opened(into.scope)
    assert content_of(after) == content_of(before)
    assert counts == {kind: before.manifest.counts.get(kind, 0) for kind in KINDS}
    assert all(counts.values())
    # Of what else it had there is a sentence why it does not come back.
    assert before.manifest.counts.keys() <= {*KINDS, *NOT_TAKEN_IN}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_teachers_class_comes_back_as_it_was(world: World, seed: int) -> None:
    of = filled(world, seed)
    with transaction(SYSTEM) as tx:
        room = tx.scalars(
            select(Classroom).where(Classroom.school_id == of.id).order_by(Classroom.id).limit(1)
        ).one()
        scope = Scope(Subject.CLASSROOM, room.id, room.public_id)
    before, into = opened(scope), empty(world)
    # Whoever only teaches makes no fields.
    add_fields(into)
    bring_in(before.packed, into)
    with transaction(into.who) as tx:
        room = tx.scalars(select(Classroom).where(Classroom.school_id == into.id)).one()
        scope = Scope(Subject.CLASSROOM, room.id, room.public_id)
    after = opened(scope)
    # Of a child that is of other classes too, the export of one has the name alone.
    but = ("students.created_at",)
    assert content_of(after, but=but) == content_of(before, but=but)


def test_a_students_own_comes_back(world: World) -> None:
    child = world.own_class.children[0]
    before = opened(Scope(Subject.STUDENT, child.id, child.public_id))
    into = empty(world)
    counts = bring_in(before.packed, into)
    assert counts["students"] == counts["classrooms"] == counts["enrollments"] == 1
    with transaction(into.who) as tx:
        row = tx.scalars(select(Student).where(Student.school_id == into.id)).one()
        entry = tx.scalars(select(PointEntry).where(PointEntry.school_id == into.id)).one()
    assert (row.given_name, row.family_name) == (child.given, child.family)
    assert (entry.value, entry.comment, entry.award_id) == (2, f"Comment about {child.family}", None)


def test_sums_hold_and_go_on(world: World) -> None:
    into = empty(world)
    bring_in(opened(filled(world, 1).scope).packed, into)
    with transaction(into.who) as tx:
        sums = (
            select(PointEntry.classroom_id, PointEntry.student_id, func.sum(PointEntry.value))
            .where(PointEntry.school_id == into.id)
            .group_by(PointEntry.classroom_id, PointEntry.student_id)
        )
        added = {(room, child): total for room, child, total in tx.execute(sums)}
        seats = tx.scalars(select(Enrollment).where(Enrollment.school_id == into.id)).all()
        assert {(each.classroom_id, each.student_id): each.balance for each in seats if each.balance} == {
            seat: total for seat, total in added.items() if total
        }
        award = _award_to_undo(into)
    room, number, before = award
    points.undo_award(principal=into.who, classroom=room, award=number)
    assert _total(into) != before


def _award_to_undo(into: Place) -> tuple[str, str, int]:
    with transaction(into.who) as tx:
        found = tx.execute(
            select(Classroom.public_id, PointAward.public_id)
            .join(Classroom, Classroom.id == PointAward.classroom_id)
            .where(
                PointAward.school_id == into.id,
                PointAward.undone_at.is_(None),
                Classroom.archived_at.is_(None),
            )
            .limit(1)
        ).one()
    return found[0], found[1], _total(into)


def _total(into: Place) -> int:
    with transaction(into.who) as tx:
        balance = select(func.sum(Enrollment.balance)).where(Enrollment.school_id == into.id)
        return tx.scalar(balance) or 0


def test_whoever_brings_it_in_owns_it_and_everything_has_a_new_name(world: World) -> None:
    of = filled(world, 2, "leader")
    before, into = opened(of.scope), empty(world, "leader")
    bring_in(before.packed, into)
    after = opened(into.scope)
    for kind in ("classrooms", "students", "custom-fields", "actions", "point-awards"):
        named = {row["public_id"] for row in before.rows(kind)}
        assert named.isdisjoint({row["public_id"] for row in after.rows(kind)})
    with transaction(SYSTEM) as tx:
        owners = tx.execute(
            select(TeachingRole.account_id, TeachingRole.role).where(TeachingRole.school_id == into.id)
        ).all()
        rooms = tx.scalar(select(func.count()).select_from(Classroom).where(Classroom.school_id == into.id))
    assert {tuple(each) for each in owners} == {(world.people["leader"].id, "owner")}
    assert len(owners) == rooms
    assert counts_of(of) == counts_of(into)


def test_a_live_class_has_a_code_of_its_own_and_an_archived_one_none(world: World) -> None:
    into = empty(world)
    bring_in(opened(filled(world, 3).scope).packed, into)
    after = opened(into.scope)
    live = {row["public_id"] for row in after.rows("classrooms") if row["archived_at"] is None}
    assert {row["classroom"] for row in after.rows("classroom-codes")} == live


def test_every_reason_is_a_sentence() -> None:
    assert all(str(each).endswith(".") for each in (*NOT_TAKEN_IN.values(), *FIELDS_NOT_TAKEN_IN.values()))
