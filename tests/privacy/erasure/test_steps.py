"""What is large goes in steps: killed after any of them, it ends as in one go, and nobody sees half of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, make_url, select

from backoffice import clock
from backoffice.access.principal import Purpose, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.privacy.erasure import erasing, ledger, portions, receipts, services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile, Line
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, ClassroomCode, School, Student
from backoffice.storage.public_id import new_public_id
from tests.contract.snapshot import Change, Snapshots, snapshots
from tests.factories.world import SYSTEM, World
from tests.privacy.erasure.test_erasing import WRITTEN, cases, keys

WHO = Purpose("test-steps")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture
def small(eraser: Eraser) -> Eraser:
    """For whom everything is large."""
    return replace(eraser, large=3, at_once=4)


@pytest.fixture(scope="module")
def kept(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    del world
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken


@pytest.fixture(autouse=True)
def _as_it_was(kept: Snapshots) -> Iterator[None]:
    yield
    kept.settle()


@pytest.fixture
def superuser(runtime: Runtime) -> Iterator[psycopg.Connection]:
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def begun(eraser: Eraser, subject: Subject, public_id: str) -> int:
    return services.begin(eraser=eraser, subject=subject, public_id=public_id, asked_as=AskedAs.COMMAND)


def row(number: int) -> Erasure:
    with transaction(SYSTEM) as tx:
        return tx.get_one(Erasure, number)


def gone(changes: list[Change]) -> dict[str, list[str]]:
    """What is removed or changed, but for the erasure's own lines."""
    found = {
        f"{kind} {table}": rows
        for kind in ("removed", "changed")
        for table, rows in keys(changes, kind).items()
    }
    return {name: rows for name, rows in found.items() if name.split()[1] not in WRITTEN}


class Killed(BaseException):
    """A process that is no more."""


