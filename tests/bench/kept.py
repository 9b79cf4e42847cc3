"""The crowd that pages are measured on, kept in `BENCH_DATA_DIR` for the runs to come, if that is named.

What is kept is of one schema and one number of rows, with the keyring that opens it; another schema begins
anew beside it.
"""

import hashlib
import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert

from backoffice import clock, launch
from backoffice.access.transaction import transaction
from backoffice.accounts import passwords
from backoffice.accounts.services import people
from backoffice.runtime import Runtime, open_runtime
from backoffice.schools.models import Membership, Role
from backoffice.settings import Settings
from backoffice.storage import embedded
from backoffice.storage.keyring import Keyring
from backoffice.storage.migrate import CORE
from tests.factories.crowd import FIRST_SCHOOL, LARGE_SCHOOL, OF_A_SCHOOL, Crowd, make_crowd
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, Person, World, make_world

ROWS = int(os.environ.get("ROWS", "100000"))
# What an operator of a machine with some gigabytes sets.
PRODUCTION = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
EXPORTED = min(200_000, ROWS)
# Grows when the crowd is made otherwise than before: what is kept is of no use then.
LAYOUT = 3
# Who reads what: a school; two lists to be exported, the larger ten times the other; the large classes.
READERS = {
    "school_leader": range(FIRST_SCHOOL, FIRST_SCHOOL + 1),
    "exporter": range(FIRST_SCHOOL, FIRST_SCHOOL + max(EXPORTED // OF_A_SCHOOL, 1)),
    "small_exporter": range(FIRST_SCHOOL, FIRST_SCHOOL + max(EXPORTED // OF_A_SCHOOL // 10, 1)),
    "mover": range(LARGE_SCHOOL, LARGE_SCHOOL + 1),
}


@dataclass(frozen=True)
class Kept:
    """A database with the crowd in it, open for this process, and its server's folder.

    `fresh` says whether it was made in this run.
    """

    runtime: Runtime
    world: World
    crowd: Crowd
    folder: Path
    fresh: bool


@pytest.fixture(scope="module")
def kept(folder: Path) -> Iterator[Kept]:
    """The crowd of so many rows; begins and ends its server.

    Of a module, because the process has one database at a time; made once in any case.
    """
    named = os.environ.get("BENCH_DATA_DIR")
    place = embedded.home(Path(named) if named else folder / "bench", explicit=True) / f"{ROWS}-{_schema()}"
    done = place / "crowd.pickle"
    fresh = not done.exists()
    if fresh:
        # What an interrupted run has left is of no use to anybody.
        if embedded.is_running(place / "postgres"):
            embedded.stop(embedded.start(place / "postgres"))
        shutil.rmtree(place, ignore_errors=True)
        embedded.home(place, explicit=True)
        Keyring.generate().write(place / "keyring.json")
    settings = Settings(keyring_file=place / "keyring.json", throttles=NO_LIMIT)
    server = embedded.start(place / "postgres", options=PRODUCTION)
    try:
        opened = open_runtime(settings, server.url())
        launch.migrate(opened)
        if fresh:
            done.write_bytes(pickle.dumps(_made(opened)))
        world, crowd = pickle.loads(done.read_bytes())  # noqa: S301 - our own
        yield Kept(opened, world, crowd, place, fresh)
        opened.database.dispose()
    finally:
        embedded.stop(server)


def _schema() -> str:
    """What tells this code's schema, and how it is filled, from others."""
    steps = sorted(each for each in CORE.folder.rglob("*") if each.suffix in {".py", ".sql"})
    written = b"".join([*(each.read_bytes() for each in steps), str(LAYOUT).encode()])
    return hashlib.sha256(written).hexdigest()[:8]


def _made(runtime: Runtime) -> tuple[World, Crowd]:
    world = make_world()
    crowd = make_crowd(runtime, world, ROWS)
    unused = passwords.hash_password(PASSWORD, COST)
    with transaction(SYSTEM) as tx:
        for role, schools in READERS.items():
            email = f"{role.replace('_', '-')}@people.example"
            number, public_id = people.add(
                tx, email=email, name=f"The {role}", password_hash=unused, founder=False
            )
            world.people[role] = Person(number, public_id, email, role)
            held = [
                {"account_id": number, "school_id": school, "role": Role.LEADER, "created_at": clock.now()}
                for school in schools
            ]
            tx.execute(insert(Membership), held)
    return world, crowd
