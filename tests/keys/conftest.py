"""A database and a keyring of each test's own: keys are changed here."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from backoffice import launch
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import database, keyring
from backoffice.storage.embedded import EmbeddedServer
from tests.conftest import administer
from tests.factories.world import NO_LIMIT, World, make_world


@pytest.fixture
def runtime(
    server: EmbeddedServer,
    template: str,
    keyring_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Runtime]:
    """A fresh migrated database with its own copy of the keyring."""
    monkeypatch.setattr(keyring, "_installed", None)
    monkeypatch.setattr(database, "_current", None)
    path = tmp_path / "keyring.json"
    shutil.copy(keyring_file, path)
    name = f"test_{uuid4().hex[:12]}"
    administer(server, f"create database {name} template {template}")
    opened = open_runtime(Settings(keyring_file=path, throttles=NO_LIMIT), server.url(database=name))
    launch.migrate(opened)
    yield opened
    opened.database.dispose()
    administer(server, f"drop database {name} with (force)")


@pytest.fixture
def world(runtime: Runtime) -> World:
    """People, schools, classes and children in it."""
    del runtime
    return make_world()