def killed_at_every_step(eraser: Eraser, number: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Carry it out, and be killed before each step is committed, and after it; how many attempts it took."""
    attempts, whole = {"at": 0}, transaction

    @contextmanager
    def dying(who: Any) -> Iterator[Any]:
        attempts["at"] += 1
        mode = attempts["at"] % 3
        with whole(who) as tx:
            yield tx
            if mode == 1:
                raise Killed  # before it is committed
        if mode == 2:
            raise Killed  # after

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "transaction", dying)
        for steps in range(1, 2000):
            try:
                if eraser.carry_out(number) is Stage.VERIFIED:
                    return steps
            except Killed:
                pass
    raise AssertionError


@pytest.mark.parametrize("subject", [Subject.CLASSROOM, Subject.ACCOUNT, Subject.SCHOOL, Subject.DISTRICT])
def test_killed_at_every_step_it_ends_as_in_one_go(
    world: World,
    eraser: Eraser,
    small: Eraser,
    kept: Snapshots,
    superuser: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    subject: Subject,
) -> None:
    case = cases(world)[subject]
    for statement in case.raw:
        superuser.execute(statement)
    raw = keys(kept.settle(), "removed")
    number = begun(eraser, subject, case.public_id)
    assert eraser.carry_out(number) is Stage.VERIFIED
    at_once, in_one_go = row(number), gone(kept.settle())

    number = begun(small, subject, case.public_id)
    steps = killed_at_every_step(small, number, monkeypatch)
    done, in_steps = row(number), gone(kept.changes())
    assert steps > 6
    assert in_steps == in_one_go
    for table, rows in raw.items():
        assert set(rows) <= set(in_steps[f"removed {table}"]), table
    told, before = (receipts.read(each.receipt or "") for each in (done, at_once))
    trail = {"others", *(table for table in told["rows"] if "emptied" in table)}
    assert {name: n for name, n in told["rows"].items() if name not in trail} == {
        name: n for name, n in before["rows"].items() if name not in trail
    }
    assert (told["subjects"], told["left"]) == (before["subjects"], 0)
    assert told["marks"] == before["marks"]
    assert (told["method"], before["method"]) == (receipts.IN_STEPS, receipts.METHOD)
    # One receipt in the file, however often whoever wrote it was killed.
    written = [line for line in small.ledger.lines() if not isinstance(line, Line)]
    assert [line.receipt for line in written if line.number == done.public_id] == [done.receipt]


def test_each_step_is_small_and_says_how_far_it_is(world: World, small: Eraser, kept: Snapshots) -> None:
    number, told = begun(small, Subject.SCHOOL, world.home.public_id), list[tuple[int, int]]()
    small.carry_out(number, lambda of, planned: told.append((of, planned)))
    rows, planned = [of for of, _planned in told], {planned for _of, planned in told}
    assert rows[0] == 0
    assert {two - one for one, two in pairwise(rows)} <= set(range(small.at_once + 1))
    # What is said to be gone is what the database has lost, with what the trail told of its beginning.
    lost = [each for each in kept.changes() if each.kind == "removed"]
    assert rows[-1] == row(number).rows_gone == len(lost) + 1
    assert planned == {row(number).rows_planned}
    assert rows[-1] <= max(planned)


def test_small_subjects_go_in_one_transaction(world: World, eraser: Eraser) -> None:
    done = services.erase(
        eraser=eraser, subject=Subject.SCHOOL, public_id=world.home.public_id, asked_as=AskedAs.COMMAND
    )
    assert (done.rows_planned, done.rows_gone, done.step) == (None, None, None)


def test_another_school_is_untouched_while_and_after_it_goes(
    world: World, small: Eraser, kept: Snapshots
) -> None:
    small.carry_out(begun(small, Subject.SCHOOL, world.home.public_id))
    others = {world.elsewhere.id, world.outside.id}
    touched = {
        (each.table, each.kind)
        for each in kept.changes()
        if each.row.get("school_id") in others and each.table not in WRITTEN
    }
    assert touched == set()


def test_nobody_sees_half_of_a_school_or_comes_in(
    world: World, small: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the confirmation on, before a worker has done anything, and while it is at it."""
    leader, teacher, parent = (world.sign_in(role) for role in ("leader", "teacher", "parent"))
    with transaction(SYSTEM) as tx:
        code = tx.scalars(
            select(ClassroomCode.code_index).where(
                ClassroomCode.classroom_id == world.own_class.id, ClassroomCode.ended_at.is_(None)
            )
        ).first()
    assert code is not None
    number = begun(small, Subject.SCHOOL, world.home.public_id)

    def seen() -> None:
        with transaction(leader) as tx:
            # The leader of the district is still that of the other school.
            assert set(tx.scalars(select(School.id))) == {world.elsewhere.id}
            assert not tx.scalars(select(Classroom.id).where(Classroom.school_id == world.home.id)).all()
            assert not tx.scalars(select(Student.id).where(Student.school_id == world.home.id)).all()
            assert world.home.id not in tx.principal.led_schools
        with transaction(parent) as tx:
            assert not tx.principal.children
        with pytest.raises(SessionEnded), transaction(teacher) as tx:
            tx.connection()
        with transaction(SYSTEM) as tx:
            assert not tx.execute(select_open(code)).all()

    seen()
    steps = [0]
    whole = portions.take

    def looked(*given: Any) -> int:
        steps[0] += 1
        done = whole(*given)
        if steps[0] % 20 == 1:
            seen()
        return done

    monkeypatch.setattr(portions, "take", looked)
    small.carry_out(number)
    assert steps[0] > 20


def select_open(code: bytes) -> Any:
    return select(func.app.open_code(code, clock.now()))


def test_access_ends_for_every_subject_as_it_is_confirmed(world: World, eraser: Eraser) -> None:
    child, room = world.own_class.children[0], world.own_class
    student = world.student(room, child)
    begun(eraser, Subject.STUDENT, child.public_id)
    with pytest.raises(SessionEnded), transaction(student) as tx:
        tx.connection()
    begun(eraser, Subject.CLASSROOM, room.public_id)
    with transaction(SYSTEM) as tx:
        assert tx.get_one(Classroom, (room.school_id, room.id)).door == "closed"
        assert not tx.scalars(
            select(ClassroomCode.id).where(
                ClassroomCode.classroom_id == room.id, ClassroomCode.ended_at.is_(None)
            )
        ).all()
    colleague = world.sign_in("colleague")
    begun(eraser, Subject.ACCOUNT, world.people["colleague"].public_id)
    with pytest.raises(SessionEnded), transaction(colleague) as tx:
        tx.connection()
    with transaction(SYSTEM) as tx:
        assert tx.get_one(Account, world.people["colleague"].id).status == "deactivated"


def test_a_child_who_is_being_erased_does_not_come_in(world: World, eraser: Eraser) -> None:
    child = world.own_class.children[0]
    begun(eraser, Subject.STUDENT, child.public_id)
    with transaction(SYSTEM) as tx:
        code = tx.scalars(
            select(ClassroomCode.code_index).where(
                ClassroomCode.classroom_id == world.own_class.id, ClassroomCode.ended_at.is_(None)
            )
        ).first()
        assert tx.execute(select_open(code or b"")).all()
    assert not _comes_in(code or b"", child.public_id)
    assert _comes_in(code or b"", world.own_class.children[1].public_id)


def _comes_in(code: bytes, student: str) -> bool:
    with transaction(SYSTEM) as tx:
        pin = tx.scalar(select(Student.pin_hash).where(Student.public_id == student))
        now = clock.now()
        made = func.app.begin_student_session(
            code, student, uuid4(), now, 5, 20, now + timedelta(hours=8), None, pin
        )
        return bool(tx.execute(select(made)).all())


def test_whoever_is_brought_in_meanwhile_is_in_the_ledger_before_they_go(
    world: World, small: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import is no person, and sees what is hidden."""
    number, late = begun(small, Subject.SCHOOL, world.home.public_id), list[str]()
    whole = portions.seen

    def brought_in(tx: Any, part: Any, most: int) -> Any:
        if not late and part.table.fullname == "app.student":
            with transaction(SYSTEM) as beside:
                child_id, public_id = beside.take_id(Student), new_public_id()
                beside.execute(
                    Student.__table__.insert().values(  # type: ignore[attr-defined]
                        school_id=world.home.id,
                        id=child_id,
                        public_id=public_id,
                        given_name="Laetitia",
                        name_tokens=[],
                        created_at=clock.now(),
                    )
                )
                late.append(public_id)
        return whole(tx, part, most)

    monkeypatch.setattr(portions, "seen", brought_in)
    assert small.carry_out(number) is Stage.VERIFIED
    assert late
    mark = ledger.mark_of("student", late[0])
    assert mark in {each for line in small.ledger.lines() if isinstance(line, Line) for each in line.marks}
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Student.id).where(Student.public_id == late[0])).all()
