"""Bringing a schema up to date: all or nothing, once, each plugin in a place of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from backoffice.storage import keyring
from backoffice.storage.database import Database
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from backoffice.storage.migrate import CORE, VERSION_TABLE, Migrations, SchemaError, check_schema, upgrade
from backoffice.storage.roles import DatabaseRole

SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", {before!r}
branch_labels = depends_on = None

def upgrade():
    op.create_table("{table}", sa.Column("id", sa.BigInteger(), primary_key=True), schema="{schema}")
    {last}
"""
Script = Callable[..., Migrations]


@pytest.fixture(autouse=True)
def installed(keyring_file: Path) -> None:
    keyring.install(Keyring.read(keyring_file))


@pytest.fixture
def fresh(server: EmbeddedServer) -> Iterator[str]:
    """The address of a database that nobody has set up."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        yield server.url(database=name)
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def database(fresh: str) -> Iterator[Database]:
    opened = Database(fresh)
    yield opened
    opened.dispose()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes a plugin's next migration; returns the plugin's history."""

    def write(
        name: str, revision: str = "0001", before: str | None = None, *, last: str = "pass"
    ) -> Migrations:
        folder = tmp_path / name
        (folder / "versions").mkdir(parents=True, exist_ok=True)
        schema = f"plugin_{name}"
        text = SCRIPT.format(
            revision=revision, before=before, table=f"t_{revision}", schema=schema, last=last
        )
        (folder / "versions" / f"{revision}.py").write_text(text)
        return Migrations(schema, folder)

    return write


def rows(address: str, question: str) -> list[Any]:
    with psycopg.connect(address) as connection:
        return [row[0] for row in connection.execute(question.encode())]


def own_schemas(address: str) -> list[Any]:
    return rows(
        address,
        "select nspname::text from pg_namespace where nspname = 'app' or nspname like 'plugin%' order by 1",
    )


def version(address: str, schema: str) -> list[Any]:
    return rows(address, f"select version_num from {schema}.{VERSION_TABLE}")


def checked(database: Database, *plugins: Migrations) -> None:
    with database.engine(DatabaseRole.OWNER).connect() as connection:
        check_schema(connection, plugins)


HEAD = CORE.scripts().get_current_head()


def test_an_upgrade_leads_to_the_newest_form(database: Database) -> None:
    assert (upgrade(database), version(database.address, "app")) == ([f"app {HEAD}"], [HEAD])


def test_an_upgraded_database_is_in_order(database: Database) -> None:
    upgrade(database)
    checked(database)


def test_a_second_upgrade_finds_nothing_to_do(database: Database) -> None:
    assert upgrade(database) == upgrade(database)


def test_two_upgrades_at_the_same_moment_both_succeed(fresh: str) -> None:
    together = Barrier(2)

    def one() -> list[str]:
        database = Database(fresh)
        together.wait()
        try:
            return upgrade(database)
        finally:
            database.dispose()

    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(one) for _ in range(2)]
    assert [each.result() for each in done] == [[f"app {HEAD}"]] * 2
    assert rows(fresh, "select count(*) from app.installation") == [1]


def test_a_database_without_a_schema_names_the_command(database: Database) -> None:
    upgrade(database)
    with psycopg.connect(database.address) as connection:
        connection.execute(f"delete from app.{VERSION_TABLE}".encode())
    with pytest.raises(SchemaError) as raised:
        checked(database)
    assert str(raised.value) == (
        "The database's schema app is not the one of this version. Run: backoffice db upgrade"
    )


def test_a_newer_schema_is_told(database: Database) -> None:
    upgrade(database)
    with psycopg.connect(database.address) as connection:
        connection.execute(f"update app.{VERSION_TABLE} set version_num = '9999'".encode())
    with pytest.raises(SchemaError) as raised:
        checked(database)
    assert str(raised.value) == (
        "The database's schema app was made by a newer version of this software."
        " Run that version, or restore a backup made with this one."
    )


def test_a_newer_schema_is_not_upgraded(database: Database, script: Script) -> None:
    upgrade(database)
    with psycopg.connect(database.address) as connection:
        connection.execute(f"update app.{VERSION_TABLE} set version_num = '9999'".encode())
    with pytest.raises(SchemaError) as raised:
        upgrade(database, [script("later")])
    assert str(raised.value) == (
        "The database's schema app was made by a newer version of this software. Nothing has been changed."
    )
    assert own_schemas(database.address) == ["app"]


# -- plugins


def test_a_plugins_history_is_in_its_own_schema(database: Database, script: Script) -> None:
    assert upgrade(database, [script("good")]) == [f"app {HEAD}", "plugin_good 0001"]
    assert version(database.address, "plugin_good") == ["0001"]
    assert version(database.address, "app") == [HEAD]


def test_a_plugin_takes_only_the_steps_it_lacks(database: Database, script: Script) -> None:
    upgrade(database, [script("old")])
    script("old", "0002", "0001")
    # As a new process would: this one has read the folder already.
    newer = Migrations("plugin_old", script("old").folder.rename(script("x").folder.parent / "old2"))
    assert upgrade(database, [newer]) == [f"app {HEAD}", "plugin_old 0002"]


def test_a_plugin_that_is_not_migrated_names_the_command(database: Database, script: Script) -> None:
    upgrade(database)
    with pytest.raises(SchemaError) as raised:
        checked(database, script("missing"))
    assert str(raised.value) == (
        "The database's schema plugin_missing is not the one of this version. Run: backoffice db upgrade"
    )


def test_a_plugin_whose_files_are_gone_stops_nobodys_upgrade(database: Database, script: Script) -> None:
    upgrade(database, [script("gone"), script("stays")])
    assert upgrade(database, [script("stays")]) == [f"app {HEAD}", "plugin_stays 0001"]


def test_a_failing_plugin_leaves_nothing_on_a_fresh_database(database: Database, script: Script) -> None:
    with pytest.raises(ZeroDivisionError):
        upgrade(database, [script("good"), script("bad", last="1 / 0")])
    assert own_schemas(database.address) == []


def test_a_failing_plugin_leaves_what_was_as_it_was(database: Database, script: Script) -> None:
    upgrade(database, [script("good")])
    with pytest.raises(ZeroDivisionError):
        upgrade(database, [script("good"), script("bad", last="1 / 0")])
    assert own_schemas(database.address) == ["app", "plugin_good"]


# -- the keyring of a database


def test_a_database_refuses_an_upgrade_with_another_keyring(database: Database) -> None:
    upgrade(database)
    keyring.install(Keyring.generate())
    other = Database(database.address)
    try:
        with pytest.raises(keyring.KeyringError) as raised:
            upgrade(other)
    finally:
        other.dispose()
    assert str(raised.value) == (
        "This keyring is not the keyring of this database. Set BACKOFFICE_KEYRING_FILE to the"
        " file that was made with the database; nothing has been changed."
    )


def test_an_upgrade_with_another_keyring_changes_no_login(database: Database) -> None:
    upgrade(database)
    good = database.url(DatabaseRole.APP).set(drivername="postgresql").render_as_string(hide_password=False)
    right = keyring.current()
    keyring.install(Keyring.generate())
    other = Database(database.address)
    try:
        with pytest.raises(keyring.KeyringError):
            upgrade(other)
        psycopg.connect(good).close()
    finally:
        other.dispose()
        keyring.install(right)
        upgrade(database)
