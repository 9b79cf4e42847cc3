"""A database that is restored from before an erasure: whoever was erased is erased again, and nobody else."""

from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, delete, insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.audit.models import AuditDetail
from backoffice.privacy.erasure import receipts, replaying, services
from backoffice.privacy.erasure.erasing import Eraser, carry_out_all
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import FILE, Issued, LedgerError, LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, ErasureMark, Stage
from backoffice.privacy.erasure.replaying import replay
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import (
    Classroom,
    District,
    Enrollment,
    Membership,
    School,
    Student,
    TeachingRole,
)
from backoffice.schools.services import merging
from backoffice.storage import about
from tests.contract.snapshot import Snapshots
from tests.factories.world import SYSTEM, Child, World, add_child

WHO = Purpose("test-replaying")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


def erase(eraser: Eraser, subject: Subject, public_id: str) -> Erasure:
    return services.erase(eraser=eraser, subject=subject, public_id=public_id, asked_as=AskedAs.TEACHER)


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.ACCOUNT, Subject.SCHOOL])
def test_whoever_was_erased_is_erased_again_and_nobody_else(
    world: World, eraser: Eraser, backup: Snapshots, subject: Subject
) -> None:
    public_id = {
        Subject.STUDENT: world.own_class.children[0].public_id,
        Subject.CLASSROOM: world.own_class.public_id,
        Subject.ACCOUNT: world.people["colleague"].public_id,
        Subject.SCHOOL: world.outside.public_id,
    }[subject]
    done = erase(eraser, subject, public_id)
    first = {str(each) for each in backup.settle() if each.kind == "removed"}
    assert replay(eraser) == {"receipts": 1, "erasures": 1}
    assert {str(each) for each in backup.changes() if each.kind == "removed"} == first
    with transaction(SYSTEM) as tx:
        known = tx.scalars(select(Erasure).where(Erasure.public_id == done.public_id)).one()
        assert (known.receipt, known.signature, known.school_id) == (
            done.receipt,
            done.signature,
            done.school_id,
        )
        again = tx.scalars(select(Erasure).where(Erasure.asked_as == AskedAs.LEDGER)).one()
        assert again.receipt is not None
        assert receipts.read(again.receipt)["left"] == 0
    assert replay(eraser) == {"receipts": 0, "erasures": 0}


def test_a_child_that_had_moved_before_its_class_was_erased_stays(
    world: World, eraser: Eraser, backup: Snapshots
) -> None:
    """In the backup it is in no other class; the ledger knows better."""
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Enrollment).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                student_id=child.id,
                avatar="fox",
                balance=0,
                joined_at=clock.now(),
            )
        )
    erase(eraser, Subject.CLASSROOM, world.own_class.public_id)
    backup.settle()
    replay(eraser)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.id).where(Classroom.id == world.own_class.id)) is None
        left = set(tx.scalars(select(Student.id).where(Student.school_id == world.home.id)))
    assert child.id in left
    assert world.own_class.children[1].id not in left


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL])
def test_whoever_was_merged_does_not_come_back_with_a_backup_from_before(
    world: World, eraser: Eraser, backup: Snapshots, subject: Subject
) -> None:
    """The backup has both; only who was kept was erased."""
    keeper, merged = world.own_class.children[0], add_twin(world)
    backup.keep()
    teacher = world.sign_in("teacher")
    seen = merging.preview_merge(principal=teacher, keeper=keeper.public_id, merged=merged.public_id).seen
    merging.merge_students(principal=teacher, keeper=keeper.public_id, merged=merged.public_id, seen=seen)
    public_id = {
        Subject.STUDENT: keeper.public_id,
        Subject.CLASSROOM: world.own_class.public_id,
        Subject.SCHOOL: world.home.public_id,
    }[subject]
    erase(eraser, subject, public_id)
    with transaction(SYSTEM) as tx:
        mark = about.marks(about.STUDENT, [merged.id])[0]
        assert not tx.scalars(select(AuditDetail).where(AuditDetail.about.contains([mark]))).all()
    backup.settle()
    replay(eraser)
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Student.id).where(Student.id.in_([keeper.id, merged.id]))).all()
    backup.settle()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == merged.id))
    # The next test begins without it.
    backup.keep()


