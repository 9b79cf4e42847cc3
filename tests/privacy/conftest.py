"""What tests of erasing share."""

from collections.abc import Iterator

import pytest

from backoffice.runtime import Runtime
from tests.contract.snapshot import Snapshots, snapshots
from tests.factories.world import World


@pytest.fixture
def backup(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    """The state before anything is erased. To settle is to restore it."""
    del world
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken
        taken.settle()
