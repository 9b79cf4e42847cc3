"""A database and a keyring of each test's own: keys are changed here."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from backoffice.runtime import Runtime
from backoffice.settings import Settings
from backoffice.storage import database, keyring
from backoffice.storage.embedded import EmbeddedServer
from tests.conftest import Worlds, administer, open_copy
from tests.factories.world import NO_LIMIT, World


@pytest.fixture
def runtime(
    request: pytest.FixtureRequest,
    server: EmbeddedServer,
    template: str,
    worlds: Worlds,
    keyring_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Runtime]:
    """A fresh migrated database with its own copy of the keyring, and the world if the test asks for it."""
    monkeypatch.setattr(keyring, "_installed", None)
    monkeypatch.setattr(database, "_current", None)
    path = tmp_path / "keyring.json"
    shutil.copy(keyring_file, path)
    name = f"test_{uuid4().hex[:12]}"
    source = worlds.fresh() if "world" in request.fixturenames else template
    opened = open_copy(server, source, name, Settings(keyring_file=path, throttles=NO_LIMIT))
    yield opened
    opened.database.dispose()
    administer(server, f"drop database {name} with (force)")


@pytest.fixture
def world(runtime: Runtime, worlds: Worlds) -> World:
    """People, schools, classes and children in it."""
    del runtime
    return worlds.world()
