"""A database for runs in which processes are killed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice import launch
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import embedded
from backoffice.storage.keyring import Keyring
from tests.factories.world import NO_LIMIT


@pytest.fixture
def durable() -> Iterator[Runtime]:
    """A database of its own, with everything that a crash must not lose switched on."""
    with tempfile.TemporaryDirectory(prefix="backoffice-faults-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        Keyring.generate().write(folder / "keyring.json")
        server = embedded.start(folder / "postgres")
        settings = Settings(keyring_file=folder / "keyring.json", data_dir=folder, throttles=NO_LIMIT)
        opened = open_runtime(settings, server.url())
        launch.migrate(opened)
        yield opened
        opened.database.dispose()
        embedded.stop(server)
