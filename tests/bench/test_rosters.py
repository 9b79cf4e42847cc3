"""A district of 100,000 students comes in: rows a second beside bare `COPY`, and memory beside a tenth of it.

The server is as in production (it waits for the disk). The floor is what the database takes to be given the
same rows: every row that the import wrote, copied into tables without keys, in one transaction. Beside it
stands the same with the keys and indexes that the rows must have in any case.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import insert

from backoffice import clock, launch
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime, open_runtime
from backoffice.schools.models import District
from backoffice.settings import Settings
from backoffice.storage import embedded
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.public_id import new_public_id
from tests.factories.oneroster import Shape, write_folder

# What an operator of a machine with some gigabytes sets.
PRODUCTION = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
ROWS = int(os.environ.get("ROWS", "100000"))
TABLES = (
    "app.school", "app.classroom", "app.classroom_code", "app.student", "app.enrollment", "app.account",
    "app.membership", "app.teaching_role", "plugin_rosters.school_source", "plugin_rosters.classroom_source",
    "plugin_rosters.student_source", "plugin_rosters.account_source", "plugin_rosters.teaching_source",
)  # fmt: skip
FOREIGN_KEYS = (
    b"select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = %s::regclass"
)
REACH = 0.20
MEMORY = 1.1
BLOCK = 1 << 16
# Runs the command and prints its own peak memory (kilobytes) afterwards.
MEASURED = """
import resource, sys
from backoffice.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@dataclass
class Measured:
    """One import in a process of its own."""

    seconds: float
    peak: float  # MiB


@pytest.fixture(scope="module")
def production(folder: Path) -> Iterator[EmbeddedServer]:
    started = embedded.start(folder / "production", options=PRODUCTION)
    yield started
    embedded.stop(started, mode="immediate")


def opened(server: EmbeddedServer, keyring_file: Path) -> tuple[Runtime, str]:
    """A migrated database with a district in it, and the district's public identifier."""
    name = f"bench_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    runtime = open_runtime(Settings(keyring_file=keyring_file), server.url(database=name))
    launch.migrate(runtime)
    public_id = new_public_id()
    with transaction(Purpose("bench")) as tx:
        tx.execute(
            insert(District).values(
                public_id=public_id, name="Bench District", country="US", state="CA", time_zone="UTC",
                language="en", created_at=clock.now(),
            )
        )  # fmt: skip
    return runtime, public_id


def imported(runtime: Runtime, keyring_file: Path, folder: Path, district: str) -> Measured:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    environment |= {
        "BACKOFFICE_DATABASE_URL": runtime.database.address, "BACKOFFICE_KEYRING_FILE": str(keyring_file),
    }  # fmt: skip
    line = [sys.executable, "-c", MEASURED, "rosters", "import", str(folder), "--district", district]
    began = time.monotonic()
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return Measured(seconds, int(done.stderr.split()[-1]) / 1024)


def copied(
    connection: psycopg.Connection, schema: str, like: str, *, held: bool = False
) -> tuple[int, float]:
    """How many rows the tables of the import have, and how long it takes to copy them into ones that are so.

    `held` gives them the foreign keys too.
    """
    made, rows = [], 0
    connection.execute(f"create schema {schema}".encode())
    for table in TABLES:
        into = f"{schema}.{table.replace('.', '_')}"
        connection.execute(f"create table {into} (like {table} {like})".encode())
        with connection.cursor().copy(f"copy {table} to stdout (format binary)") as out:
            content = b"".join(bytes(piece) for piece in out)
        made.append((into, content))
        count = connection.execute(f"select count(*) from {table}".encode()).fetchone()
        rows += count[0] if count else 0
        if held:
            for (key,) in connection.execute(FOREIGN_KEYS, [table]).fetchall():
                connection.execute(f"alter table {into} add {key}".encode())
    connection.commit()
    began = time.monotonic()
    for into, content in made:
        with connection.cursor().copy(f"copy {into} from stdin (format binary)") as stream:
            for at in range(0, len(content), BLOCK):
                stream.write(content[at : at + BLOCK])
    connection.commit()
    return rows, time.monotonic() - began


def test_a_large_district_comes_in(production: EmbeddedServer, keyring_file: Path, tmp_path: Path) -> None:
    large = write_folder(Shape(students=ROWS, schools=max(ROWS // 1000, 2)), tmp_path / "large")
    tenth = write_folder(Shape(students=ROWS // 10, schools=max(ROWS // 10000, 2)), tmp_path / "tenth")
    runtime, district = opened(production, keyring_file)
    few = imported(runtime, keyring_file, tenth, district)
    runtime.database.dispose()
    runtime, district = opened(production, keyring_file)
    many = imported(runtime, keyring_file, large, district)
    again = imported(runtime, keyring_file, large, district)
    runtime.database.dispose()
    with psycopg.connect(runtime.database.address) as connection:
        rows, bare = copied(connection, "bare", "")
        _, keyed = copied(connection, "keyed", "including indexes")
        _, held = copied(connection, "held", "including indexes", held=True)
    print()
    print(f"{'':32}{'seconds':>9}{'rows/s':>11}{'of COPY':>9}{'peak':>9}")
    for name, seconds, peak in (
        (f"COPY of {rows:,} rows", bare, None),
        ("COPY into tables with keys", keyed, None),
        ("COPY with foreign keys too", held, None),
        ("import", many.seconds, many.peak),
        ("the same once more", again.seconds, again.peak),
        ("import of a tenth", few.seconds, few.peak),
    ):
        told = "" if peak is None else f"{peak:6.0f} MB"
        part = "" if name.endswith("tenth") else f"{bare / seconds:9.1%}"
        speed = "" if name.endswith("tenth") else f"{rows / seconds:11,.0f}"
        print(f"{name:32}{seconds:9.2f}{speed:>11}{part:>9}{told:>9}")
    print(
        f"to reach: {REACH:.0%} of COPY; is {bare / many.seconds:.1%}, {held / many.seconds:.0%} of a COPY"
        f" into tables as ours are; peak at most {MEMORY:.1f} times that of a tenth"
    )
    # The indexes and foreign keys alone take longer than five times the bare copy.
    assert held / many.seconds >= REACH
    assert many.peak <= few.peak * MEMORY