def add_twin(world: World) -> Child:
    """A second student in the teacher's own class."""
    with transaction(SYSTEM) as tx:
        return add_child(tx, world.own_class, "Willa", "Quartermaine")


def test_a_school_that_was_passed_on_is_called_after_nobody_where_the_heir_is_unknown(
    world: World, eraser: Eraser, backup: Snapshots
) -> None:
    """The backup is from before somebody else came to teach there."""
    outsider, heir, school = world.people["outsider"], world.people["co_teacher"], world.outside.id
    with transaction(SYSTEM) as tx:
        own = (Membership.school_id == school, Membership.account_id == outsider.id)
        tx.execute(update(Membership).where(*own).values(origin="sign-up"))
        tx.execute(update(School).where(School.id == school).values(kind="personal", name="Classes of Olga"))
        tx.execute(delete(TeachingRole).where(TeachingRole.school_id == school, ~of(outsider.id)))
    backup.keep()
    with transaction(SYSTEM) as tx:
        place = {"school_id": school, "account_id": heir.id}
        tx.execute(insert(Membership).values(**place, role="teacher", created_at=clock.now()))
        role = {"classroom_id": world.foreign_class.id, "role": "co_teacher"}
        tx.execute(insert(TeachingRole).values(**place, **role))
    erase(eraser, Subject.ACCOUNT, outsider.public_id)
    backup.settle()
    replay(eraser)
    with transaction(SYSTEM) as tx:
        assert tx.get_one(School, school).name == "Classes that were passed on"
        assert not tx.scalars(select(Account.id).where(Account.id == outsider.id)).all()


def of(account: int) -> ColumnElement[bool]:
    return TeachingRole.account_id == account


def test_a_district_goes_after_a_school_that_was_erased_before_it(
    world: World, eraser: Eraser, backup: Snapshots
) -> None:
    erase(eraser, Subject.SCHOOL, world.elsewhere.public_id)
    erase(eraser, Subject.DISTRICT, world.district)
    first = {str(each) for each in backup.settle() if each.kind == "removed" and each.table == "app.school"}
    assert replay(eraser) == {"receipts": 2, "erasures": 2}
    again = {str(each) for each in backup.changes() if each.kind == "removed" and each.table == "app.school"}
    assert again == first
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(District.id).where(District.id == world.district_id)) is None


def test_a_replay_that_was_killed_goes_on(
    world: World, eraser: Eraser, backup: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = [child.public_id for child in world.own_class.children]
    for public_id in children:
        erase(eraser, Subject.STUDENT, public_id)
    backup.settle()
    with monkeypatch.context() as patched:
        patched.setattr(replaying, "carry_out_all", lambda _eraser, _numbers: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            replay(eraser)
    assert replay(eraser) == {"receipts": 0, "erasures": 2}
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Student.id).where(Student.public_id.in_(children))).all()


