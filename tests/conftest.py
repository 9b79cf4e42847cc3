"""Fixtures: a real PostgreSQL for the session, a fresh migrated database for each module."""

import gc
import os
import pickle
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from uuid import uuid4

import psycopg
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import NullPool, make_url

from backoffice import cli, launch
from backoffice.access import policy
from backoffice.app import build
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import database, embedded, keyring
from backoffice.storage.database import make_engine
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from backoffice.storage.roles import prepare_roles
from tests.factories.commands import Answer, Run
from tests.factories.world import NO_LIMIT, World, make_world

# What takes longest, the longest first: begun last, it would run on alone while the other workers rest.
LONGEST = (
    "tests/contract/test_isolation_",
    "tests/browser/test_every_page.py",
    "tests/browser/test_every_role.py",
    "tests/contract/test_single_layers.py",
    "tests/contract/",
    "tests/keys/test_online.py",
    "tests/jobs/test_worker.py",
    "tests/plugins/rosters/test_commands.py",
    "tests/browser/",
    "tests/factories/",
    "tests/test_demo.py",
    "tests/privacy/test_dump.py",
    "tests/host/test_skeleton.py",
)
# Modules with a test that stands on the world.
ASKING = pytest.StashKey[set[str]]()
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # It may all lie in memory.
    "max_wal_size": "256MB",
}
# A folder in memory: every module's database is a thousand files, made and removed again.
MEMORY = Path("/dev/shm")
ROOM = 6 * 1024**3
TEMPLATE = "migrated"
# The long walks that look at the same from another side. Where `TURN` says whose turn it is, one in so many
# of each runs; without it, and under `make walks`, all do.
TURNS = 4


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; within it, and after it, everything stays in its order."""
    if turn := os.environ.get("TURN"):
        _by_turns(config, items, int(turn))

    def rank(item: pytest.Item) -> int:
        return next((n for n, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))

    items.sort(key=rank)


def _by_turns(config: pytest.Config, items: list[pytest.Item], turn: int) -> None:
    """Leave out those of a test marked `by_turns` that have another turn."""
    places: Counter[str] = Counter()
    waits = []
    for item in items:
        if item.get_closest_marker("by_turns"):
            name = item.nodeid.partition("[")[0]
            if (places[name] + turn) % TURNS:
                waits.append(item)
            places[name] += 1
    left_out = set(waits)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=waits)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which modules ask for the world, and spare the garbage collector what stays to the end."""
    session.config.stash[ASKING] = {
        item.nodeid.partition("::")[0]
        for item in session.items
        if isinstance(item, pytest.Function) and "world" in item.fixturenames
    }
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


class Compiled(BytecodeCache):
    """Templates as they were compiled for the first application of this process, for all that follow."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the template that was compiled from the same source, if there is one."""
        checksum, code = self._kept.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was just compiled."""
        self._kept[bucket.key] = (bucket.checksum, bucket.code)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Every module builds an application of its own; compiling the same templates for each takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": Compiled()})
        yield


@pytest.fixture(scope="module", autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command's logging ends with the module that ran it: its stream is closed by then."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that an unprivileged server can reach."""
    within = MEMORY if has_room(MEMORY) else None
    with tempfile.TemporaryDirectory(prefix="backoffice-test-", dir=within) as made:
        path = Path(made)
        path.chmod(0o711)
        yield path


@pytest.fixture(scope="session")
def keyring_file(folder: Path) -> Path:
    """The keyring of every test database of this session."""
    path = folder / "keyring.json"
    Keyring.generate().write(path)
    return path


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[EmbeddedServer]:
    """A PostgreSQL server of our own, stopped at the end."""
    started = embedded.start(folder / "postgres", options=FAST)
    yield started
    embedded.stop(started, mode="immediate")


@pytest.fixture(scope="session")
def template(server: EmbeddedServer, keyring_file: Path) -> str:
    """The name of a migrated, empty database; copying it is faster than migrating anew."""
    administer(server, f"create database {TEMPLATE}")
    settings = Settings(keyring_file=keyring_file, throttles=NO_LIMIT)
    runtime = open_runtime(settings, server.url(database=TEMPLATE))
    launch.migrate(runtime)
    runtime.database.dispose()
    return TEMPLATE


