"""A deleted field stays deleted, also when a database from before is restored."""

import json
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.fields import services
from backoffice.fields.models import ClassroomValue, CustomField, FieldSubject, StudentValue
from backoffice.jobs.models import QueuedJob
from backoffice.privacy.erasure import fields
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import FILE, LedgerFile
from backoffice.privacy.erasure.models import ErasureMark
from backoffice.privacy.erasure.replaying import is_behind, replay
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from tests.contract.snapshot import Snapshots
from tests.factories.commands import Run
from tests.factories.world import SYSTEM, World, custom_field, field_value

WHO = Purpose("test-deleted-fields")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture
def filled(world: World, backup: Snapshots) -> tuple[str, str]:
    """A field of students and one of classes, each with something written in it; both are in the backup."""
    with transaction(SYSTEM) as tx:
        bus = custom_field(tx, world.home, FieldSubject.STUDENT, name="Bus")
        room = custom_field(tx, world.home, FieldSubject.CLASSROOM, name="Room")
        for child in world.own_class.children[:2]:
            field_value(tx, bus, child, "Line 7")
        field_value(tx, room, world.own_class, "Hall")
        found = bus.public_id, room.public_id
    backup.keep()
    return found


def erase(world: World, field: str, name: str) -> None:
    services.erase_field(principal=world.sign_in("leader"), field=field, typed=name)


def row_of(field: str) -> CustomField:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(CustomField).where(CustomField.public_id == field)).one()


def values_of(field: CustomField) -> int:
    with transaction(SYSTEM) as tx:
        return sum(
            len(tx.scalars(select(model.value).where(model.field_id == field.id)).all())
            for model in (StudentValue, ClassroomValue)
        )


def test_a_deleted_field_is_noted_by_a_worker(world: World, eraser: Eraser, filled: tuple[str, str]) -> None:
    bus, room = filled
    erase(world, bus, "Bus")
    with transaction(SYSTEM) as tx:
        asked = select(QueuedJob.id).where(QueuedJob.task_name == services.STAY_DELETED)
        assert tx.scalars(asked).all()
    assert fields.stay_deleted(eraser) == (1, 0)
    assert fields.stay_deleted(eraser) == (0, 0)
    erase(world, room, "Room")
    assert fields.note(eraser) == 1
    with transaction(SYSTEM) as tx:
        marks = tx.scalars(select(ErasureMark).where(ErasureMark.kind == fields.KIND)).all()
        assert {each.erasure for each in marks} == {bus, room}
    told = eraser.ledger._path.read_text()
    assert "Bus" not in told
    assert not is_behind(eraser)


def test_a_field_that_a_backup_brings_back_is_deleted_again_and_no_other(
    world: World, eraser: Eraser, backup: Snapshots, filled: tuple[str, str]
) -> None:
    bus, room = filled
    erase(world, bus, "Bus")
    fields.note(eraser)
    backup.settle()
    assert row_of(bus).name == "Bus"
    assert values_of(row_of(bus)) == 2
    assert is_behind(eraser)
    # What is looked for meanwhile does not hide that there is something to replay.
    assert fields.stay_deleted(eraser) == (0, 0)
    assert is_behind(eraser)
    assert replay(eraser) == {"receipts": 0, "erasures": 1}
    again = row_of(bus)
    assert (again.name, again.purpose, again.choices, again.need) == (None, None, None, None)
    assert (again.values_gone, again.erased_by) == (2, None)
    assert values_of(again) == 0
    assert row_of(room).name == "Room"
    assert values_of(row_of(room)) == 1
    assert replay(eraser) == {"receipts": 0, "erasures": 0}
    assert not is_behind(eraser)


def test_a_field_that_was_made_anew_under_its_name_stays(
    world: World, eraser: Eraser, backup: Snapshots, filled: tuple[str, str]
) -> None:
    bus, _room = filled
    erase(world, bus, "Bus")
    fields.note(eraser)
    with transaction(SYSTEM) as tx:
        anew = custom_field(tx, world.home, FieldSubject.STUDENT, name="Bus").public_id
    backup.keep()
    assert replay(eraser) == {"receipts": 0, "erasures": 0}
    assert row_of(anew).name == "Bus"
    with transaction(SYSTEM) as tx:
        tx.execute(delete(CustomField).where(CustomField.public_id == anew))


def test_what_a_hold_keeps_waits_for_its_end(
    world: World, eraser: Eraser, backup: Snapshots, filled: tuple[str, str]
) -> None:
    bus, room = filled
    erase(world, bus, "Bus")
    erase(world, room, "Room")
    fields.note(eraser)
    backup.settle()
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(LegalHold).values(
                id=tx.take_id(LegalHold),
                public_id=new_public_id(),
                subject=Subject.STUDENT,
                subject_id=world.own_class.children[0].id,
                outside="x" * 16,
                school_id=world.home.id,
                state=HoldState.IN_FORCE,
                reason="A file",
                review_on=clock.now().date(),
                proposed_at=clock.now(),
                confirmed_at=clock.now(),
            )
        )
    replay(eraser)
    assert row_of(bus).name == "Bus"
    assert values_of(row_of(bus)) == 2
    assert row_of(room).name is None
    with transaction(SYSTEM) as tx:
        tx.execute(update(LegalHold).values(state=HoldState.RELEASED, ended_at=clock.now()))
    assert fields.stay_deleted(eraser) == (0, 1)
    assert row_of(bus).name is None


def test_the_command_does_it_too(
    world: World,
    run: Run,
    runtime: Runtime,
    backup: Snapshots,
    filled: tuple[str, str],
    tmp_path: Path,
) -> None:
    bus, _room = filled
    made = eraser_of(runtime, WHO)
    here = Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path / "ledger"), made.backups_kept)
    erase(world, bus, "Bus")
    fields.note(here)
    assert (tmp_path / "ledger" / FILE).exists()
    backup.settle()
    done = run("privacy", "replay-ledger", "--json", BACKOFFICE_DATA_DIR=str(tmp_path))
    assert done.code == 0, done
    assert json.loads(done.out) == {"receipts": 0, "erasures": 1}
    assert values_of(row_of(bus)) == 0
