"""What a plugin is, and how the installed ones are found.

Installed means listed in `config/plugins.toml` or found under the entry point group
`backoffice.plugins`. A plugin that cannot be loaded stops the start: half a system would keep half of
its promises. Enabled is data: `backoffice.host` keeps what founders have decided.
"""

import importlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

from click import Command
from flask import Blueprint
from flask_admin import BaseView
from pydantic import BaseModel, ConfigDict
from sqlalchemy import MetaData

from backoffice.access.permissions import CORE as CORE_PERMISSIONS
from backoffice.access.permissions import Permission
from backoffice.access.transaction import Transaction
from backoffice.banner import Banner
from backoffice.controls.check import Check
from backoffice.controls.standing import Stands
from backoffice.entitlements import Limits, Link
from backoffice.events import Event, Handler, Subscription, declared
from backoffice.jobs.job import Job
from backoffice.jobs.registry import CORE
from backoffice.messages.kind import MessageKind
from backoffice.outbox.mail import Mail
from backoffice.privacy.holdings import PersonalData
from backoffice.privacy.outside import Outside
from backoffice.privacy.retention.kinds import Kind
from backoffice.settings import Settings
from backoffice.storage.migrate import Migrations
from backoffice.tiles import Tile

GROUP = "backoffice.plugins"
CHECKOUT_PACKAGE = "plugins"
PRODUCT = "backoffice"
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
# What `backoffice` itself answers to; a plugin's command of such a name would take its place.
CORE_COMMANDS = frozenset(
    {
        "accounts",
        "db",
        "demo",
        "erase",
        "jobs",
        "keys",
        "outbox",
        "plugins",
        "privacy",
        "providers",
        "scheduler",
        "serve",
        "web",
        "worker",
    }
)
_LOCAL_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")


class PluginError(Exception):
    """Plugins cannot be loaded; `problems` says which and why, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class PluginSettings(BaseModel):
    """The base of a plugin's settings. Every field has a default, a title and a description.

    `json_schema_extra={"unit": "days"}` names a field's unit. The form in the console is made from this:
    of flags, whole numbers, numbers, texts, choices (`Literal`, `StrEnum`), lists of texts, lengths of time
    (`timedelta`), days (`date`) and secrets (`SecretStr`, which no page shows again). `X | None` may be
    empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Plugin:
    """What a plugin adds. Read on one screen; contract tests walk every field."""

    name: str
    title: str
    summary: str
    # No defaults: a plugin lists the tables' metadata in which it keeps anything, or says None aloud, and
    # what of it is about somebody, or says () aloud.
    tables: MetaData | None
    personal_data: tuple[PersonalData, ...]
    # What of it goes by age, each kind with its entry in config/retention.toml; or () aloud.
    retention: tuple[Kind, ...]
    requires: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    settings: type[PluginSettings] | None = None
    # Pages of the console, then pages elsewhere. Both go with the toggle.
    pages: tuple[type[BaseView], ...] = ()
    blueprints: tuple[Blueprint, ...] = ()
    # Pages that a toggle never switches off.
    standing_blueprints: tuple[Blueprint, ...] = ()
    # Where other machines send JSON that they sign, each with the most bytes that are read of it. No
    # browser's token is asked for, and no toggle switches them off: what is sent meanwhile is kept for later.
    machines: Mapping[Blueprint, int] = field(default_factory=dict)
    # Numbers, charts and lists of its own for the dashboards. They go with the toggle.
    tiles: tuple[Tile, ...] = ()
    commands: tuple[Command, ...] = ()
    jobs: tuple[Job, ...] = ()
    mails: tuple[Mail, ...] = ()
    # What stays in the inbox of whoever gets one of these mails.
    messages: tuple[MessageKind, ...] = ()
    handlers: Mapping[type[Event], Handler] = field(default_factory=dict)
    # What it keeps about somebody outside the database, and how it is erased there. No switch stops it.
    erases_outside: tuple[Outside, ...] = ()
    controls: tuple[Check, ...] = ()
    # How promises stand, from the plugin that keeps what checks find.
    standings: Callable[[Transaction], Sequence[Stands]] | None = None
    # What everybody reads on the home page while it is up. No switch takes it down.
    banners: Callable[[Transaction], Sequence[Banner]] | None = None
    # What the plan of a school holds, from the plugin that sells plans; at most one has it. Only what makes
    # something new asks, so it must answer quickly and for whoever is the principal. With it goes where a
    # plan is changed, as a path, for a principal who may.
    entitlements: Limits | None = None
    billing_link: Link | None = None
    # What the demo has of it: written once, as the system, into a demo that has people and classes by then.
    demo: Callable[[Transaction, datetime], None] | None = None
    # Promises stand on it: switching it off needs a reason, is told to the founders and shown on /trust.
    keeps_promises: bool = False
    # What it is told of the installation when a process starts; what it answers is wrong, a sentence each,
    # and stops the start.
    starts: Callable[[Settings], Sequence[str]] | None = None
    # Filled in when it is found: the package it lies in, its version (that of the product where it comes with
    # it), and whether it is on until somebody switches it.
    package: str = ""
    version: str = ""
    enabled_at_first: bool = True

    @property
    def schema(self) -> str:
        """The database schema that is the plugin's own."""
        return f"plugin_{self.name}"

    @property
    def folder(self) -> Path:
        """Where the plugin's files lie."""
        module = importlib.import_module(self.package)
        return Path(str(module.__file__)).parent

    @property
    def translations(self) -> Path:
        """Where its catalogues lie, if it has any."""
        return self.folder / "translations"

    @property
    def migrations(self) -> Migrations | None:
        """The plugin's own migration history, if it has tables."""
        return None if self.tables is None else Migrations(self.schema, self.folder / "migrations")

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """The plugin's handlers, with its name."""
        return (Subscription(self.name, event, handler) for event, handler in self.handlers.items())