@dataclass
class Worlds:
    """Databases that hold a world, to be copied: building one anew for each module takes longer."""

    server: EmbeddedServer
    template: str
    keyring_file: Path
    # Seconds; a module that makes its own works as long on it. Soon after a job falls due in it.
    oldest: float = 120
    name: str = ""
    _pickled: bytes = b""
    _made_at: float = 0

    def fresh(self) -> str:
        """The name of a database with a world that is not old."""
        if not self.name or time.monotonic() - self._made_at > self.oldest:
            old, name = self.name, f"world_{uuid4().hex[:12]}"
            settings = Settings(keyring_file=self.keyring_file, throttles=NO_LIMIT)
            opened = open_copy(self.server, self.template, name, settings)
            self._pickled, self._made_at, self.name = pickle.dumps(make_world()), time.monotonic(), name
            opened.database.dispose()
            if old:
                administer(self.server, f"drop database {old} with (force)")
        return self.name

    def world(self) -> World:
        """The world of the database that was named last."""
        world = pickle.loads(self._pickled)  # noqa: S301 - our own
        assert isinstance(world, World)
        return world


@pytest.fixture(scope="session")
def worlds(server: EmbeddedServer, template: str, keyring_file: Path) -> Worlds:
    """Where the worlds of modules come from."""
    return Worlds(server, template, keyring_file)


@pytest.fixture(scope="module")
def runtime(
    request: pytest.FixtureRequest,
    server: EmbeddedServer,
    template: str,
    worlds: Worlds,
    keyring_file: Path,
) -> Iterator[Runtime]:
    """A fresh migrated database, opened for this module's tests. It holds their world if one asks for it."""
    name = f"test_{uuid4().hex[:12]}"
    source = worlds.fresh() if request.node.nodeid in request.config.stash[ASKING] else template
    settings = Settings(
        keyring_file=keyring_file,
        # Files of a test are never those of whoever works in this checkout.
        data_dir=keyring_file.parent / name,
        alert_mail="safety@school.example",
        throttles=NO_LIMIT,
    )
    opened = open_copy(server, source, name, settings)
    yield opened
    opened.database.dispose()
    administer(server, f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def world(runtime: Runtime, worlds: Worlds) -> World:
    """People, schools, classes and children in the module's database."""
    del runtime
    return worlds.world()


@pytest.fixture(scope="module")
def app(runtime: Runtime) -> Flask:
    """The web application over the module's database. Forms need their tokens, as in production."""
    return build(runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return app.test_client()


@pytest.fixture
def run(
    runtime: Runtime,
    keyring_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command in this process, over the module's database unless told otherwise."""
    monkeypatch.setattr(keyring, "_installed", keyring._installed)
    monkeypatch.setattr(database, "_current", database._current)
    monkeypatch.setattr(policy, "_granted", policy._granted)
    for name in [name for name in os.environ if name.startswith("BACKOFFICE_") or name == "PORT"]:
        monkeypatch.delenv(name)

    def answer(*arguments: str, **environment: str) -> Answer:
        given = {
            "BACKOFFICE_DATABASE_URL": runtime.database.address,
            "BACKOFFICE_KEYRING_FILE": str(keyring_file),
            **environment,
        }
        for name, value in given.items():
            if value:
                monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["backoffice", *arguments])
        with pytest.raises(SystemExit) as raised:
            cli.main()
        # The command has closed its own; what the test looks at afterwards is the module's.
        database.use(runtime.database)
        return Answer(raised.value.code or 0, *capsys.readouterr())

    return answer


def has_room(folder: Path) -> bool:
    """Whether databases and the programs of their server can lie there."""
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


def open_copy(server: EmbeddedServer, source: str, name: str, settings: Settings) -> Runtime:
    """Copy a database whose schema is up to date, and open the copy for the process."""
    administer(server, f"create database {name} template {source} strategy file_copy")
    opened = open_runtime(settings, server.url(database=name))
    # Rights on a database are not copied from its template, and other tests change the logins.
    address = make_url(opened.database.address).set(drivername="postgresql+psycopg")
    engine = make_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        prepare_roles(connection)
    return opened


def administer(server: EmbeddedServer, statement: str) -> None:
    """Run a statement as the cluster's administrator."""
    address = make_url(server.url(database="postgres")).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())
