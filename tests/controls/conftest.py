"""Looking through one check, and really breaking what it looks at."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pytest
from flask import Flask
from sqlalchemy import text

from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction
from backoffice.controls import core
from backoffice.controls.check import Finding, Looking
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import World

CHECKS = {check.control: check for check in core.CHECKS}
Broken = Callable[[str, str], AbstractContextManager[None]]


class Look(Protocol):
    """What a check finds; with other settings or another application, in their place."""

    def __call__(
        self, control: str, *, settings: Settings | None = None, app: Flask | None = None
    ) -> Finding: ...


@pytest.fixture
def look(app: Flask, runtime: Runtime, world: World) -> Look:
    def found(control: str, *, settings: Settings | None = None, app: Flask | None = app) -> Finding:
        engine = runtime.database.engine(DatabaseRole.SYSTEM)
        readonly = engine.execution_options(postgresql_readonly=True)
        with Transaction(Purpose("test"), bind=readonly) as tx:
            assert app is not None
            return CHECKS[control].look(Looking(app, settings or runtime.settings, tx))

    return found


@pytest.fixture
def owner(runtime: Runtime) -> Callable[[str], None]:
    """Runs a statement as the owner of the tables."""

    def run(statement: str) -> None:
        with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
            connection.execute(text(statement))

    return run


@pytest.fixture
def broken(owner: Callable[[str], None]) -> Broken:
    """Breaks something by one statement of the owner and mends it by another."""

    @contextmanager
    def breaking(do: str, undo: str) -> Iterator[None]:
        owner(do)
        try:
            yield
        finally:
            owner(undo)

    return breaking


@pytest.fixture
def installed(app: Flask, runtime: Runtime) -> Iterator[Callable[[Plugin], None]]:
    """Installs one more plugin for the time of a test."""

    def install(plugin: Plugin) -> None:
        app.extensions["backoffice"] = dataclasses.replace(runtime, plugins=(*runtime.plugins, plugin))

    yield install
    app.extensions["backoffice"] = runtime
