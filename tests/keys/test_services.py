"""Rotating keys step by step: nothing is lost, nothing goes too early, every step may be repeated."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import LargeBinary, Text, cast, insert, select, text, type_coerce, update

from backoffice import clock
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.accounts.models import AccountLetter
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import Answer, answer
from backoffice.keys import queries, services
from backoffice.keys.services import KeysError
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment, Student
from backoffice.storage import keyring
from backoffice.storage.installation import Installation
from backoffice.storage.keyring import KeyPurpose, Keyring, Stage
from backoffice.storage.roles import DatabaseRole
from backoffice.students import tokens
from plugins.exports.models import Export, ExportState
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.hooks.models import CallState, DistrictHook, HookCall
from plugins.notifications.notices.models import LetterBatch
from plugins.notifications.scope.models import ScopeSource
from plugins.rosters.models import RosterImport, RosterUpload
from tests.factories import world as factory
from tests.factories.world import SYSTEM, World
from tests.keys.stored import keys_used, plain

SEAL, JWT = KeyPurpose.SEAL, KeyPurpose.STUDENT_JWT
AT_ONCE = timedelta(0)


class Rotation:
    """The steps over one database and its keyring."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.path = runtime, runtime.settings.keyring
        self.said: list[str] = []
        self.told: list[tuple[str, int]] = []

    @property
    def ring(self) -> Keyring:
        return Keyring.read(self.path)

    def prepare(self) -> None:
        services.prepare_keys(principal=SYSTEM, path=self.path)

    def use(self) -> Stage | None:
        return services.use_new_keys(principal=SYSTEM, path=self.path)

    def reseal(self) -> services.Resealed:
        return services.reseal(
            principal=SYSTEM,
            metadatas=self.runtime.metadatas,
            progress=lambda table, rows: self.told.append((table, rows)),
        )

    def retire(self, grace: timedelta = AT_ONCE) -> list[int]:
        return services.retire_seal_keys(
            principal=SYSTEM,
            path=self.path,
            metadatas=self.runtime.metadatas,
            progress=lambda _table, _rows: None,
            say=self.said.append,
            grace=grace,
        )

    def retire_signing(self, overlap: timedelta) -> dict[int, Any]:
        return services.retire_signing_keys(principal=SYSTEM, path=self.path, overlap=overlap)


@pytest.fixture
def rotation(runtime: Runtime) -> Rotation:
    return Rotation(runtime)


def with_files(tx: Transaction) -> None:
    """A roster upload in several pieces: values that are large."""
    number = tx.scalar(select(RosterImport.id).limit(1))
    assert number is not None
    for place in range(20, 40):
        tx.execute(insert(RosterUpload).values(import_id=number, number=place, content=b"x" * 5000))


# An export with everything of it that is sealed.
BEING_MADE = {
    "state": ExportState.MAKING,
    "locked": True,
    "passphrase": "maple umbrella",
    "file": cast(Export.id, Text),
    "file_key": b"k" * 32,
    "counts": {"students": 3},
}


def verbs() -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(
            tx.scalars(select(AuditEntry.verb).where(AuditEntry.verb.like("keys.%")).order_by(AuditEntry.id))
        )


# -- all of it


