"""Exports while workers are killed at random, exports are given up and people in them are erased.

`FAULT_SECONDS` says for how long (600), `FAULT_SEED` repeats a run's choices. In the end each export is ready
and whole, given up or failed; there is no file without a row, no row without a file, and no mail twice.
"""

import hashlib
import io
import json
import os
import random
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from plugins.exports import services as exports
from plugins.exports.content.sealing import open_sealed
from plugins.exports.models import Export
from tests.factories.crowd import FIRST_SCHOOL, make_crowd
from tests.factories.world import make_world
from tests.faults.test_erasing import ask as erase
from tests.faults.test_erasing import not_ended, until_it_works
from tests.faults.test_jobs import NAMES, ROLES, Crowd, crowd, number, open_runs

__all__ = ["crowd"]
SECONDS = float(os.environ.get("FAULT_SECONDS", "600"))
LEAST = 30.0
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
STUDENTS, SCHOOLS = 2_000, 2
# How many are asked for, given up and erased in a second.
ASKED, GIVEN_UP, ERASED = 1.0, 0.2, 0.1
# Which share of kills waits for an export that is being made, and for how long.
CAUGHT, PATIENCE = 0.6, 8.0
SLOWEST = 6.0
SETTLING, POKE = 600, 20
WHO = Purpose("fault-exports")
WITNESS = """
create table fault.asked (erasure bigint primary key, subject text, number bigint, students bigint);
create table fault.ready (export bigint);
create function fault.note_ready() returns trigger language plpgsql security definer as $$
begin
  if new.state = 'ready' and old.state <> 'ready' then
    insert into fault.ready (export) values (new.id);
  end if;
  return new;
end $$;
create trigger witness after update on plugin_exports.export
  for each row execute function fault.note_ready();
"""
EXPORTS = "select count(*) from plugin_exports.export where state"
NONE_OF_THESE = (
    "exports neither ready nor over",
    "exports told as ready twice",
    "mails that say so beside exports that were ready",
    "files without a row",
    "rows without a file",
    "files that do not open or differ from their manifest",
    "ready files with somebody who is erased",
)


@dataclass
class Asker:
    """Asks for exports, and gives up some of those that are not ready."""

    who: Principal
    things: dict[Subject, list[str]]
    chance: random.Random
    asked: list[str] = field(default_factory=list)
    given_up: int = 0

    def ask(self) -> None:
        """One more, unless too many wait or what it was to be of is erased."""
        kind = self.chance.choice([Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL, Subject.SCHOOL])
        public_id = self.chance.choice(self.things[kind])
        try:
            self.asked.append(exports.ask(principal=self.who, subject=kind, public_id=public_id))
        except (Rejected, NotFound):
            return

    def give_up(self) -> None:
        """One of the latest, if it is still to be made."""
        try:
            exports.cancel(principal=self.who, export=self.chance.choice(self.asked[-20:]))
        except (Rejected, NotFound):
            return
        self.given_up += 1


@pytest.fixture
def witness(durable: Runtime, crowd: Crowd) -> Iterator[psycopg.Connection]:
    del crowd
    with psycopg.connect(durable.database.address, autocommit=True) as connection:
        connection.execute(WITNESS)
        yield connection


@pytest.fixture
def asker(durable: Runtime, witness: psycopg.Connection) -> Asker:
    world = make_world()
    make_crowd(durable, world, STUDENTS)
    things = {
        kind: [
            str(public_id)
            for (public_id,) in witness.execute(
                f"select public_id from app.{kind} where {column} = any (%s) order by id",
                [[FIRST_SCHOOL + each for each in range(SCHOOLS)]],
            ).fetchall()
        ]
        for kind, column in (
            (Subject.STUDENT, "school_id"),
            (Subject.CLASSROOM, "school_id"),
            (Subject.SCHOOL, "id"),
        )
    }
    return Asker(world.sign_in("leader"), things, random.Random(SEED))


