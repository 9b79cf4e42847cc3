"""Bringing a database's schema up to this version of the code, and telling whether it is.

The core and each plugin have a script folder and a version table of their own, so that a plugin can be
removed without stopping everyone else's upgrades.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, make_url, text
from sqlalchemy.schema import CreateSchema

from backoffice.storage import installation
from backoffice.storage.database import Database, make_engine
from backoffice.storage.roles import DatabaseRole, is_administrator, prepare_roles

VERSION_TABLE = "schema_version"
# Any fixed number; two machines that upgrade at once meet on it.
LOCK = 7_203_400_917


class SchemaError(Exception):
    """The database's schema is not the one of this code; names the command that mends it."""


@dataclass(frozen=True)
class Migrations:
    """One history: a schema, and the folder whose `versions` lead to its present form."""

    schema: str
    folder: Path

    def scripts(self) -> ScriptDirectory:
        """The migration scripts in the folder."""
        return _scripts(self.folder)


CORE = Migrations("app", Path(__file__).parent / "migrations")


def upgrade(database: Database, plugins: Sequence[Migrations] = ()) -> list[str]:
    """Migrate the core, then each plugin in the order given. Returns `schema revision` for each.

    One transaction: either everything is at its newest form afterwards or nothing has changed. A second
    machine that upgrades at the same moment waits and then finds nothing to do.
    """
    address = database.direct_address or database.address
    if is_administrator(address):
        _prepare_roles(address)
    with database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        done = [_upgrade_one(connection, each) for each in (CORE, *plugins)]
        installation.mark(connection)
        installation.check_keyring(connection)
    return done


def check_schema(connection: Connection, plugins: Sequence[Migrations] = ()) -> None:
    """Raise `SchemaError` unless core and plugins are at the revisions of this code."""
    for each in (CORE, *plugins):
        if is_current(connection, each):
            continue
        scripts = each.scripts()
        found = _context(connection, each).get_current_revision()
        if found is not None and not _knows(scripts, found):
            raise SchemaError(
                f"The database's schema {each.schema} was made by a newer version of this software."
                " Run that version, or restore a backup made with this one."
            )
        raise SchemaError(
            f"The database's schema {each.schema} is not the one of this version. Run: backoffice db upgrade"
        )


def is_current(connection: Connection, migrations: Migrations) -> bool:
    """Whether a schema is at the revision of this code."""
    found = _context(connection, migrations).get_current_revision()
    return found == migrations.scripts().get_current_head()


@cache
def _scripts(folder: Path) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _prepare_roles(address: str) -> None:
    # A lock of its own transaction: roles belong to the cluster and are altered by an administrator.
    engine = make_engine(make_url(address).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            if connection.scalar(text("select to_regclass('app.installation')")) is not None:
                # Before the logins are derived anew: a wrong keyring must not lock everybody out.
                installation.check_keyring(connection)
            prepare_roles(connection)
    finally:
        engine.dispose()


def _upgrade_one(connection: Connection, migrations: Migrations) -> str:
    connection.execute(CreateSchema(migrations.schema, if_not_exists=True))
    scripts = migrations.scripts()
    head = scripts.get_current_head()
    found = _context(connection, migrations).get_current_revision()
    if found is not None and not _knows(scripts, found):
        raise SchemaError(
            f"The database's schema {migrations.schema} was made by a newer version of this software."
            " Nothing has been changed."
        )
    if found != head:

        def steps(revision: tuple[str, ...], _context: MigrationContext) -> list[object]:
            return list(scripts._upgrade_revs("head", revision))  # type: ignore[arg-type] # noqa: SLF001

        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(
                connection=connection,
                version_table=VERSION_TABLE,
                version_table_schema=migrations.schema,
            )
            environment.run_migrations()
    return f"{migrations.schema} {head}"


def _context(connection: Connection, migrations: Migrations) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={"version_table": VERSION_TABLE, "version_table_schema": migrations.schema},
    )


def _knows(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except (CommandError, RevisionError):
        return False
