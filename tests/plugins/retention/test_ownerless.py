"""Classes that have lost their last teacher: shut and told of at once, and gone after 30 days."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.controls.check import Looking, State
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.privacy.erasure import services as erasure
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.privacy.retention.runs import Rules
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.ending_models import OwnerlessClass
from backoffice.schools.models import Classroom, Door, Enrollment, Student, TeachingRole, TeachingRoleName
from backoffice.settings import Sessions
from backoffice.staff.services.class_roles import give_role
from backoffice.students import services as students
from backoffice.throttles.visitor import Visitor
from plugins.retention import ownerless
from plugins.retention.checks import inactive_teachers
from plugins.retention.idle import Looked
from plugins.retention.ownerless import look_after_ownerless
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World
from tests.plugins.retention.conftest import hold

WHO = Purpose("test-ownerless")
SEEN = datetime(2027, 3, 15, 9, 30, tzinfo=UTC)
TOLD = "retention.ownerless-classes"

pytestmark = pytest.mark.usefixtures("backup")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture(autouse=True)
def nobody_left(world: World) -> None:
    """No class of the world is without a teacher."""
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(OwnerlessClass))


def _run(
    monkeypatch: pytest.MonkeyPatch,
    eraser: Eraser,
    at: datetime,
    *,
    rules: Rules = Rules(5),  # noqa: B008 - frozen
) -> Looked:
    """What the job does at a moment, and the worker that erases; mails leave at once."""
    monkeypatch.setattr(clock, "now", lambda: at)
    done = look_after_ownerless(principal=WHO, eraser=eraser, rules=rules)
    with transaction(WHO) as tx:
        begun = tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.CONFIRMED)).all()
    for number in begun:
        assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        waits = update(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED)
        tx.execute(waits.values(state=MailState.SENT, finished_at=at))
    return done


def _erase(world: World, eraser: Eraser, role: str) -> None:
    """Somebody's account is erased, as the owner or retention has it."""
    erasure.erase(
        eraser=eraser,
        subject=Subject.ACCOUNT,
        public_id=world.people[role].public_id,
        asked_as=AskedAs.OWNER if role == "owner" else AskedAs.RETENTION,
    )


def _noted() -> set[int]:
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(OwnerlessClass.classroom_id)))


def _letters(world: World) -> int:
    mine = (OutgoingMail.account_id == world.people["leader"].id, OutgoingMail.name == TOLD)
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(OutgoingMail).where(*mine)) or 0


def _is_there(room: Class) -> bool:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(Classroom.id).where(Classroom.id == room.id)) is not None


def _children(room: Class) -> set[int]:
    numbers = [each.id for each in room.children]
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(Student.id).where(Student.id.in_(numbers))))


def _comes_in(room: Class) -> None:
    students.sign_in_student(
        code=room.code,
        student=room.children[0].public_id,
        sessions=Sessions(),
        visitor=Visitor(),
        throttles=NO_LIMIT,
    )


def _open(room: Class) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == room.id).values(door=Door.OPEN))


def test_a_class_goes_30_days_after_its_teacher_and_a_shared_child_stays(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, other = world.colleague_class, world.own_class
    shared, alone = room.children
    with transaction(SYSTEM) as tx:
        place = (Enrollment.student_id == other.children[0].id, Enrollment.classroom_id == other.id)
        seat = tx.execute(select(Enrollment.__table__).where(*place)).mappings().one()
        new = {**seat, "student_id": shared.id}
        tx.execute(insert(Enrollment).values({k: v for k, v in new.items() if k != "id"}))
    _erase(world, eraser, "colleague")
    assert _noted() == {room.id}
    told = []
    for half_day in range(60):
        before = _letters(world)
        _run(monkeypatch, eraser, SEEN + timedelta(hours=12 * half_day))
        if _letters(world) > before:
            told.append(half_day / 2)
        assert _is_there(room)
    assert told == [0, 23]
    assert _run(monkeypatch, eraser, SEEN + timedelta(days=30)).begun == 1
    assert not _is_there(room)
    assert _is_there(other)
    assert _children(room) == {shared.id}
    assert alone.id not in _children(room)
    assert _run(monkeypatch, eraser, SEEN + timedelta(days=30, hours=1)) == Looked()


def test_its_door_is_shut_when_it_is_first_seen(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = world.colleague_class
    _open(room)
    _comes_in(room)
    _erase(world, eraser, "colleague")
    _run(monkeypatch, eraser, clock.now())
    with pytest.raises(Rejected):
        _comes_in(room)


def test_a_class_that_somebody_else_teaches_too_is_not_meant(world: World, eraser: Eraser) -> None:
    _open(world.own_class)
    _erase(world, eraser, "teacher")
    assert _noted() == set()
    # A helper does not go on with it.
    _erase(world, eraser, "co_teacher")
    assert _noted() == {world.own_class.id}


def test_two_teachers_who_go_at_the_same_moment_leave_a_class_to_nobody(world: World) -> None:
    room = world.own_class
    theirs = (TeachingRole.classroom_id == room.id, TeachingRole.role != TeachingRoleName.HELPER)
    with transaction(SYSTEM) as tx:
        first, *others = tx.scalars(select(TeachingRole.account_id).where(*theirs)).all()
    assert others

    def go(*who: int) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(TeachingRole).where(*theirs, TeachingRole.account_id.in_(who)))

    with ThreadPoolExecutor(1) as pool:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(TeachingRole).where(*theirs, TeachingRole.account_id == first))
            second = pool.submit(go, *others)
            with pytest.raises(TimeoutError):
                second.result(0.5)
        second.result(20)
    assert room.id in _noted()


