"""Dumps from before an erasure and from after it, of each kind of subject.

One from before is restored into another database and put right by the ledger: then that holds what the live
one holds. One from after it holds nothing by which the subject could be told again.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import NullPool, insert, make_url, select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.models import AuditDetail
from backoffice.audit.trail import record
from backoffice.privacy.erasure import services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.plan import plan_for
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.saved_views.services import save_view
from backoffice.schools.models import Enrollment
from backoffice.storage import about, database
from backoffice.storage.database import Database, make_engine
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.roles import DatabaseRole, prepare_roles
from tests.conftest import administer
from tests.contract.snapshot import Rows, Snapshots, snapshots
from tests.factories.commands import Run
from tests.factories.world import SYSTEM, World, add_child
from tests.privacy.erasure.everywhere import put_everywhere
from tests.privacy.erasure.telling import gone_between, subjects
from tests.privacy.scanner import held, held_bytes

WHO = Purpose("test-dumps")
# Where an erasure, and a replay of it, write something of their own.
WRITTEN = {
    "app.erasure",
    "app.erasure_mark",
    "app.ledger_end",
    "app.audit_entry",
    "app.audit_detail",
    # Plugins hear of it, and have files destroyed, here and elsewhere.
    "app.job_run",
    "app.erasure_outside",
}
NAMED = {Subject.STUDENT: about.STUDENT, Subject.CLASSROOM: about.CLASSROOM, Subject.ACCOUNT: about.ACCOUNT}


@pytest.fixture(scope="module")
def kept(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    """A world with a child of two classes, lists that name somebody, and a trail about several."""
    teacher, room = world.sign_in("teacher"), world.own_class
    save_view(principal=teacher, grid="students", name="Otters", state=f"classroom={room.public_id}")
    save_view(principal=world.sign_in("colleague"), grid="students", name="Mine", state="")
    world.sign_in("outsider")
    for each in (room, world.foreign_class):
        world.student_session(each, each.children[0])
    with transaction(SYSTEM) as tx:
        put_everywhere(tx, world)
        both = add_child(tx, room, "Bertha", "Bothclasses")
        place = {"school_id": world.home.id, "classroom_id": world.colleague_class.id, "student_id": both.id}
        seat = insert(Enrollment).values(**place, avatar="fox", balance=0, joined_at=clock.now())
        tx.execute(seat)
        record(tx, "tests.many", school_id=world.home.id, students=[*(c.id for c in room.children), both.id])
        record(tx, "tests.people", accounts=[world.people[each].id for each in ("colleague", "parent")])
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken


@pytest.fixture(autouse=True)
def _as_it_was(kept: Snapshots) -> Iterator[None]:
    yield
    kept.settle()


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    """Its ledger lies where commands look for it whose data folder is the test's."""
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path / "ledger"), made.backups_kept)


@pytest.fixture(scope="module")
def backup(runtime: Runtime, server: EmbeddedServer, kept: Snapshots, folder: Path) -> Path:
    """A dump of everything, as the database's owner makes it."""
    del kept
    path = folder / "before.dump"
    dump(runtime, server, "--format", "custom", "--file", str(path))
    return path


def dump(runtime: Runtime, server: EmbeddedServer, *options: str) -> bytes:
    """What `pg_dump` says."""
    url = runtime.database.url(DatabaseRole.OWNER).set(drivername="postgresql")
    return program(server, "pg_dump", "--enable-row-security", *options, url.render_as_string(False))


