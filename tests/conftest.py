"""Fixtures: a real PostgreSQL for the session, a fresh migrated database for each module."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url

from backoffice import cli, launch
from backoffice.access import policy
from backoffice.app import build
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import database, embedded, keyring
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from tests.factories.commands import Answer, Run
from tests.factories.world import NO_LIMIT, World, make_world

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
TEMPLATE = "migrated"


@pytest.fixture(scope="module", autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command's logging ends with the module that ran it: its stream is closed by then."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that an unprivileged server can reach."""
    with tempfile.TemporaryDirectory(prefix="backoffice-test-") as made:
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


@pytest.fixture(scope="module")
def runtime(server: EmbeddedServer, template: str, keyring_file: Path) -> Iterator[Runtime]:
    """A fresh migrated database, opened for this module's tests."""
    name = f"test_{uuid4().hex[:12]}"
    administer(server, f"create database {name} template {template}")
    settings = Settings(keyring_file=keyring_file, alert_mail="safety@school.example", throttles=NO_LIMIT)
    opened = open_runtime(settings, server.url(database=name))
    # Rights on a database are not copied from its template.
    launch.migrate(opened)
    yield opened
    opened.database.dispose()
    administer(server, f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def world(runtime: Runtime) -> World:
    """People, schools, classes and children in the module's database."""
    del runtime
    return make_world()


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


def administer(server: EmbeddedServer, statement: str) -> None:
    """Run a statement as the cluster's administrator."""
    address = make_url(server.url(database="postgres")).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())