def test_every_value_of_every_table_lies_under_the_new_key_and_says_what_it_said(
    rotation: Rotation, runtime: Runtime, world: World
) -> None:
    with transaction(SYSTEM) as tx:
        with_files(tx)
        tx.execute(update(Enrollment).values(alias="Captain"))
        tx.execute(update(AccountLetter).values(device="Safari on an iPhone"))
        tx.execute(update(SecurityEvent).values(note="Called them"))
        tx.execute(update(Export).values(**BEING_MADE))
        tx.execute(update(DrillEvent).values(answered_at=clock.now(), answer="Call the narwhal"))
        withdrawn = {"withdrawn_at": clock.now(), "withdrawn_reason": "It was a walrus"}
        tx.execute(update(ScopeSource).values(**withdrawn))
        waits = {"state": CallState.WAITING, "finished_at": None, "body": b'{"type":"narwhal"}'}
        tx.execute(update(HookCall).values(**waits))
        tx.execute(update(DistrictHook).values(newer_secret="whsec_bmFyd2hhbA==", renewed_at=clock.now()))
        asked = {"print_asked_at": clock.now(), "print_language": "en", "pdf": b"%PDF of a narwhal"}
        tx.execute(update(LetterBatch).values(**asked))
    factory.add_passkey(world.people["founder"].id)
    world.sign_in("teacher")
    world.student(world.own_class, world.own_class.children[0])
    before = plain(runtime)
    assert {
        column.table.name for each in queries.sealed_tables(runtime.metadatas) for column in each.columns
    } == {place[0].partition(".")[2] for place in before}, "A table has no row to seal anew."
    rotation.use()
    rotation.reseal()
    assert rotation.retire() == [1]
    after = plain(runtime)
    assert {place: after[place] for place in before} == before
    assert set(keys_used(runtime)) == {2}
    assert set(rotation.ring.keys[SEAL]) == {2}


def test_each_step_is_in_the_trail(rotation: Rotation, world: World) -> None:
    rotation.use()
    rotation.reseal()
    rotation.retire()
    assert verbs() == ["keys.rotate", "keys.reseal", "keys.retire"]


def test_the_trail_answers_to_its_commitments_afterwards(rotation: Rotation, world: World) -> None:
    rotation.use()
    rotation.reseal()
    with transaction(SYSTEM) as tx:
        rows = tx.execute(
            select(AuditEntry.commitment, AuditDetail).join(
                AuditDetail, AuditDetail.entry_id == AuditEntry.id
            )
        ).all()
    assert {answer(committed, detail) for committed, detail in rows} == {Answer.FITS}


def test_what_only_digests_is_not_touched(rotation: Rotation, world: World) -> None:
    before = rotation.ring.keys
    rotation.use()
    rotation.reseal()
    rotation.retire()
    after = rotation.ring.keys
    assert {each for each in KeyPurpose if before[each] != after[each]} == {SEAL, JWT}


def test_a_second_rotation_is_a_third_key(rotation: Rotation, runtime: Runtime, world: World) -> None:
    for _ in range(2):
        rotation.use()
        rotation.reseal()
        rotation.retire()
    assert set(rotation.ring.keys[SEAL]) == set(keys_used(runtime)) == {3}


def test_a_rotation_under_way_goes_on_and_is_no_new_one(rotation: Rotation, world: World) -> None:
    rotation.use()
    first = rotation.ring.keys
    rotation.use()
    assert rotation.ring.keys == first


def test_nobody_else_rotates(rotation: Rotation, world: World) -> None:
    before = rotation.ring.keys
    for who in (Principal(Nobody()), world.sign_in("founder")):
        with pytest.raises(Denied):
            services.use_new_keys(principal=who, path=rotation.path)
        with pytest.raises(Denied):
            services.reseal(principal=who, metadatas=rotation.runtime.metadatas, progress=lambda *_: None)
    assert rotation.ring.keys == before


# -- while others write


def given(student: int) -> Any:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(Student.given_name).where(Student.id == student))


