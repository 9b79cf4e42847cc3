"""Who goes on with a school whose teacher is erased, when others are erased at the same time; and locks."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession
from backoffice.accounts.services import deactivation
from backoffice.privacy.erasure import receipts, services
from backoffice.privacy.erasure.asking import ask_to_erase, confirm_erasure, look
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile, Line
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.own_account import erase_own_account
from backoffice.privacy.erasure.replaying import replay
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    Door,
    Enrollment,
    Membership,
    Role,
    School,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.storage import functions
from tests.accounts.alone import alone, room_of
from tests.accounts.post import mailed
from tests.factories.world import SYSTEM, Class, add_child

WHO = Purpose("test-heirs")
pytestmark = pytest.mark.usefixtures("backup")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


def shared_with(room: Class, other: Principal) -> None:
    """Have somebody teach a class of somebody else's own school with them."""
    with transaction(SYSTEM) as tx:
        member = {"account_id": other.account_id, "school_id": room.school_id, "role": Role.TEACHER}
        tx.execute(insert(Membership).values(created_at=clock.now(), **member))
        role = {"school_id": room.school_id, "classroom_id": room.id, "account_id": other.account_id}
        tx.execute(insert(TeachingRole).values(role=TeachingRoleName.CO_TEACHER, **role))


def begun(eraser: Eraser, who: Principal) -> int:
    assert who.account_public_id is not None
    return services.begin(
        eraser=eraser, subject=Subject.ACCOUNT, public_id=who.account_public_id, asked_as=AskedAs.COMMAND
    )


def noted(eraser: Eraser, who: Principal) -> int:
    number = begun(eraser, who)
    for _ in range(2):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    return number


def there(school: int) -> tuple[list[int], list[int]]:
    """Whether there is a school, and its students."""
    with transaction(SYSTEM) as tx:
        return (
            list(tx.scalars(select(School.id).where(School.id == school))),
            list(tx.scalars(select(Student.id).where(Student.school_id == school))),
        )


def test_an_heir_who_goes_after_the_plan_was_made_is_none(eraser: Eraser) -> None:
    owner, heir = alone(), alone()
    room = room_of(owner)
    shared_with(room, heir)
    number = noted(eraser, owner)
    assert eraser.carry_out(begun(eraser, heir)) is Stage.VERIFIED
    assert eraser.carry_out(number) is Stage.VERIFIED
    assert there(room.school_id) == ([], [])
    with transaction(SYSTEM) as tx:
        done = tx.get_one(Erasure, number)
    told = receipts.read(done.receipt or "")
    assert told["subjects"]["school"] == 1
    # The ledger has the school, its class and the child as well.
    kinds = {
        line.kind
        for line in eraser.ledger.lines()
        if isinstance(line, Line) and line.erasure == done.public_id
    }
    assert kinds == {"account", "school", "classroom", "student"}


@pytest.mark.parametrize("taught_by_two", [True, False])
def test_children_still_come_into_a_class_that_passes_to_a_co_teacher(
    eraser: Eraser, *, taught_by_two: bool
) -> None:
    owner, heir = alone(), alone()
    room = room_of(owner)
    if taught_by_two:
        shared_with(room, heir)
    key = (room.school_id, room.id)
    with transaction(SYSTEM) as tx:
        tx.get_one(Classroom, key).door = Door.OPEN
    number = begun(eraser, owner)
    code = select(ClassroomCode.id).where(
        ClassroomCode.classroom_id == room.id, ClassroomCode.ended_at.is_(None)
    )
    with transaction(SYSTEM) as tx:
        assert (tx.get_one(Classroom, key).door == Door.OPEN) is taught_by_two
        assert bool(tx.scalars(code).all()) is taught_by_two
    assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        if taught_by_two:
            assert tx.get_one(Classroom, key).door == Door.OPEN
        assert bool(tx.scalars(code).all()) is taught_by_two


def test_the_next_goes_on_where_the_first_heir_goes(eraser: Eraser) -> None:
    owner, heir, third = alone(), alone(), alone()
    room = room_of(owner)
    shared_with(room, heir)
    number = noted(eraser, owner)
    shared_with(room, third)
    begun(eraser, heir)
    assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        own = select(Membership.account_id).where(
            Membership.school_id == room.school_id, Membership.origin == "earlier"
        )
        assert tx.scalars(own).all() == [third.account_id]


@pytest.mark.parametrize("round_", range(4))
def test_two_who_go_at_once_leave_no_school_to_nobody(eraser: Eraser, round_: int) -> None:
    """One stands in the ledger with the other as heir, who is confirmed as the first is carried out."""
    owner, heir = alone(), alone()
    room = room_of(owner)
    shared_with(room, heir)
    number = noted(eraser, owner)

    def first() -> Stage:
        time.sleep(0.01 * round_)
        return eraser.carry_out(number)

    def second() -> Stage:
        time.sleep(0.01 * (3 - round_))
        return eraser.carry_out(begun(eraser, heir))

    with ThreadPoolExecutor(2) as pool:
        assert [each.result() for each in (pool.submit(first), pool.submit(second))] == [Stage.VERIFIED] * 2
    assert there(room.school_id) == ([], [])


