"""Erasing on the web: asked for, looked at, confirmed by name and a fresh proof, carried out by a worker."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.jobs.models import JobRun
from backoffice.privacy.erasure import asking
from backoffice.privacy.erasure.asking import ask_to_erase, confirm_erasure, leave_erasure, look
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment, Student, TeachingRole
from tests.contract.snapshot import Snapshots, snapshots
from tests.factories.world import SYSTEM, World

WHO = Purpose("test-asking")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture(autouse=True)
def _as_it_was(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    del world
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken
        taken.settle()


def row(public_id: str) -> Erasure:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Erasure).where(Erasure.public_id == public_id)).one()


def looked_at(eraser: Eraser, who: Principal, subject: Subject, public_id: str) -> str:
    asked = ask_to_erase(principal=who, subject=subject, public_id=public_id)
    assert look(eraser, number=row(asked).id)
    return asked


def proven(world: World, role: str) -> Principal:
    who = world.sign_in(role)
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == who.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    return who


def test_from_the_question_to_the_receipt(world: World, eraser: Eraser) -> None:
    teacher, child = proven(world, "teacher"), world.own_class.children[0]
    asked = ask_to_erase(principal=teacher, subject=Subject.STUDENT, public_id=child.public_id)
    assert (row(asked).stage, row(asked).asked_as) == (Stage.LOOKING, AskedAs.TEACHER)
    with transaction(SYSTEM) as tx:
        assert asking.LOOK in tx.scalars(select(JobRun.job)).all()
    assert look(eraser, number=row(asked).id)
    found = row(asked).found
    assert found is not None
    assert found["title"] == "Wilhelmina Quartermaine"
    assert found["subjects"] == {"student": 1}
    assert found["rows"]["app.enrollment"] == 1
    assert found["classes"] == [world.own_class.name]
    confirm_erasure(principal=teacher, erasure=asked, typed=" wilhelmina  QUARTERMAINE ")
    with transaction(SYSTEM) as tx:
        assert asking.ERASE in tx.scalars(select(JobRun.job)).all()
        assert tx.scalar(select(Student.id).where(Student.id == child.id)) == child.id
    assert eraser.carry_out(row(asked).id) is Stage.VERIFIED
    done = row(asked)
    assert (done.found, done.plan, done.subject_id) == (None, None, None)
    assert done.receipt is not None
    assert "Wilhelmina" not in done.receipt


def test_a_class_says_who_stays_with_another(world: World, eraser: Eraser) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Enrollment).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                student_id=world.own_class.children[0].id,
                avatar="fox",
                balance=0,
                joined_at=clock.now(),
            )
        )
    leader = world.sign_in("leader")
    asked = looked_at(eraser, leader, Subject.CLASSROOM, world.own_class.public_id)
    found = row(asked).found
    assert found is not None
    assert (found["subjects"], found["staying"]) == ({"student": 1, "classroom": 1}, 1)
    assert row(asked).asked_as == AskedAs.LEADER


@pytest.mark.parametrize(
    "role", ["co_teacher", "helper", "colleague", "elsewhere", "outsider", "founder", "parent"]
)
@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM])
def test_nobody_else_may_ask(world: World, role: str, subject: Subject) -> None:
    room = world.own_class
    public_id = room.children[0].public_id if subject is Subject.STUDENT else room.public_id
    with pytest.raises((NotFound, Denied)):
        ask_to_erase(principal=world.sign_in(role), subject=subject, public_id=public_id)


@pytest.mark.parametrize("role", ["leader", "co_teacher", "outsider", "founder"])
def test_nobody_else_confirms_or_leaves_what_somebody_asked_for(
    world: World, eraser: Eraser, role: str
) -> None:
    child = world.own_class.children[0]
    asked = looked_at(eraser, world.sign_in("teacher"), Subject.STUDENT, child.public_id)
    other = proven(world, role)
    with pytest.raises((NotFound, Denied)):
        confirm_erasure(principal=other, erasure=asked, typed="Wilhelmina Quartermaine")
    with pytest.raises((NotFound, Denied)):
        leave_erasure(principal=other, erasure=asked)
    assert row(asked).stage == Stage.PREVIEWED


def test_without_a_fresh_proof_nothing_is_confirmed(world: World, eraser: Eraser) -> None:
    teacher = world.sign_in("teacher")
    asked = looked_at(eraser, teacher, Subject.STUDENT, world.own_class.children[0].public_id)
    with transaction(SYSTEM) as tx:
        late = clock.now() - timedelta(hours=1)
        tx.execute(update(AccountSession).values(proven_at=late))
    with pytest.raises(ProofNeeded):
        confirm_erasure(principal=teacher, erasure=asked, typed="Wilhelmina Quartermaine")


def test_another_name_confirms_nothing(world: World, eraser: Eraser) -> None:
    teacher = proven(world, "teacher")
    asked = looked_at(eraser, teacher, Subject.STUDENT, world.own_class.children[0].public_id)
    for typed in ("", "Wilhelmina", "Bartholomew Zephyrine"):
        with pytest.raises(Rejected, match="not what it is called"):
            confirm_erasure(principal=teacher, erasure=asked, typed=typed)
    assert row(asked).stage == Stage.PREVIEWED


def test_whoever_lost_the_class_meanwhile_confirms_nothing(world: World, eraser: Eraser) -> None:
    teacher = world.sign_in("teacher")
    asked = looked_at(eraser, teacher, Subject.CLASSROOM, world.own_class.public_id)
    with transaction(SYSTEM) as tx:
        own = (TeachingRole.classroom_id == world.own_class.id, TeachingRole.account_id == teacher.account_id)
        tx.execute(update(TeachingRole).where(*own).values(role="helper"))
    with pytest.raises(NotFound):
        confirm_erasure(principal=proven(world, "teacher"), erasure=asked, typed=world.own_class.name)


def test_confirmed_twice_it_is_erased_once(world: World, eraser: Eraser) -> None:
    teacher, child = proven(world, "teacher"), world.own_class.children[0]
    first, second = (looked_at(eraser, teacher, Subject.STUDENT, child.public_id) for _ in range(2))
    confirm_erasure(principal=teacher, erasure=first, typed="Wilhelmina Quartermaine")
    with pytest.raises(Rejected, match="no longer be confirmed"):
        confirm_erasure(principal=teacher, erasure=first, typed="Wilhelmina Quartermaine")
    with pytest.raises(Rejected, match="erased already"):
        confirm_erasure(principal=teacher, erasure=second, typed="Wilhelmina Quartermaine")
    with pytest.raises(Rejected, match="erased already"):
        leave_erasure(principal=teacher, erasure=first)
    eraser.carry_out(row(first).id)
    # What it was about is gone, and what was shown of it.
    assert (row(second).stage, row(second).found) == (Stage.LAPSED, None)
    with pytest.raises(Rejected, match="no longer be confirmed"):
        confirm_erasure(principal=teacher, erasure=second, typed="Wilhelmina Quartermaine")


def test_what_was_left_or_not_confirmed_in_time_names_nobody(world: World, eraser: Eraser) -> None:
    teacher, child = proven(world, "teacher"), world.own_class.children[0]
    left = looked_at(eraser, teacher, Subject.STUDENT, child.public_id)
    leave_erasure(principal=teacher, erasure=left)
    leave_erasure(principal=teacher, erasure=left)
    late = looked_at(eraser, teacher, Subject.STUDENT, child.public_id)
    with transaction(SYSTEM) as tx:
        ago = clock.now() - asking.WAITS - timedelta(seconds=1)
        tx.execute(update(Erasure).where(Erasure.public_id == late).values(asked_at=ago))
    with pytest.raises(Rejected, match="no longer be confirmed"):
        confirm_erasure(principal=teacher, erasure=late, typed="Wilhelmina Quartermaine")
    assert asking.forget_unconfirmed(WHO) >= 1
    for each in (left, late):
        assert (row(each).stage, row(each).subject_id, row(each).found) == (Stage.LAPSED, None, None)


def test_what_is_gone_before_somebody_looks_lapses(world: World, eraser: Eraser) -> None:
    teacher, child = proven(world, "teacher"), world.own_class.children[0]
    asked = ask_to_erase(principal=teacher, subject=Subject.STUDENT, public_id=child.public_id)
    first = looked_at(eraser, teacher, Subject.STUDENT, child.public_id)
    confirm_erasure(principal=teacher, erasure=first, typed="Wilhelmina Quartermaine")
    eraser.carry_out(row(first).id)
    assert not look(eraser, number=row(asked).id)
    assert row(asked).stage == Stage.LAPSED