def test_what_somebody_writes_meanwhile_is_not_overwritten(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row in use is passed over, without waiting, and done when it is free."""
    child = world.own_class.children[0]
    rotation.use()
    engine = runtime.database.engine(DatabaseRole.SYSTEM)
    writer = engine.connect()
    writer.execute(text("select set_config('app.purpose', 'test', true)"))
    sealed = keyring.current().seal(b"Written meanwhile", context="student.given_name")
    writer.execute(
        text("update app.student set given_name = :name where id = :id"), {"name": sealed, "id": child.id}
    )
    monkeypatch.setattr(services, "PASSES", 1)
    done = rotation.reseal()
    assert (done.left, given(child.id)) == (1, child.given)
    writer.commit()
    writer.close()
    assert rotation.reseal().left == 0
    assert given(child.id) == "Written meanwhile"
    assert set(keys_used(runtime)) == {2}


def test_rows_in_use_are_tried_again(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation.use()
    holder = runtime.database.engine(DatabaseRole.SYSTEM).connect()
    holder.execute(text("select set_config('app.purpose', 'test', true)"))
    holder.execute(text("select id from app.student for update"))

    def free(_seconds: float) -> None:
        holder.close()

    monkeypatch.setattr(time, "sleep", free)
    assert rotation.reseal().left == 0


def test_batches_reach_every_row_and_are_transactions_of_their_own(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "ROWS", 3)
    monkeypatch.setattr(queries, "ROWS_WITH_FILES", 1)
    rotation.use()
    rotation.reseal()
    students = [rows for table, rows in rotation.told if table == "app.student"]
    assert students == [3, 6, 8]
    assert set(keys_used(runtime)) == {2}


def test_a_rotation_killed_in_the_middle_is_finished_by_the_next(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plain(runtime)
    rotation.use()
    put, puts = queries.put_rows, iter(range(6))

    def killed(*arguments: Any) -> None:
        if next(puts, None) is None:
            raise KeyboardInterrupt
        put(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(queries, "put_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            rotation.reseal()
    assert set(keys_used(runtime)) == {1, 2}
    rotation.use()
    rotation.reseal()
    rotation.retire()
    after = plain(runtime)
    assert {place: after[place] for place in before} == before
    assert set(keys_used(runtime)) == {2}


# -- retiring


def old_value(student: int, ring: Keyring) -> None:
    """A value under the old key, as from a process that has not heard yet."""
    sealed = Keyring({**ring.keys, SEAL: {1: ring.keys[SEAL][1]}}).seal(b"Late", context="student.given_name")
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Student).where(Student.id == student).values(given_name=type_coerce(sealed, LargeBinary))
        )


def test_what_was_sealed_late_is_found_before_the_key_goes(
    rotation: Rotation, runtime: Runtime, world: World
) -> None:
    rotation.use()
    rotation.reseal()
    child = world.own_class.children[0].id
    old_value(child, rotation.ring)
    rotation.retire()
    assert (given(child), set(keys_used(runtime))) == ("Late", {2})


def test_a_key_stays_while_rows_need_it(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation.use()
    monkeypatch.setattr(services, "PASSES", 1)
    monkeypatch.setattr(queries, "all_ended_before", lambda *_: True)
    with runtime.database.engine(DatabaseRole.SYSTEM).begin() as holder:
        holder.execute(text("select set_config('app.purpose', 'test', true)"))
        holder.execute(text("select id from app.student for update"))
        with pytest.raises(KeysError, match="8 rows were in use"):
            rotation.retire()
    assert set(rotation.ring.keys[SEAL]) == {1, 2}


def test_a_key_stays_until_the_grace_is_over(rotation: Rotation, world: World) -> None:
    now = clock.now()
    with time_machine.travel(now, tick=False) as traveller:
        rotation.use()
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            assert set(rotation.ring.keys[SEAL]) == {1, 2}
            traveller.shift(seconds)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "sleep", sleep)
            assert rotation.retire(timedelta(seconds=60)) == [1]
        assert 60 <= sum(slept) < 62
    until = f"{now + timedelta(seconds=60):%H:%M:%S}"
    assert [each.startswith(f"Waiting until {until} UTC") for each in rotation.said] == [True]


def test_a_key_stays_while_a_transaction_from_before_may_write(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed under the old key, written, not yet committed: no count sees it."""
    ring = rotation.ring
    late = world.own_class.children[0].id
    sealed = ring.seal(b"Late", context="student.given_name")
    importer = runtime.database.engine(DatabaseRole.SYSTEM).connect()
    importer.execute(text("select set_config('app.purpose', 'test', true)"))
    rotation.use()
    rotation.reseal()
    importer.execute(text("update app.student set given_name = :n where id = :id"), {"n": sealed, "id": late})
    waits = 0

    def sleep(_seconds: float) -> None:
        nonlocal waits
        waits += 1
        assert set(rotation.ring.keys[SEAL]) == {1, 2}
        if waits == 3:
            importer.commit()

    monkeypatch.setattr(time, "sleep", sleep)
    assert rotation.retire() == [1]
    importer.close()
    assert (waits >= 3, given(late), set(keys_used(runtime))) == (True, "Late", {2})


def test_a_transaction_that_never_ends_keeps_the_key(
    rotation: Rotation, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation.use()
    monkeypatch.setattr(services, "PATIENCE", timedelta(seconds=0.2))
    with runtime.database.engine(DatabaseRole.SYSTEM).begin() as endless:
        endless.execute(text("select pg_current_xact_id()"))
        with pytest.raises(KeysError, match="has not ended"):
            rotation.retire()
    assert set(rotation.ring.keys[SEAL]) == {1, 2}


def test_a_value_that_does_not_open_keeps_the_key_and_is_named(
    rotation: Rotation, runtime: Runtime, world: World
) -> None:
    broken = type_coerce(b"\0\1" + b"x" * 40, LargeBinary)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Student).where(Student.id == world.own_class.children[0].id).values(family_name=broken)
        )
    rotation.use()
    done = rotation.reseal()
    assert (dict(done.unreadable), done.left) == ({"app.student.family_name": 1}, 0)
    with pytest.raises(KeysError) as raised:
        rotation.retire()
    assert str(raised.value) == (
        "The old key is kept: values do not open with this keyring: app.student.family_name (1)."
    )
    assert set(rotation.ring.keys[SEAL]) == {1, 2}