def test_a_class_that_is_given_to_somebody_stays(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = world.colleague_class
    _erase(world, eraser, "colleague")
    _run(monkeypatch, eraser, clock.now())
    give_role(
        principal=world.sign_in("leader"),
        classroom=room.public_id,
        account=world.people["teacher"].public_id,
        role=TeachingRoleName.CO_TEACHER,
    )
    assert _noted() == set()
    for days in (23, 30, 60):
        assert _run(monkeypatch, eraser, clock.now() + timedelta(days=days)) == Looked()
    assert _is_there(room)


def test_a_class_that_is_given_to_somebody_at_the_last_moment_stays(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = world.colleague_class
    _erase(world, eraser, "colleague")
    for days in (0, 23):
        _run(monkeypatch, eraser, SEEN + timedelta(days=days))
    whole = ownerless._look_after

    def look(*args: Any) -> list[str]:
        over = whole(*args)
        teaches = {"school_id": room.school_id, "classroom_id": room.id, "role": TeachingRoleName.OWNER}
        who = world.people["teacher"].id
        args[0].execute(insert(TeachingRole).values(**teaches, account_id=who))
        return over

    monkeypatch.setattr(ownerless, "_look_after", look)
    assert _run(monkeypatch, eraser, SEEN + timedelta(days=30)).begun == 0
    assert _is_there(room)


def test_one_who_becomes_a_helper_is_a_teacher_no_more(world: World) -> None:
    mine = (TeachingRole.classroom_id == world.colleague_class.id,)
    for role, noted in (
        (TeachingRoleName.HELPER, {world.colleague_class.id}),
        (TeachingRoleName.OWNER, set[int]()),
    ):
        with transaction(SYSTEM) as tx:
            tx.execute(update(TeachingRole).where(*mine).values(role=role))
        assert _noted() == noted


def test_a_class_that_goes_itself_leaves_nothing(world: World, eraser: Eraser) -> None:
    room = world.colleague_class
    erasure.erase(
        eraser=eraser, subject=Subject.CLASSROOM, public_id=room.public_id, asked_as=AskedAs.COMMAND
    )
    assert _noted() == set()


def test_many_at_once_wait_for_a_person(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Rules(5, few=0)
    _erase(world, eraser, "colleague")
    for days in (0, 23):
        _run(monkeypatch, eraser, SEEN + timedelta(days=days), rules=none)
    held = _run(monkeypatch, eraser, SEEN + timedelta(days=30), rules=none)
    assert (held.begun, held.waiting) == (0, 1)
    assert _is_there(world.colleague_class)


def test_a_class_that_a_hold_keeps_is_not_due_and_breaks_no_promise(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = world.colleague_class
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).values(last_active_at=datetime(2040, 1, 1, tzinfo=UTC)))
    _erase(world, eraser, "colleague")
    for days in (0, 23):
        _run(monkeypatch, eraser, SEEN + timedelta(days=days))
    child = room.children[0]
    hold(Subject.STUDENT, child.id, child.public_id, world.home.id)
    kept = _run(monkeypatch, eraser, SEEN + timedelta(days=32), rules=Rules(5, few=0))
    assert (kept.begun, kept.held, kept.waiting) == (0, 1, 0)
    with transaction(WHO) as tx:
        assert tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.HELD)).all() == []
        assert inactive_teachers(Looking(app, runtime.settings, tx)).state is State.HOLDS


def test_the_promise_falls_short_while_such_a_class_is_overdue(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(SYSTEM) as tx:
        # Nobody is idle.
        tx.execute(update(Account).values(last_active_at=datetime(2040, 1, 1, tzinfo=UTC)))
    _erase(world, eraser, "colleague")
    _run(monkeypatch, eraser, SEEN)
    for late, state in ((timedelta(hours=23), State.HOLDS), (timedelta(hours=25), State.FALLS_SHORT)):
        at = SEEN + timedelta(days=30) + late
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        with transaction(WHO) as tx:
            assert inactive_teachers(Looking(app, runtime.settings, tx)).state is state
