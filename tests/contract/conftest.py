"""Tells at the end how many pairs the isolation matrix has tried."""

from typing import Any

PROPERTY = "isolation"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line: pairs of route and foreign identifier, twins that answered, twins that policy denies.

    Counted from the reports, so that it also works when workers of pytest-xdist did the trying.
    """
    total: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY and getattr(report, "when", "") == "teardown":
                    for key, count in value.items():
                        total[key] = total.get(key, 0) + count
    if total and not getattr(terminalreporter.config, "matrix_was_told", False):
        terminalreporter.config.matrix_was_told = True
        terminalreporter.write_line(
            "isolation matrix: " + ", ".join(f"{count:,} {key}" for key, count in total.items())
        )
