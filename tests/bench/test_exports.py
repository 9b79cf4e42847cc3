"""A school of 100,000 students goes along: seconds beside `COPY ... TO STDOUT`, memory beside a tenth of it.

The floor is what the database takes to give out the same rows: of each table that is in the archive the
columns that are taken along, sealed as they lie there, and nobody does anything with them. Beside it stands
what it takes to give them out as the archive has them: with what that which they point at is known by in the
place of its number, and with moments in UTC; sealed, and nobody does anything with them either. What is
measured is the whole making: opening seals, CSV and JSON, digests, packing, and sealing the file. `STUDENTS`
says how many there are (10,000).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from backoffice import launch
from backoffice.access.transaction import snapshot
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import embedded
from backoffice.storage.embedded import EmbeddedServer
from plugins.exports.content.rows import reading_of
from plugins.exports.content.scope import Scope
from tests.bench.table import how_busy, load, machine
from tests.factories.crowd import make_full_school
from tests.factories.world import SYSTEM, make_world

# What an operator of a machine with some gigabytes sets.
PRODUCTION = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
STUDENTS = int(os.environ.get("STUDENTS", "10000"))
POINTS = 20
ROUNDS = int(os.environ.get("ROUNDS", "3"))
REACH, MEMORY = 5.0, 1.1
# Makes one as a worker does, and prints its own seconds, its peak memory (kilobytes) and the file's size. Not
# `ru_maxrss`, which begins with what the process had that started it.
MAKING = """
import json, re, sys, time
from pathlib import Path
from backoffice.access.principal import Purpose
from backoffice.access.transaction import snapshot
from backoffice.privacy.holdings import Subject
from backoffice.runtime import open_runtime
from backoffice.serve import settle
from backoffice.settings import Settings
from plugins.exports.content import Scope, write_archive
from plugins.exports.content.sealing import SealedWriter
address, keyring, number, public_id, path = sys.argv[1:]
open_runtime(Settings(keyring_file=Path(keyring)), address)
settle()
began = time.monotonic()
with snapshot(Purpose("bench")) as tx, open(path, "wb") as file, SealedWriter(file) as to:
    made = write_archive(tx, Scope(Subject.SCHOOL, int(number), public_id), to)
seconds = time.monotonic() - began
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
print(json.dumps([seconds, int(peak), made.rows, Path(path).stat().st_size]))
"""


@dataclass(frozen=True)
class School:
    """A school in a database of its own."""

    runtime: Runtime
    number: int
    public_id: str

    @property
    def address(self) -> str:
        return self.runtime.database.address


@dataclass(frozen=True)
class Measured:
    """One export in a process of its own."""

    seconds: float
    peak: float  # MiB
    rows: int
    size: float  # MiB


@pytest.fixture(scope="module")
def production(folder: Path) -> Iterator[EmbeddedServer]:
    started = embedded.start(folder / "production", options=PRODUCTION)
    yield started
    embedded.stop(started, mode="immediate")


def filled(server: EmbeddedServer, keyring_file: Path, students: int) -> School:
    name = f"bench_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    runtime = open_runtime(Settings(keyring_file=keyring_file), server.url(database=name))
    launch.migrate(runtime)
    world = make_world()
    number, public_id = make_full_school(runtime, world.people["teacher"].id, students, POINTS)
    return School(runtime, number, public_id)


def made(school: School, keyring_file: Path, folder: Path) -> Measured:
    given = [school.address, str(keyring_file), str(school.number), school.public_id, str(folder / "made")]
    done = subprocess.run([sys.executable, "-c", MAKING, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds, peak, rows, size = json.loads(done.stdout)
    return Measured(seconds, peak / 1024, rows, size / 1024**2)


def copies(school: School) -> list[sql.Composed]:
    """For each table the rows that are in the archive, with the columns that are taken along."""
    with snapshot(SYSTEM) as tx:
        kinds = [rows.kind for rows in reading_of(tx, Scope(Subject.SCHOOL, school.number, "")).rows]
    found = []
    for kind in kinds:
        table = sql.Identifier(str(kind.table.schema), kind.table.name)
        columns = sql.SQL(", ").join(sql.Identifier(each.column.name) for each in kind.fields)
        of_it = {"app.school": "id"}.get(str(kind.table), "school_id")
        where = sql.SQL(" where {} = {}").format(sql.Identifier(of_it), sql.Literal(school.number))
        only = where if of_it in kind.table.columns else sql.SQL(" limit 1")
        found.append(sql.SQL("copy (select {} from {}{}) to stdout").format(columns, table, only))
    return found


def as_they_leave(school: School) -> list[sql.Composed]:
    """The statements of the export itself, to be copied out."""
    with snapshot(SYSTEM) as tx:
        dialect = tx.connection().dialect
        read = reading_of(tx, Scope(Subject.SCHOOL, school.number, school.public_id)).rows
    whole = {"literal_binds": True}
    texts = [
        str(each.compile(dialect=dialect, compile_kwargs=whole)).replace("%%", "%")
        for rows in read
        for each in rows.statements
    ]
    # Of nobody's making but ours.
    return [sql.SQL("copy ({}) to stdout").format(sql.SQL(text)) for text in texts]


def copied(connection: psycopg.Connection, statements: Sequence[sql.Composed]) -> float:
    began = time.monotonic()
    for statement in statements:
        with connection.cursor().copy(statement) as out:
            for _piece in out:
                pass
    return time.monotonic() - began


def test_a_large_school_goes_along(production: EmbeddedServer, keyring_file: Path, tmp_path: Path) -> None:
    before = load()
    tenth = filled(production, keyring_file, max(STUDENTS // 10, 25))
    few = [made(tenth, keyring_file, tmp_path) for _ in range(ROUNDS)]
    tenth.runtime.database.dispose()
    school = filled(production, keyring_file, STUDENTS)
    statements, leaving = copies(school), as_they_leave(school)
    floors, left, many = [], [], []
    with psycopg.connect(school.address) as connection:
        for _ in range(ROUNDS):
            floors.append(copied(connection, statements))
            left.append(copied(connection, leaving))
            many.append(made(school, keyring_file, tmp_path))
    school.runtime.database.dispose()
    floor, best, small = min(floors), min(many, key=lambda m: m.seconds), min(few, key=lambda m: m.seconds)
    print(f"\n{machine()}\n{how_busy(before)}")
    print(f"{'':34}{'seconds':>9}{'rows/s':>11}{'COPYs':>7}{'peak':>9}{'file':>9}")
    print(f"{f'COPY of {best.rows:,} rows':34}{floor:9.2f}{best.rows / floor:11,.0f}{1:7.1f}")
    leave = min(left)
    print(f"{'COPY of them as they leave':34}{leave:9.2f}{best.rows / leave:11,.0f}{leave / floor:7.1f}")
    for name, found in ((f"export of {STUDENTS:,} students", best), ("export of a tenth", small)):
        ratio = f"{found.seconds / floor:7.1f}" if found is best else f"{'':7}"
        print(
            f"{name:34}{found.seconds:9.2f}{found.rows / found.seconds:11,.0f}{ratio}"
            f"{max(each.peak for each in (many if found is best else few)):6.0f} MB{found.size:6.0f} MB"
        )
    print(
        f"to reach: {REACH:g} COPYs; peak at most {MEMORY:.1f} times that of a tenth:"
        f" is {max(m.peak for m in many) / max(m.peak for m in few):.2f}"
    )
    assert best.rows > STUDENTS * POINTS