def test_no_export_is_lost_half_or_told_twice_whoever_is_killed(
    durable: Runtime, crowd: Crowd, witness: psycopg.Connection, asker: Asker
) -> None:
    assert SECONDS >= LEAST, f"FAULT_SECONDS={SECONDS:.0f} tells nothing: give it {LEAST:.0f}."
    print(f"\nseed {SEED}, {SECONDS:.0f} s", flush=True)
    chance, eraser = asker.chance, eraser_of(durable, WHO)
    prey = chance.sample(asker.things[Subject.STUDENT], k=STUDENTS // 2)
    gone: set[str] = set()
    for name in ROLES:
        crowd.start(name)
    pace = min(until_it_works(witness), SLOWEST)
    kills: Counter[str] = Counter()
    caught = asked = given_up = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < SECONDS:
        while asked < elapsed * ASKED:
            asker.ask()
            asked += 1
        while given_up < elapsed * GIVEN_UP:
            asker.give_up()
            given_up += 1
        while len(gone) < elapsed * ERASED:
            erase(witness, eraser, (Subject.STUDENT, prey[-1]))
            gone.add(prey.pop())
        time.sleep(chance.uniform(0.1, 0.8) * pace)
        doomed = [chance.choice(ROLES)]
        if chance.random() < CAUGHT and being_made(witness):
            doomed, caught = [name for name in ROLES if name.startswith("worker")], caught + 1
        for name in doomed:
            crowd.kill(name)
            kills[name] += 1
        for name in doomed:
            crowd.start(name)
        # Else nobody would live long enough to take anything up.
        time.sleep(2 * pace if len(doomed) > 1 else 0)
    witness.execute("update app.job_schedule set paused_at = now() where job = any (%s)", [NAMES])
    until = time.monotonic() + SETTLING
    while (under_way(witness) or not_ended(witness) or open_runs(witness)) and time.monotonic() < until:
        poke(witness)
        time.sleep(POKE if not_ended(witness) else 2)
    # What lies there for nobody goes with the next sweep.
    codes = crowd.stop()
    exports.destroy(principal=WHO, folder=durable.settings.data_dir / "exports")
    told = facts(witness, durable.settings.data_dir / "exports", gone)
    print(
        f"killed: {dict(kills)}, {sum(kills.values())} in all, {caught} times all workers at an export;"
        f" {asker.given_up} given up by whoever asked"
    )
    print("\n".join(f"{name}: {value}" for name, value in told.items()), flush=True)
    assert set(codes) <= {0, -signal.SIGTERM}, crowd.log.read_text()[-4000:]
    assert told["exports that were ready"] > SECONDS / 20
    for name in NONE_OF_THESE:
        assert told[name] == 0, name


def being_made(witness: psycopg.Connection) -> bool:
    """Wait until an export is being made, with some of it written; whether there was one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if number(witness, f"{EXPORTS} = 'making' and done > 0"):
            return True
        time.sleep(0.005)
    return False


def under_way(witness: psycopg.Connection) -> int:
    return number(witness, f"{EXPORTS} in ('queued', 'making')")


def poke(witness: psycopg.Connection) -> None:
    """As the sweeps come every few minutes."""
    witness.execute(
        "update app.job_schedule set next_at = now() where job = any (%s)",
        [["core.go-on-erasing", "exports.destroy"]],
    )


def facts(witness: psycopg.Connection, folder: Path, gone: set[str]) -> dict[str, int]:
    """What became of the exports and their files."""
    with transaction(Purpose("faults")) as tx:
        found = tx.execute(select(Export.file, Export.file_key).where(Export.file.is_not(None))).all()
    rows = {row.file: row.file_key for row in found}
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    opened = [read(folder / name, rows[name]) for name in rows.keys() & there]
    states = witness.execute("select state, count(*) from plugin_exports.export group by 1").fetchall()
    ready = number(witness, "select count(*) from fault.ready")
    mails = number(witness, "select count(*) from app.mail where name = 'exports.export-ready'")
    return {
        **{f"exports {state}": count for state, count in sorted(states)},
        "exports that were ready": ready,
        "exports neither ready nor over": under_way(witness),
        "exports told as ready twice": ready
        - number(witness, "select count(distinct export) from fault.ready"),
        "mails that say so beside exports that were ready": abs(mails - ready),
        "files without a row": len(there - rows.keys()),
        "rows without a file": len(rows.keys() - there),
        "files that do not open or differ from their manifest": opened.count(None),
        "children erased": len(gone),
        "ready files with somebody who is erased": sum(
            1 for students in opened if students and gone & students
        ),
        "runs of making told as lost": number(
            witness, "select count(*) from app.job_run where state = 'lost' and job = 'exports.make'"
        ),
    }


def read(path: Path, key: bytes) -> set[str] | None:
    """The students in a file; None unless it is as its manifest says."""
    with open_sealed(path, key) as sealed:
        packed = b"".join(sealed.read_range())
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        if archive.testzip() is not None:
            return None
        said = json.loads(archive.read("manifest.json"))
        digests = {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if name != "manifest.json"
        }
        if digests != said["files"]:
            return None
        rows = json.loads(archive.read("data/students.json"))
    return {row["public_id"] for row in rows}
