"""Finding Debian's Chromium, and saying in one line what was not run without it."""

import os
from pathlib import Path

import pytest

PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ABSENT = "no Chromium"


def chromium() -> str:
    """The browser's program. Skips the test without one, but fails where CI is set."""
    for place in PLACES:
        if Path(place).exists():
            return place
    if os.environ.get("CI"):
        pytest.fail("CI runs the browser tests, but there is no Chromium among " + ", ".join(PLACES))
    pytest.skip(ABSENT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the browser tests that were skipped."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple) and report.longrepr[2].endswith(f": {ABSENT}")
    ]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} browser tests skipped: {ABSENT}")