@pytest.mark.parametrize("readable", [True, False])
def test_a_table_of_no_installed_plugin_keeps_the_key(
    rotation: Rotation, runtime: Runtime, world: World, readable: bool
) -> None:
    sealed = rotation.ring.seal(b"Ada", context="thing.name")
    with runtime.database.engine(DatabaseRole.OWNER).begin() as owner:
        owner.execute(text("create schema plugin_gone"))
        owner.execute(text("create table plugin_gone.thing (id int primary key, name bytea)"))
        if readable:
            owner.execute(text("insert into plugin_gone.thing values (1, :name)"), {"name": sealed})
            owner.execute(text("grant usage on schema plugin_gone to backoffice_system"))
            owner.execute(text("grant select on plugin_gone.thing to backoffice_system"))
    rotation.use()
    with pytest.raises(KeysError, match=r"plugin_gone\.thing\.name may be sealed with it"):
        rotation.retire()
    assert set(rotation.ring.keys[SEAL]) == {1, 2}


def test_digests_of_no_installed_plugin_keep_no_key(
    rotation: Rotation, runtime: Runtime, world: World
) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as owner:
        owner.execute(text("create schema plugin_gone"))
        owner.execute(text("create table plugin_gone.thing (id int primary key, found_by bytea)"))
        owner.execute(text("insert into plugin_gone.thing values (1, :v)"), {"v": b"\0\1" + b"x" * 14})
        owner.execute(text("grant usage on schema plugin_gone to backoffice_system"))
        owner.execute(text("grant select on plugin_gone.thing to backoffice_system"))
    rotation.use()
    assert rotation.retire() == [1]


# -- tokens of students


