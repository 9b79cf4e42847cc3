"""What a plugin is, and how the installed ones are found.

Installed means listed in `config/plugins.toml` or found under the entry point group
`backoffice.plugins`. A plugin that cannot be loaded stops the start: half a system would keep half of
its promises.
"""

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from click import Command
from flask import Blueprint, Flask
from sqlalchemy import MetaData

from backoffice.access.permissions import Permission
from backoffice.controls.check import Check
from backoffice.storage.migrate import Migrations

GROUP = "backoffice.plugins"
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class PluginError(Exception):
    """Plugins cannot be loaded; `problems` says which and why, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Plugin:
    """What a plugin adds. Read on one screen; contract tests walk every field."""

    name: str
    title: str
    summary: str
    # No default: a plugin lists the tables' metadata in which it holds data, or says None aloud.
    tables: MetaData | None
    requires: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    blueprints: tuple[Blueprint, ...] = ()
    commands: tuple[Command, ...] = ()
    checks: tuple[Check, ...] = ()
    # Called once when everything has been started on one machine, before the first page is served.
    started: Callable[[Flask], None] | None = None

    @property
    def schema(self) -> str:
        """The database schema that is the plugin's own."""
        return f"plugin_{self.name}"

    @property
    def migrations(self) -> Migrations | None:
        """The plugin's own migration history, if it has tables."""
        if self.tables is None:
            return None
        module = importlib.import_module(f"plugins.{self.name}")
        return Migrations(self.schema, Path(str(module.__file__)).parent / "migrations")


def discover(listed: Sequence[str]) -> tuple[Plugin, ...]:
    """The installed plugins, in the order of what they require.

    `listed` are the names of `config/plugins.toml`; entry points add theirs. Raises `PluginError`.
    """
    problems: list[str] = []
    found: dict[str, Plugin] = {}
    loaders: dict[str, Callable[[], Any]] = {name: _from_checkout(name) for name in listed}
    loaders |= {entry.name: entry.load for entry in entry_points(group=GROUP)}
    for name, loader in loaders.items():
        try:
            plugin = loader()
        except Exception as error:  # noqa: BLE001 - whatever it is, the start stops and says so
            problems.append(f"The plugin {name} cannot be loaded: {type(error).__name__}: {error}")
            continue
        if not isinstance(plugin, Plugin) or plugin.name != name or not _NAME.match(name):
            problems.append(f"The plugin {name} does not describe itself as a Plugin of that name.")
            continue
        found[name] = plugin
    problems += [
        f"The plugin {plugin.name} requires {needed}, which is not installed."
        for plugin in found.values()
        for needed in plugin.requires
        if needed not in loaders
    ]
    if problems:
        raise PluginError(problems)
    try:
        order = TopologicalSorter({p.name: p.requires for p in found.values()}).static_order()
        return tuple(found[name] for name in order)
    except CycleError as error:
        raise PluginError([f"Plugins require each other in a circle: {error.args[1]}."]) from None


def _from_checkout(name: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(f"plugins.{name}").plugin