def program(server: EmbeddedServer, name: str, *arguments: str) -> bytes:
    """What one of the server's own programs prints."""
    done = subprocess.run([server.bin / name, *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def restored(runtime: Runtime, server: EmbeddedServer, backup: Path) -> Iterator[Runtime]:
    """The dump in a new database."""
    name = f"restored_{uuid4().hex[:12]}"
    administer(server, f"create database {name}")
    address = server.url(database=name)
    plain = make_url(address).set(drivername="postgresql").render_as_string(False)
    program(server, "pg_restore", "--exit-on-error", "--dbname", plain, str(backup))
    # Rights on a database are not in a dump of it.
    with make_engine(
        make_url(address).set(drivername="postgresql+psycopg"), poolclass=NullPool
    ).begin() as it:
        prepare_roles(it)
    opened = replace(runtime, database=Database(address))
    yield opened
    database.use(runtime.database)
    opened.database.dispose()
    administer(server, f"drop database {name} with (force)")


@pytest.mark.parametrize("subject", list(Subject))
def test_a_restored_dump_is_put_right_by_the_ledger(
    runtime: Runtime,
    world: World,
    eraser: Eraser,
    restored: Runtime,
    kept: Snapshots,
    run: Run,
    tmp_path: Path,
    subject: Subject,
) -> None:
    done = services.erase(
        eraser=eraser, subject=subject, public_id=subjects(world)[subject], asked_as=AskedAs.COMMAND
    )
    live, trail = kept._rows(kept.tables), opened_trail(runtime)
    gone = {table: rows.keys() - live[table].keys() for table, rows in kept._base.items()}
    assert gone[f"app.{subject}"]

    here = partial(run, BACKOFFICE_DATABASE_URL=restored.database.address, BACKOFFICE_DATA_DIR=str(tmp_path))
    with snapshots(restored) as there:
        # All that is in the one is in the other: what follows says nothing otherwise.
        assert there._rows(there.tables) == kept._base
        assert here("privacy", "replay-ledger") == (0, "1 erasures repeated, 1 receipts put back.\n", "")
        now = there._rows(there.tables)
    assert {table for table, rows in now.items() if rows != live[table] and table not in WRITTEN} == set()
    for table, keys in gone.items():
        assert not keys & now[table].keys(), table
    before = {json.loads(row)["entry_id"] for row in kept._base[DETAILS].values()}
    known = {number: detail for number, detail in trail.items() if number in before}
    assert known
    assert {n: detail for n, detail in opened_trail(restored).items() if n in known} == known
    with opened(restored) as tx:
        known_there = tx.scalars(select(Erasure).where(Erasure.public_id == done.public_id)).one()
        assert (known_there.stage, known_there.receipt) == (Stage.VERIFIED, done.receipt)


@contextmanager
def opened(runtime: Runtime) -> Iterator[Transaction]:
    """A transaction in another database than the process's."""
    before = database.current()
    database.use(runtime.database)
    try:
        with transaction(SYSTEM) as tx:
            yield tx
    finally:
        database.use(before)


def opened_trail(runtime: Runtime) -> dict[int, Any]:
    """The details of the trail as they read: one that somebody was taken out of is sealed anew."""
    with opened(runtime) as tx:
        return {
            row.entry_id: (row.detail, row.redacted, row.about) for row in tx.scalars(select(AuditDetail))
        }


@pytest.mark.parametrize("subject", list(Subject))
def test_a_dump_after_it_tells_nothing_of_the_subject(
    runtime: Runtime,
    server: EmbeddedServer,
    world: World,
    eraser: Eraser,
    kept: Snapshots,
    subject: Subject,
) -> None:
    before = dump(runtime, server)
    done = services.erase(
        eraser=eraser, subject=subject, public_id=subjects(world)[subject], asked_as=AskedAs.COMMAND
    )
    now = kept._rows(kept.tables)
    telling, marks = gone_between(kept._base, now), marks_of_gone(eraser, kept, now)
    after = dump(runtime, server)
    assert subjects(world)[subject] in telling.texts
    # It looks for what there was: all of it stood in the dump before.
    assert set(held(before, telling.texts)) == telling.texts
    assert set(held_bytes(before, telling.values)) == telling.values
    assert held_bytes(before, marks)
    assert held(after, telling.texts) == {}
    # The ledger has the marks of whoever was made one with them.
    assert set(held_bytes(after, telling.values)) <= merged(kept, now)
    assert held_bytes(after, marks) == {}
    assert done.public_id.encode() in after


@pytest.mark.parametrize("subject", list(Subject))
def test_each_table_that_could_hold_it_held_something(
    world: World, eraser: Eraser, kept: Snapshots, subject: Subject
) -> None:
    """Else the tests above would say nothing about it."""
    with transaction(WHO) as tx:
        plan = plan_for(tx, subject, services._place(tx, subject, subjects(world)[subject])[0])
        assert plan is not None
        could = {part.table.fullname for target in plan.targets for part in eraser.parts(target)}
        could |= {str(of.model.__table__) for of, _target in eraser.held(plan)}
    services.erase(
        eraser=eraser, subject=subject, public_id=subjects(world)[subject], asked_as=AskedAs.COMMAND
    )
    assert could - {each.table for each in kept.changes()} == set()


@pytest.mark.parametrize("subject", list(Subject))
def test_in_the_files_of_the_server_nothing_was_ever_in_the_clear(
    runtime: Runtime, server: EmbeddedServer, world: World, eraser: Eraser, subject: Subject
) -> None:
    """Neither in heap pages and indexes nor in the log of writes, before and after."""
    secrets = in_the_clear(world)[subject]
    administer(server, "checkpoint")
    services.erase(
        eraser=eraser, subject=subject, public_id=subjects(world)[subject], asked_as=AskedAs.COMMAND
    )
    administer(server, "checkpoint")
    public_id = subjects(world)[subject].encode()
    piles = list(files(runtime, server))
    # It is the right folder: an opaque identifier is not sealed.
    assert any(public_id in pile for pile in piles)
    for pile in piles:
        for secret in secrets:
            assert secret.casefold().encode() not in pile
            assert secret.casefold().encode().hex().encode() not in pile
            assert secret.casefold().encode("utf-16-le") not in pile


def files(runtime: Runtime, server: EmbeddedServer) -> Iterator[bytes]:
    """All that the server keeps of this database and of what was written lately, in small letters."""
    with psycopg.connect(runtime.database.address) as connection:
        row = connection.execute("select oid from pg_database where datname = current_database()").fetchone()
    assert row is not None
    for folder in (server.data / "base" / str(row[0]), server.data / "pg_wal", server.data / "global"):
        for path in sorted(folder.iterdir()):
            if path.is_file():
                yield path.read_bytes().lower()


def in_the_clear(world: World) -> dict[Subject, set[str]]:
    """What was put in about each of the subjects."""
    room, person = world.own_class, world.people["colleague"]
    child, guest = room.children[0], world.people["outsider"]
    children = {name for each in room.children for name in (each.given, str(each.family))}
    foreign = {str(each.family) for each in world.foreign_class.children}
    return {
        Subject.STUDENT: {child.given, str(child.family), str(child.username)},
        Subject.CLASSROOM: {
            room.name,
            room.code,
            f"Former {room.name}",
            f"Praise of the {room.name}",
            *children,
        },
        Subject.ACCOUNT: {person.email, person.name},
        Subject.SCHOOL: {"Outside Oaks School", guest.email, guest.name, world.foreign_class.name, *foreign},
        Subject.DISTRICT: {"Quillfeather District", "Home Hollow", "Elsewhere Elms", room.name, *children},
    }


def marks_of_gone(eraser: Eraser, kept: Snapshots, now: dict[str, Rows]) -> set[bytes]:
    """The marks by which sealed texts were found that were about them."""
    del eraser
    found: set[bytes] = set()
    for subject, kind in NAMED.items():
        rows = kept._base[f"app.{subject}"]
        gone = [json.loads(row) for key, row in rows.items() if key not in now[f"app.{subject}"]]
        found |= {mark.bytes for mark in about.marks(kind, [each["id"] for each in gone])}
        found |= {about.outside(each["public_id"]).bytes for each in gone}
    return found


def merged(kept: Snapshots, now: dict[str, Rows]) -> set[bytes]:
    """The marks of those who were made one with somebody who is gone."""
    rows = kept._base["app.merged_mark"]
    gone = [json.loads(row)["mark"] for key, row in rows.items() if key not in now["app.merged_mark"]]
    return {UUID(hex=each).bytes for each in gone}


DETAILS = "app.audit_detail"
