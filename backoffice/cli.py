"""The command `backoffice`. Exit codes: 0 good, 1 a check falls short, 2 bad usage or input."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import click
from flask import Flask
from sqlalchemy.exc import OperationalError

from backoffice import launch
from backoffice.access.policy import PolicyError
from backoffice.accounts.care.commands import accounts
from backoffice.accounts.providers.commands import providers
from backoffice.app import NotSetUp, build
from backoffice.controls import database
from backoffice.controls.registry import RegistryError
from backoffice.demo import run as demo_run
from backoffice.host.commands import plugins
from backoffice.jobs import commands as jobs_commands
from backoffice.keys.commands import keys
from backoffice.launch import Opened
from backoffice.outbox.commands import outbox
from backoffice.outbox.registry import MailError
from backoffice.plugin import PluginError, discover
from backoffice.privacy.commands import erase, privacy
from backoffice.privacy.erasure.ledger import LedgerError
from backoffice.privacy.retention import in_force
from backoffice.privacy.retention.policy import RetentionError
from backoffice.runtime import Runtime, check_database
from backoffice.serve import PortError
from backoffice.settings import Settings, SettingsError, load, plugin_config, port
from backoffice.storage.base import Base
from backoffice.storage.embedded import EmbeddedError
from backoffice.storage.keyring import KeyringError
from backoffice.storage.migrate import CORE, SchemaError
from backoffice.storage.refusals import why_refused
from backoffice.storage.revise import write_revision
from backoffice.storage.roles import DatabaseRole, RoleError
from backoffice.web import logs

# What a person can mend: shown as sentences, without a trace.
MENDABLE = (
    SettingsError,
    EmbeddedError,
    KeyringError,
    LedgerError,
    SchemaError,
    PolicyError,
    PluginError,
    MailError,
    RegistryError,
    RetentionError,
    RoleError,
    PortError,
    NotSetUp,
    demo_run.DemoError,
)
BAD_INPUT = 2


@dataclass
class Context:
    """What commands share: settings, and a database that is opened when first asked for."""

    _opened: list[Opened] = field(default_factory=list)

    def settings(self) -> Settings:
        """The settings of this process. Raises `SettingsError`."""
        return load()

    def named_database(self) -> str:
        """The address that the settings name. Raises `NotSetUp` if they name none."""
        named = self.settings().database_url
        if named is None:
            raise NotSetUp("Name the database in BACKOFFICE_DATABASE_URL, or run: backoffice serve")
        return named.get_secret_value()

    def runtime(self) -> Runtime:
        """The runtime over the installation's database; the embedded one is started if need be."""
        if not self._opened:
            self._opened.append(launch.open_here(self.settings()))
        return self._opened[0].runtime

    def checked_runtime(self) -> Runtime:
        """The runtime, once its database has been found in order."""
        check_database(self.runtime())
        return self.runtime()

    def app(self) -> Flask:
        """The web application over the checked runtime."""
        return build(self.checked_runtime())

    def close(self) -> None:
        """Close what was opened. An embedded server that ran before goes on running."""
        for opened in self._opened:
            opened.close()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """The back office of a classroom app."""
    context.obj = Context()
    context.call_on_close(context.obj.close)


@cli.command()
@click.pass_obj
def demo(context: Context) -> None:
    """Start everything with demo data on this machine."""
    sys.exit(demo_run.run(context.settings(), port()))


@cli.command()
@click.pass_obj
def serve(context: Context) -> None:
    """Run everything under one supervisor. Migrates an embedded database first."""
    number = port()
    launch.free_port(number)
    opened = launch.open_here(context.settings(), adopt=True)
    try:
        if context.settings().database_url is None:
            launch.migrate(opened.runtime)
        check_database(opened.runtime)
    except BaseException:
        opened.close()
        raise
    sys.exit(launch.supervise(opened, port=number))


@cli.command()
@click.pass_obj
def web(context: Context) -> None:
    """Run the web server alone. Needs BACKOFFICE_DATABASE_URL."""
    context.named_database()
    number = port()
    launch.free_port(number)
    # What a server's process cannot start for is said here, in words; it would end again and again.
    context.checked_runtime()
    context.close()
    sys.exit(launch.run_web(number))


for command in (jobs_commands.worker, jobs_commands.scheduler, jobs_commands.jobs):
    cli.add_command(command)


@cli.group()
def db() -> None:
    """The database: bring it up to date, check it."""


@db.command("upgrade")
@click.pass_obj
def db_upgrade(context: Context) -> None:
    """Migrate core and plugins. Safe from two machines at once."""
    for line in launch.migrate(context.runtime()):
        click.echo(line)


@db.command("revise")
@click.argument("message")
@click.option("--plugin", "plugin_name", help="For this plugin's tables instead of the core's.")
@click.pass_obj
def db_revise(context: Context, message: str, plugin_name: str | None) -> None:
    """Write the next migration script from what the models say and the database has not yet."""
    runtime = context.runtime()
    histories = {CORE.schema: (CORE, Base.metadata)} | {
        plugin.name: (plugin.migrations, plugin.tables)
        for plugin in runtime.plugins
        if plugin.migrations is not None and plugin.tables is not None
    }
    found = histories.get(plugin_name or CORE.schema)
    if found is None:
        raise click.BadParameter("There is no such plugin with tables.", param_hint="--plugin")
    migrations, metadata = found
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        click.echo(write_revision(connection, migrations=migrations, metadata=metadata, message=message))


@db.command("check")
@click.pass_obj
def db_check(context: Context) -> None:
    """Check schema, keyring, isolation and data inventory of the live database."""
    problems = database.problems(context.app())
    for problem in problems:
        click.echo(problem)
    undecided = in_force.notice(in_force.versions())
    if undecided is not None:
        click.echo(undecided, err=True)
    if problems:
        sys.exit(1)
    click.echo("Schema, keyring, isolation and inventory are as they should be.")


for command in (plugins, keys, accounts, providers, erase, privacy, outbox):
    cli.add_command(command)


def main() -> None:
    """Run the command line; mendable failures become sentences and exit code 2."""
    _guarded(_run)


def _run() -> None:
    # Somebody at a terminal wants the answer, not a line for each step.
    logs.configure(level=logging.WARNING)
    for plugin in discover(plugin_config("plugins")["installed"]):
        for command in plugin.commands:
            cli.add_command(command)
    cli(prog_name="backoffice", standalone_mode=True)


def _guarded(call: Callable[[], None]) -> None:
    try:
        call()
    except MENDABLE as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    except OperationalError as error:
        click.echo(why_refused(error), err=True)
        sys.exit(BAD_INPUT)