def test_whoever_passes_a_school_on_waits_for_the_heir_who_is_being_confirmed(
    eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heir is confirmed when the other has locked all and has not chosen yet: both see one another."""
    owner, heir = alone(), alone()
    room = room_of(owner)
    shared_with(room, heir)
    number, whole, beside = noted(eraser, owner), Eraser._lock, list[Any]()
    with ThreadPoolExecutor(1) as pool:

        def locked(self: Eraser, tx: Any, plan: Any) -> None:
            whole(self, tx, plan)
            if not beside:
                beside.append(pool.submit(begun, eraser, heir))
                time.sleep(0.3)
                assert not beside[0].done()

        monkeypatch.setattr(Eraser, "_lock", locked)
        assert eraser.carry_out(number) is Stage.VERIFIED
        # It went to the heir first, and goes with the heir then.
        assert there(room.school_id)[0] == [room.school_id]
        assert eraser.carry_out(beside[0].result()) is Stage.VERIFIED
    assert there(room.school_id) == ([], [])


def test_a_class_and_the_account_of_whoever_asked_for_it_go_at_once(
    eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's row is named by the erasure of the class, which waits for the class."""
    owner = alone()
    room = room_of(owner)
    with transaction(SYSTEM) as tx:
        public_id = tx.scalars(select(Classroom.public_id).where(Classroom.id == room.id)).one()
        own = AccountSession.id == owner.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    asked = ask_to_erase(principal=owner, subject=Subject.CLASSROOM, public_id=public_id)
    with transaction(SYSTEM) as tx:
        of_class = tx.scalars(select(Erasure.id).where(Erasure.public_id == asked)).one()
    assert look(eraser, number=of_class)
    confirm_erasure(principal=owner, erasure=asked, typed=room.name)
    of_account = noted(eraser, owner)
    for _ in range(2):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, of_class))
    whole = Eraser._lock

    def slow(self: Eraser, tx: Any, plan: Any) -> None:
        if not plan.of(Subject.ACCOUNT):
            time.sleep(0.5)
        whole(self, tx, plan)

    monkeypatch.setattr(Eraser, "_lock", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(eraser.carry_out, of_class)
        time.sleep(0.1)
        second = pool.submit(eraser.carry_out, of_account)
        assert [first.result(), second.result()] == [Stage.VERIFIED] * 2
    assert there(room.school_id) == ([], [])


def own_erasure() -> tuple[int, str]:
    who = alone()
    with transaction(SYSTEM) as tx:
        email = tx.scalars(select(Account.email).where(Account.id == who.account_id)).one()
    public_id = erase_own_account(principal=who, typed=email)
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Erasure.id).where(Erasure.public_id == public_id)).one(), email


@pytest.mark.parametrize("way", ["carried out", "replayed"])
def test_killed_when_the_file_had_the_receipt_there_is_one(
    eraser: Eraser, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    number, email = own_erasure()
    whole = Eraser._verify

    def killed(self: Eraser, tx: Any, row: Erasure) -> None:
        whole(self, tx, row)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Eraser, "_verify", killed)
        with pytest.raises(KeyboardInterrupt):
            eraser.carry_out(number)
    if way == "replayed":
        assert replay(eraser)["receipts"] == 1
    assert eraser.carry_out(number) is Stage.VERIFIED
    replay(eraser)
    with transaction(SYSTEM) as tx:
        done = tx.get_one(Erasure, number)
    issued = [line for line in eraser.ledger.lines() if not isinstance(line, Line)]
    assert [line.receipt for line in issued] == [done.receipt]
    assert (done.plan, done.found, done.subject_id) == (None, None, None)
    assert len([each for each in mailed(email) if each.startswith("Your account is deleted")]) == 1


def test_the_own_preview_counts_former_students_too() -> None:
    owner = alone()
    room = room_of(owner)
    with transaction(SYSTEM) as tx:
        former = add_child(tx, room, "Fiona", "Former").id
        left = Enrollment.student_id == former
        tx.execute(update(Enrollment).where(left).values(ended_at=clock.now() - timedelta(days=40)))
        there_ = len(tx.scalars(select(Student.id).where(Student.school_id == room.school_id)).all())
        own = AccountSession.id == owner.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    with transaction(owner) as tx:
        assert deactivation.preview(tx).students == there_
    assert there_ == 3


def test_the_own_preview_counts_none_who_stay_with_an_heir() -> None:
    owner, heir = alone(), alone()
    room = room_of(owner)
    shared_with(room, heir)
    with transaction(owner) as tx:
        assert functions.students_of_nobody_else(tx) == 0
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == heir.account_id).values(status="deactivated"))
    with transaction(owner) as tx:
        # As the plan: nobody can look after them.
        assert functions.students_of_nobody_else(tx) == 2


def test_a_class_at_somebody_elses_has_an_owner_when_its_own_goes_in_steps(eraser: Eraser) -> None:
    guest, host = alone(), alone()
    room_of(guest)
    room = room_of(host)
    shared_with(room, guest)
    roles = (TeachingRole.classroom_id == room.id, TeachingRole.school_id == room.school_id)
    with transaction(SYSTEM) as tx:
        mine = TeachingRole.account_id == guest.account_id
        tx.execute(update(TeachingRole).where(*roles, ~mine).values(role=TeachingRoleName.CO_TEACHER))
        tx.execute(update(TeachingRole).where(*roles, mine).values(role=TeachingRoleName.OWNER))
    number = begun(eraser, guest)
    assert replace(eraser, large=3, at_once=4).carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        assert tx.get_one(Erasure, number).rows_planned is not None
        left = tx.execute(select(TeachingRole.account_id, TeachingRole.role).where(*roles)).all()
    assert left == [(host.account_id, TeachingRoleName.OWNER)]