def discover(listed: Sequence[str]) -> tuple[Plugin, ...]:
    """The installed plugins, in the order of what they require.

    `listed` are the names of `config/plugins.toml`; entry points add theirs, which are off until a founder
    switches them on. Raises `PluginError`.
    """
    problems = [f"config/plugins.toml lists {name} twice." for name, n in Counter(listed).items() if n > 1]
    found: dict[str, Plugin] = {}
    loaders: dict[str, _Loader] = {}
    for loader in (*_from_checkout(listed), *_from_entry_points()):
        if loader.name in loaders:
            problems.append(f"There are two plugins named {loader.name}. Remove one of them.")
        loaders.setdefault(loader.name, loader)
    for name, loader in loaders.items():
        try:
            plugin = loader.load()
        except Exception as error:  # noqa: BLE001 - whatever it is, the start stops and says so
            problems.append(f"The plugin {name} cannot be loaded: {type(error).__name__}: {error}")
            continue
        if not isinstance(plugin, Plugin) or plugin.name != name or not _NAME.match(name):
            problems.append(f"The plugin {name} does not describe itself as a Plugin of that name.")
            continue
        found[name] = replace(
            plugin,
            package=loader.package,
            version=loader.version,
            enabled_at_first=loader.enabled_at_first,
        )
        problems += _faults(found[name])
    problems += _clashes(found.values())
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


@dataclass(frozen=True)
class _Loader:
    name: str
    package: str
    load: Callable[[], Any]
    version: str
    enabled_at_first: bool


def _from_checkout(listed: Iterable[str]) -> Iterator[_Loader]:
    of_product = version(PRODUCT)
    for name in dict.fromkeys(listed):
        package = f"{CHECKOUT_PACKAGE}.{name}"

        def load(package: str = package) -> Any:
            return importlib.import_module(package).plugin

        yield _Loader(name, package, load, of_product, enabled_at_first=True)


def _from_entry_points() -> Iterator[_Loader]:
    for entry in entry_points(group=GROUP):
        of_its_own = entry.dist.version if entry.dist else ""
        yield _Loader(entry.name, entry.module, entry.load, of_its_own, enabled_at_first=False)


def _faults(plugin: Plugin) -> Iterator[str]:
    """What a descriptor says that cannot be."""
    said = f"The plugin {plugin.name}"
    if plugin.name == CORE:
        yield f"No plugin can be named {CORE}: what the core has goes by that name."
    for kind, names in (
        ("jobs", [job.name for job in plugin.jobs]),
        ("mails", [mail.name for mail in plugin.mails]),
        ("tiles", [tile.name for tile in plugin.tiles]),
        ("handlers outside", [outside.name for outside in plugin.erases_outside]),
    ):
        yield from (f"{said} has two {kind} named {name}." for name, n in Counter(names).items() if n > 1)
        yield from (
            f"{said} names one of its {kind} {name}. Use small letters, digits and hyphens."
            for name in names
            if not _LOCAL_NAME.match(name)
        )
    yield from (
        f"{said} handles {getattr(event, '__qualname__', event)}, which is no event."
        for event in plugin.handlers
        if event not in declared()
    )
    own = plugin.tables.tables if plugin.tables is not None else {}
    yield from (
        f"{said} keeps {table}, which is not in its own schema {plugin.schema}."
        for table in own
        if not table.startswith(f"{plugin.schema}.")
    )
    yield from (
        f"{said} says that {held.model.__name__} holds personal data, but it is none of its tables."
        for held in plugin.personal_data
        if str(held.model.__table__) not in own
    )
    yield from (
        f"{said} says that {kind.name} goes by age, of which a table is none of its own."
        for kind in plugin.retention
        # One that goes by a job of its own goes by services, of whomever.
        if kind.by is None
        if any(str(table) not in own for rows in kind.rows for table in rows.tables)
    )
    if plugin.billing_link is not None and plugin.entitlements is None:
        yield f"{said} leads to where plans are changed, and knows of none. Give it entitlements as well."
    if plugin.settings is not None:
        yield from (
            f"{said} has no default for its setting {name}."
            for name, info in plugin.settings.model_fields.items()
            if info.is_required()
        )


def _clashes(plugins: Iterable[Plugin]) -> Iterator[str]:
    """Names that two would share, each meaning something of its own by it."""
    kinds: tuple[tuple[str, Iterable[str], Callable[[Plugin], Iterable[str]]], ...] = (
        ("command", CORE_COMMANDS, lambda plugin: [command.name or "" for command in plugin.commands]),
        ("permission", CORE_PERMISSIONS, lambda plugin: plugin.permissions),
    )
    for kind, of_core, names in kinds:
        owners = dict.fromkeys(of_core, "the core")
        for plugin in plugins:
            for name in names(plugin):
                if name in owners:
                    yield f"The plugin {plugin.name} has the {kind} {name}, which {owners[name]} has already."
                owners.setdefault(name, f"the plugin {plugin.name}")
    planning = [plugin.name for plugin in plugins if plugin.entitlements is not None]
    if len(planning) > 1:
        yield f"The plugins {' and '.join(planning)} each say what plans hold. Remove all but one."
