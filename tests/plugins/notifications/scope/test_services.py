"""Whom an incident is about by misused accounts: computed, kept, and computed again."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.problems import Rejected
from backoffice.schools.models import Enrollment, Student, TeachingRole
from plugins.notifications import schools
from plugins.notifications.scope import services
from plugins.notifications.scope.models import AffectedPerson, ScopeSource
from tests.factories.world import SYSTEM, World, add_child
from tests.plugins.notifications.conftest import Opens
from tests.plugins.notifications.test_services import concerned, lines_of


def misuse(world: World, incident: str, role: str = "teacher", by: str = "founder") -> int:
    """Say that somebody's account was misused yesterday."""
    now = clock.now()
    return services.add_account(
        principal=world.sign_in(by),
        incident=incident,
        account=world.people[role].email,
        since=now - timedelta(days=1),
        until=now,
    )


def children() -> set[int | None]:
    with transaction(SYSTEM) as tx:
        some = select(AffectedPerson.student_id).where(AffectedPerson.kind == "student")
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


def test_computing_again_adds_whom_it_finds_and_takes_nobody_out(world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    misuse(world, made)
    before, lines = children(), len(lines_of(made))
    assert services.compute_again(principal=founder, incident=made) == 0
    assert len(lines_of(made)) == lines
    # The school takes the teacher off the class, which is what one does first: who was reached stays reached.
    with transaction(SYSTEM) as tx:
        roles = tx.scalars(
            select(TeachingRole).where(TeachingRole.account_id == world.people["teacher"].id)
        ).all()
        kept = [{c.key: getattr(each, c.key) for c in TeachingRole.__table__.c} for each in roles]
        for each in roles:
            tx.delete(each)
    try:
        assert services.compute_again(principal=founder, incident=made) == 0
        assert children() == before
        assert concerned(made)[0].students == len(before)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(insert(TeachingRole), kept)
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Newt", "Lately")
        joined = clock.now() - timedelta(hours=20)
        tx.execute(update(Enrollment).where(Enrollment.student_id == child.id).values(joined_at=joined))
    assert services.compute_again(principal=founder, incident=made) == 1
    assert children() == {*before, child.id}
    assert concerned(made)[0].students == len(before) + 1
    assert lines_of(made)[-1][1].endswith(": +1 students, 0 staff, 0 parents")


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
        services.add_account(
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
        tx.execute(update(ScopeSource).values(account_id=None))
    assert services.compute_again(principal=world.sign_in("founder"), incident=made) == 0
    assert children() == before


def test_a_school_that_was_left_out_stays_so_until_somebody_comes(world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    misuse(world, made)
    schools.leave_out(principal=founder, school=concerned(made)[0].public_id)
    assert services.compute_again(principal=founder, incident=made) == 0
    assert concerned(made) == []
    misuse(world, made, "leader")
    assert world.home.id in {each.school_id for each in concerned(made)}


def test_it_wants_a_fresh_proof_and_the_trail_says_who_was_asked_for(world: World, opens: Opens) -> None:
    made = opens()
    misuse(world, made)
    with pytest.raises(Rejected):
        misuse(world, made, "parent")
    with transaction(SYSTEM) as tx:
        newest = (
            select(AuditDetail.detail)
            .join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
            .where(AuditEntry.verb == "incidents.add-scope-source")
            .order_by(AuditEntry.id.desc())
            .limit(2)
        )
        missed, found = tx.scalars(newest)
    assert (missed["account"], found["account"]) == (None, world.people["teacher"].id)
    stale = world.sign_in("founder")
    with transaction(SYSTEM) as tx:
        late = clock.now() - proof.LASTS - timedelta(seconds=1)
        tx.execute(update(AccountSession).where(AccountSession.id == stale.session_id).values(proven_at=late))
    with pytest.raises(proof.ProofNeeded):
        services.compute_again(principal=stale, incident=made)
    with pytest.raises(proof.ProofNeeded):
        services.add_account(
            principal=stale, incident=made, account="somebody", since=late, until=clock.now()
        )


def test_without_a_time_nothing_is_computed(world: World, opens: Opens) -> None:
    made = opens()
    with pytest.raises(Rejected) as refused:
        services.add_account(
            principal=world.sign_in("founder"), incident=made, account="x", since=None, until=None
        )
    assert set(refused.value.fields) == {"since", "until"}


def test_nobody_reads_the_set_and_others_find_no_incident(world: World, opens: Opens) -> None:
    made = opens()
    for role in ("leader", "teacher", "officer"):
        with pytest.raises(NotFound):
            misuse(world, made, by=role)
    misuse(world, made)
    for table in (ScopeSource, AffectedPerson):
        with pytest.raises(DBAPIError), transaction(world.sign_in("founder")) as tx:
            tx.scalar(select(func.count()).select_from(table))
    with pytest.raises(Rejected):
        misuse(world, made, "parent")
