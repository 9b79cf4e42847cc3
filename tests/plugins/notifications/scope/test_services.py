"""Whom an incident is about by misused accounts: computed, kept, and computed again."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from backoffice.schools.models import Enrollment, Student
from plugins.notifications import schools
from plugins.notifications.scope import services
from plugins.notifications.scope.models import AffectedPerson, Misuse
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens
from tests.plugins.notifications.test_services import concerned, lines_of


def misuse(world: World, incident: str, role: str = "teacher", by: str = "founder") -> int:
    """Say that somebody's account was misused yesterday."""
    now = clock.now()
    return services.add_misuse(
        principal=world.sign_in(by),
        incident=incident,
        account=world.people[role].email,
        since=now - timedelta(days=1),
        until=now,
    )


def children() -> set[int | None]:
    with transaction(SYSTEM) as tx:
        some = select(AffectedPerson.student_id).where(
            AffectedPerson.kind == "student", AffectedPerson.removed_at.is_(None)
        )
        return set(tx.scalars(some))


def test_a_teacher_reaches_the_own_class_and_nobody_else(world: World, opens: Opens) -> None:
    made = opens()
    assert misuse(world, made) == 1
    with transaction(SYSTEM) as tx:
        own = select(Enrollment.student_id).where(
            Enrollment.classroom_id == world.own_class.id, Enrollment.ended_at.is_(None)
        )
        expected = set(tx.scalars(own))
    assert expected
    assert children() == expected
    (school,) = concerned(made)
    assert (school.school_id, school.students) == (world.home.id, len(expected))


def test_a_leader_reaches_the_schools_of_the_district_alone(world: World, opens: Opens) -> None:
    made = opens()
    misuse(world, made, "leader")
    assert {each.school_id for each in concerned(made)} == {world.home.id, world.elsewhere.id}
    with transaction(SYSTEM) as tx:
        outside = set(tx.scalars(select(Student.id).where(Student.school_id == world.outside.id)))
    assert outside
    assert not outside & children()


def test_computing_again_tells_the_difference(world: World, opens: Opens) -> None:
    made = opens()
    misuse(world, made)
    before, lines = children(), len(lines_of(made))
    assert services.compute_again(principal=world.sign_in("founder"), incident=made) == 0
    assert len(lines_of(made)) == lines
    one = (Enrollment.classroom_id == world.own_class.id, Enrollment.student_id == min(before, key=str))
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(*one).values(ended_at=clock.now() - timedelta(days=2)))
    try:
        assert services.compute_again(principal=world.sign_in("founder"), incident=made) == 1
        assert "; 1 students" in lines_of(made)[-1][1]
        assert concerned(made)[0].students == len(before) - 1
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Enrollment).where(*one).values(ended_at=None))


def test_who_left_during_the_time_counts_and_who_came_after_it_does_not(world: World, opens: Opens) -> None:
    made, now = opens(), clock.now()
    first, *_rest = sorted(each.id for each in world.own_class.children)
    mine = (Enrollment.classroom_id == world.own_class.id, Enrollment.student_id == first)
    with transaction(SYSTEM) as tx:
        joined = tx.scalars(select(Enrollment.joined_at).where(*mine)).one()
        tx.execute(update(Enrollment).where(*mine).values(ended_at=now - timedelta(hours=1)))
    try:
        misuse(world, made)
        assert first in children()
        other = opens()
        services.add_misuse(
            principal=world.sign_in("founder"),
            incident=other,
            account=world.people["teacher"].email,
            since=joined - timedelta(days=9),
            until=joined - timedelta(days=8),
        )
        assert concerned(other) == [] or concerned(other)[0].students == 0
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Enrollment).where(*mine).values(ended_at=None))


def test_who_was_found_stays_when_the_misused_account_is_gone(world: World, opens: Opens) -> None:
    made = opens()
    misuse(world, made)
    before = children()
    with transaction(SYSTEM) as tx:
        # As erasing it leaves the row.
        tx.execute(update(Misuse).values(account_id=None))
    assert services.compute_again(principal=world.sign_in("founder"), incident=made) == 0
    assert children() == before


def test_a_school_that_was_left_out_stays_so_until_somebody_comes(world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    misuse(world, made)
    schools.leave_out(principal=founder, school=concerned(made)[0].public_id)
    gone = min(children(), key=str)
    one = (Enrollment.classroom_id == world.own_class.id, Enrollment.student_id == gone)
    for ended, left_out in ((clock.now() - timedelta(days=2), True), (None, False)):
        with transaction(SYSTEM) as tx:
            tx.execute(update(Enrollment).where(*one).values(ended_at=ended))
        assert services.compute_again(principal=founder, incident=made) == 1
        assert bool(concerned(made)) != left_out


def test_nobody_reads_the_set_and_others_find_no_incident(world: World, opens: Opens) -> None:
    made = opens()
    for role in ("leader", "teacher", "officer"):
        with pytest.raises(NotFound):
            misuse(world, made, by=role)
    misuse(world, made)
    for table in (Misuse, AffectedPerson):
        with pytest.raises(DBAPIError), transaction(world.sign_in("founder")) as tx:
            tx.scalar(select(func.count()).select_from(table))
    with pytest.raises(Rejected):
        misuse(world, made, "parent")