@pytest.mark.parametrize("at_once", [1, 3, 10_000])
def test_the_table_has_each_mark_of_the_file_again_however_many_are_noted_at_once(
    world: World, eraser: Eraser, backup: Snapshots, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Of erasures with a line, with several kinds, and with many marks in a line."""
    monkeypatch.setattr(replaying, "AT_ONCE", at_once)
    erase(eraser, Subject.STUDENT, world.own_class.children[0].public_id)
    erase(eraser, Subject.CLASSROOM, world.own_class.public_id)
    erase(eraser, Subject.SCHOOL, world.outside.public_id)
    marks = select(ErasureMark.mark, ErasureMark.kind, ErasureMark.erasure, ErasureMark.noted_at)
    with transaction(SYSTEM) as tx:
        noted = set(tx.execute(marks))
    backup.settle()
    with transaction(SYSTEM) as tx:
        lost = noted.difference(tx.execute(marks).all())
    assert {row.kind for row in lost} == {"student", "classroom", "school", "account"}
    replay(eraser)
    with transaction(SYSTEM) as tx:
        assert noted <= set(tx.execute(marks))


def test_a_backup_that_was_made_while_somebody_was_erased(
    world: World, eraser: Eraser, backup: Snapshots
) -> None:
    """Its row is there and its receipt is in the file: the receipt is the one that counts."""
    child = world.colleague_class.children[0].public_id
    number = services.begin(eraser=eraser, subject=Subject.STUDENT, public_id=child, asked_as=AskedAs.COMMAND)
    backup.keep()
    eraser.carry_out(number)
    with transaction(SYSTEM) as tx:
        done = tx.get_one(Erasure, number)
    backup.settle()
    assert replay(eraser) == {"receipts": 1, "erasures": 1}
    with transaction(SYSTEM) as tx:
        known = tx.scalars(select(Erasure).where(Erasure.public_id == done.public_id)).one()
        assert known.receipt == done.receipt
        assert tx.scalar(select(Student.id).where(Student.public_id == child)) is None
    backup.settle()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Erasure).where(Erasure.id == number))
    # The next test begins without it.
    backup.keep()


def test_one_that_fails_keeps_no_other_waiting(
    world: World, eraser: Eraser, backup: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    del backup
    one, other = (
        services.begin(
            eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
        )
        for child in world.own_class.children
    )
    whole = Eraser.carry_out

    def fails(self: Eraser, number: int, _told: object) -> Stage:
        if number == one:
            raise ZeroDivisionError
        return whole(self, number)

    monkeypatch.setattr(Eraser, "carry_out", fails)
    with pytest.raises(ZeroDivisionError):
        carry_out_all(eraser, [one, other])
    with transaction(SYSTEM) as tx:
        assert tx.get_one(Erasure, other).stage == Stage.VERIFIED


def test_a_ledger_that_is_damaged_changes_nothing(
    world: World, eraser: Eraser, backup: Snapshots, tmp_path: Path
) -> None:
    erase(eraser, Subject.STUDENT, world.own_class.children[0].public_id)
    erase(eraser, Subject.STUDENT, world.own_class.children[1].public_id)
    backup.settle()
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(LedgerError):
        replay(eraser)
    assert backup.changes() == []


def test_a_ledger_whose_end_is_missing_erases_and_replays_nothing(
    world: World, eraser: Eraser, backup: Snapshots, tmp_path: Path
) -> None:
    first, second = (child.public_id for child in world.own_class.children[:2])
    erase(eraser, Subject.STUDENT, first)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: whole.index(b"\n") + 1])
    with pytest.raises(LedgerError, match="newest copy"):
        erase(eraser, Subject.STUDENT, second)
    for asked in (replay, replaying.is_behind):
        with pytest.raises(LedgerError, match="newest copy"):
            asked(eraser)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Student.id).where(Student.public_id == second))
    (tmp_path / FILE).write_bytes(whole)
    assert not replaying.is_behind(eraser)
    del backup


def test_a_restored_database_is_known_by_what_it_has_forgotten(
    world: World, eraser: Eraser, backup: Snapshots
) -> None:
    erase(eraser, Subject.STUDENT, world.own_class.children[0].public_id)
    assert not replaying.is_behind(eraser)
    backup.settle()
    assert replaying.is_behind(eraser)
    replay(eraser)
    assert not replaying.is_behind(eraser)


def test_a_receipt_that_is_not_ours_changes_nothing(world: World, eraser: Eraser, backup: Snapshots) -> None:
    done = erase(eraser, Subject.STUDENT, world.own_class.children[0].public_id)
    assert done.receipt is not None
    backup.settle()
    eraser.ledger.add([Issued(done.receipt.replace(done.public_id, "another"), done.signature or b"", None)])
    with pytest.raises(LedgerError, match="not ours"):
        replay(eraser)
    assert backup.changes() == []


def test_nothing_to_replay_leaves_no_trace(eraser: Eraser, backup: Snapshots) -> None:
    assert replay(eraser) == {"receipts": 0, "erasures": 0}
    assert backup.changes() == []


def test_a_school_that_is_under_way_is_not_begun_a_second_time(
    world: World, eraser: Eraser, backup: Snapshots
) -> None:
    """All of it stands in the ledger already, and is there: the last of that is no school."""
    number = services.begin(
        eraser=eraser, subject=Subject.SCHOOL, public_id=world.outside.public_id, asked_as=AskedAs.COMMAND
    )
    for _ in range(2):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    assert replay(eraser) == {"receipts": 0, "erasures": 1}
    with transaction(SYSTEM) as tx:
        assert tx.get_one(Erasure, number).stage == Stage.VERIFIED
        assert not tx.scalars(select(Erasure.id).where(Erasure.asked_as == AskedAs.LEDGER)).all()
    backup.settle()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Erasure).where(Erasure.id == number))
