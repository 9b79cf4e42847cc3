"""Time that passes when told to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from backoffice import clock

Later = Callable[[timedelta], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass."""
    at = [datetime.now(UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[0])

    def pass_by(span: timedelta) -> None:
        at[0] += span

    return pass_by


@pytest.fixture(scope="module", autouse=True)
def _mails(app: Flask) -> None:
    """The application knows its mails."""
    del app
