"""Nothing told before, and sessions of any age."""

import pytest

from backoffice.runtime import Runtime
from tests.factories.retention import forget_runs
from tests.privacy.conftest import backup
from tests.privacy.retention.conftest import now, sessions, write

__all__ = ["backup", "now", "sessions", "write"]


@pytest.fixture(autouse=True)
def no_runs(runtime: Runtime) -> None:
    forget_runs(runtime)