def test_the_new_key_signs_and_the_old_one_is_taken_until_sessions_are_over(
    rotation: Rotation, world: World
) -> None:
    overlap = timedelta(hours=8)
    now = clock.now()
    with time_machine.travel(now, tick=False) as traveller:
        old = tokens.issue(uuid4(), idle=timedelta(hours=20), ends_at=now + timedelta(hours=20))
        rotation.use()
        new = tokens.issue(uuid4(), idle=timedelta(hours=20), ends_at=now + timedelta(hours=20))
        assert rotation.retire_signing(overlap) == {1: now + overlap}
        traveller.shift(overlap - timedelta(seconds=1))
        rotation.retire_signing(overlap)
        assert tokens.verify(old)
        traveller.shift(timedelta(seconds=1))
        assert rotation.retire_signing(overlap) == {1: None}
        assert tokens.verify(old) is None
        assert tokens.verify(new)
    assert set(rotation.ring.keys[JWT]) == {2}


def test_of_several_old_keys_each_has_its_own_end(rotation: Rotation, world: World) -> None:
    now = clock.now()
    with time_machine.travel(now, tick=False) as traveller:
        for _ in range(2):
            rotation.use()
            rotation.reseal()
            rotation.retire()
            traveller.shift(timedelta(hours=5))
        assert rotation.retire_signing(timedelta(hours=8)) == {1: None, 2: now + timedelta(hours=13)}
    assert set(rotation.ring.keys[JWT]) == {2, 3}


# -- with copies on other machines


def test_what_is_prepared_is_not_used(rotation: Rotation, world: World) -> None:
    rotation.prepare()
    assert (set(rotation.ring.keys[SEAL]), set(rotation.ring.keys[JWT])) == ({1, 2}, {1, 2})
    assert keyring.current().seal(b"", context="x")[:2] == b"\0\1"
    assert keyring.current().newest(JWT)[0] == 1
    assert rotation.retire() == []
    assert verbs() == ["keys.prepare"]


def test_a_prepared_rotation_stops_for_copies_and_is_finished_by_retiring(
    rotation: Rotation, runtime: Runtime, world: World
) -> None:
    rotation.prepare()
    assert rotation.use() is Stage.STARTED
    assert rotation.use() is Stage.STARTED
    rotation.reseal()
    assert set(keys_used(runtime)) == {2}
    assert rotation.retire() == [1]
    assert (rotation.ring.stage, set(rotation.ring.keys[SEAL])) == (None, {2})


@pytest.mark.parametrize("step", ["prepare", "use"])
def test_nothing_is_prepared_during_a_rotation(rotation: Rotation, world: World, step: str) -> None:
    getattr(rotation, step)()
    with pytest.raises(KeysError, match="under way"):
        rotation.prepare()


def test_a_machine_with_the_prepared_copy_follows_the_first_value_under_the_new_key(
    rotation: Rotation, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation.prepare()
    copy = tmp_path / "copy.json"
    copy.write_bytes(rotation.path.read_bytes())
    copy.chmod(0o600)
    rotation.use()
    rotation.reseal()
    # The other machine's file still says prepared.
    monkeypatch.setattr(keyring, "_installed", Keyring.read(copy))
    assert keyring.current().seal(b"", context="x")[:2] == b"\0\1"
    with transaction(SYSTEM) as tx:
        tx.scalar(select(Installation.keyring_mark))
    assert keyring.current().seal(b"", context="x")[:2] == b"\0\2"


# -- the file


def test_without_the_entry_in_the_trail_no_key_changes(
    rotation: Rotation, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any, **_detail: Any) -> None:
        raise RuntimeError

    before = json.loads(rotation.path.read_text())
    monkeypatch.setattr(services, "record", fails)
    with pytest.raises(RuntimeError):
        rotation.use()
    assert json.loads(rotation.path.read_text()) == before


def test_a_file_that_cannot_be_changed_leaves_no_entry(
    rotation: Rotation, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.replace", refused)
    with pytest.raises(keyring.KeyringError, match="cannot be changed: Permission denied"):
        rotation.use()
    assert verbs() == []
    assert set(rotation.ring.keys[SEAL]) == {1}
