"""Tells at the end how many pairs the isolation matrix has tried, by what stood in the way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from backoffice.runtime import Runtime
from tests.contract.matrix import Matrix, Tally, build_matrix
from tests.factories.world import World

PROPERTY = "isolation matrix"


@pytest.fixture(scope="module")
def matrix(runtime: Runtime, world: World, app: Flask) -> Iterator[Matrix]:
    """The matrix over the module's database."""
    with build_matrix(runtime, world, app) as made:
        yield made


@pytest.fixture
def tally(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Iterator[Tally]:
    """The count of a test's attempts; a module's `STANDING` says which layers stand."""
    made = Tally()
    yield made
    standing = getattr(request.module, "STANDING", {}).get(request.function.__name__)
    record_property(f"{PROPERTY}, {standing}" if standing else PROPERTY, made.counts())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line each: pairs of route and foreign identifier, twins that answered, twins that policy denies.

    Counted from the reports, so that it also works when workers of pytest-xdist did the trying.
    """
    total: dict[str, dict[str, int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name.startswith(PROPERTY) and getattr(report, "when", "") == "teardown":
                    counted = total.setdefault(name, {})
                    for key, count in value.items():
                        counted[key] = counted.get(key, 0) + count
    if getattr(terminalreporter.config, "matrix_was_told", False):
        return
    terminalreporter.config.matrix_was_told = True
    for name, counted in total.items():
        terminalreporter.write_line(
            f"{name}: " + ", ".join(f"{count:,} {key}" for key, count in counted.items())
        )
