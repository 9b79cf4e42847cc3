"""Opening what a process needs before it does anything: keyring, database, policy, plugins.

The web, the commands and the tests come through here, so that all of them refuse to start for the same
reasons and in the same words.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import OperationalError

from backoffice import (
    entitlements,
    events,
    registry,  # noqa: F401 - models and rules must be known
)
from backoffice.access import toggles
from backoffice.access.policy import load_roles
from backoffice.jobs import registry as jobs
from backoffice.jobs.models import QueueBase
from backoffice.language import catalogues
from backoffice.messages import core as core_messages
from backoffice.messages import registry as messages
from backoffice.outbox import core as core_mails
from backoffice.outbox import registry as mails
from backoffice.outbox.rendering import Site
from backoffice.plugin import Plugin, PluginError, discover
from backoffice.settings import CONFIG, Settings, plugin_config
from backoffice.storage import database, keyring
from backoffice.storage.base import Base
from backoffice.storage.database import Database
from backoffice.storage.installation import WRONG_KEYRING, check_keyring
from backoffice.storage.keyring import Keyring, KeyringError
from backoffice.storage.migrate import Migrations, check_schema
from backoffice.storage.roles import DatabaseRole, is_administrator

logger = structlog.get_logger("backoffice")


@dataclass(frozen=True)
class Runtime:
    """What is open in this process."""

    settings: Settings
    database: Database
    plugins: tuple[Plugin, ...]

    @property
    def migrations(self) -> tuple[Migrations, ...]:
        """The histories of the plugins that have tables."""
        return tuple(p.migrations for p in self.plugins if p.migrations is not None)

    @property
    def metadatas(self) -> tuple[MetaData, ...]:
        """The mapped tables of the core, of the queue and of every installed plugin."""
        plugins = (plugin.tables for plugin in self.plugins if plugin.tables is not None)
        return (Base.metadata, QueueBase.metadata, *plugins)


def open_runtime(settings: Settings, address: str) -> Runtime:
    """Open keyring, policy and plugins, and name the database at `address`; touches no table.

    Raises `KeyringError`, `PolicyError`, `PluginError`, `MailError`, `RetentionError`.
    """
    keyring.install(Keyring.read(settings.keyring))
    plugins = discover(plugin_config("plugins")["installed"])
    load_roles(CONFIG / "roles.toml", [name for plugin in plugins for name in plugin.permissions])
    started = [plugin.starts for plugin in plugins if plugin.starts is not None]
    if problems := [problem for starts in started for problem in starts(settings)]:
        raise PluginError(problems)
    events.subscribe(each for plugin in plugins for each in plugin.subscriptions)
    catalogues.install(plugin.translations for plugin in plugins)
    toggles.install({plugin.name: plugin.enabled_at_first for plugin in plugins})
    entitlements.install(plugins)
    mails.install(core_mails.MAILS, plugins, Site(settings.base_url, settings.report_address))
    messages.install(core_messages.KINDS, plugins)
    # Not above: a job may stand on this module.
    from backoffice.jobs import core as core_jobs
    from backoffice.privacy.holds import extent
    from backoffice.privacy.retention import core as core_kinds
    from backoffice.privacy.retention import kinds

    kinds.install({kinds.CORE: core_kinds.KINDS, **{plugin.name: plugin.retention for plugin in plugins}})
    jobs.install({jobs.CORE: core_jobs.JOBS, **{plugin.name: plugin.jobs for plugin in plugins}})
    direct = settings.database_direct_url
    opened = Database(address, direct.get_secret_value() if direct else None)
    database.use(opened)
    runtime = Runtime(settings, opened, plugins)
    extent.install((table for each in runtime.metadatas for table in each.tables.values()), plugins)
    return runtime


def check_database(runtime: Runtime, *, promptly: bool = False) -> None:
    """Refuse a database that is not this code's or not this keyring's.

    Where the policy of retention on disk is not the one that was decided, the log says so, and it goes on.

    `promptly` gives up on one that does not answer within seconds, and asks it over a connection of its own.

    Raises `SchemaError`, `KeyringError`, `RoleError`, and SQLAlchemy's `OperationalError` when the
    database does not answer.
    """
    try:
        with runtime.database.engine(DatabaseRole.APP, prompt=promptly).connect() as connection:
            check_schema(connection, runtime.migrations)
            check_keyring(connection)
            if not promptly:
                _warn_of_policy(connection)
    except OperationalError as error:
        if is_administrator(runtime.database.address) and "authentication failed" in str(error.orig):
            # The logins are derived from the keyring, so a wrong one is refused at the door.
            raise KeyringError(WRONG_KEYRING) from None
        raise


def _warn_of_policy(connection: Connection) -> None:
    from backoffice.privacy.retention import in_force

    sentence = in_force.notice(in_force.read(connection))
    if sentence is not None:
        logger.warning("retention policy undecided", why=sentence)
