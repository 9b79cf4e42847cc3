"""What every process refuses to start for, and in which words."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from backoffice import launch, runtime
from backoffice.access import policy
from backoffice.access.permissions import Permission
from backoffice.access.policy import PolicyError, load_roles
from backoffice.plugin import discover
from backoffice.runtime import Runtime, check_database, open_runtime
from backoffice.settings import CONFIG, Settings, plugin_config
from backoffice.storage import database, keyring
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring, KeyringError
from backoffice.storage.migrate import SchemaError
from backoffice.storage.roles import DatabaseRole, RoleError

OLDER = "The database's schema app is not the one of this version. Run: backoffice db upgrade"
NEWER = (
    "The database's schema app was made by a newer version of this software."
    " Run that version, or restore a backup made with this one."
)
FOREIGN = (
    "This keyring is not the keyring of this database. Set BACKOFFICE_KEYRING_FILE to the"
    " file that was made with the database; nothing has been changed."
)
LOADED = (CONFIG / "roles.toml").read_text("utf-8")


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has one of is put back after each test."""
    monkeypatch.setattr(keyring, "_installed", keyring._installed)
    monkeypatch.setattr(database, "_current", database._current)
    monkeypatch.setattr(policy, "_granted", policy._granted)


@pytest.fixture
def address(server: EmbeddedServer, template: str, keyring_file: Path) -> Iterator[str]:
    """The address of a database in order."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())
        opened = open_runtime(Settings(keyring_file=keyring_file), server.url(database=name))
        launch.migrate(opened)
        opened.database.dispose()
        yield server.url(database=name)
        connection.execute(f"drop database {name} with (force)".encode())


def started(settings: Settings, address: str) -> Runtime:
    """Start as a process does."""
    opened = open_runtime(settings, address)
    try:
        check_database(opened)
    finally:
        opened.database.dispose()
    return opened


def execute(address: str, statement: str) -> None:
    with psycopg.connect(address) as connection:
        connection.execute(statement.encode())


def test_a_database_in_order_starts(address: str, keyring_file: Path) -> None:
    assert started(Settings(keyring_file=keyring_file), address).database.address == address


# -- the schema


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("delete from app.schema_version", OLDER),
        ("update app.schema_version set version_num = '9999'", NEWER),
        ("update app.schema_version set version_num = 'abcdef'", NEWER),
    ],
)
def test_another_schema_is_refused(address: str, keyring_file: Path, change: str, sentence: str) -> None:
    execute(address, change)
    with pytest.raises(SchemaError) as raised:
        started(Settings(keyring_file=keyring_file), address)
    assert str(raised.value) == sentence


def test_an_empty_database_names_the_command(
    server: EmbeddedServer, keyring_file: Path, address: str
) -> None:
    name = f"test_{uuid4().hex[:12]}"
    execute_alone = psycopg.connect(server.url(database="postgres"), autocommit=True)
    with execute_alone as connection:
        connection.execute(f"create database {name}".encode())
        with pytest.raises(SchemaError) as raised:
            started(Settings(keyring_file=keyring_file), server.url(database=name))
        connection.execute(f"drop database {name} with (force)".encode())
    assert str(raised.value) == OLDER


# -- the keyring


def test_a_missing_keyring_is_told(address: str, tmp_path: Path) -> None:
    with pytest.raises(KeyringError) as raised:
        started(Settings(keyring_file=tmp_path / "keyring.json"), address)
    assert str(raised.value) == (
        f"The keyring {tmp_path}/keyring.json is missing. Put the file back from where it is kept;"
        " without it nobody can read this database."
    )


def test_a_damaged_keyring_is_told(address: str, tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    path.write_text('{"keys": {"seal": {"1": "half of a k')
    path.chmod(0o600)
    with pytest.raises(KeyringError) as raised:
        started(Settings(keyring_file=path), address)
    assert str(raised.value) == f"The keyring {path} is damaged. Put back a good copy."


def test_a_keyring_that_others_can_read_is_refused(address: str, keyring_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    shutil.copyfile(keyring_file, path)
    path.chmod(0o644)
    with pytest.raises(KeyringError) as raised:
        started(Settings(keyring_file=path), address)
    assert str(raised.value) == f"Other users can read the keyring {path}. Run: chmod 600 {path}"


@pytest.fixture
def another(tmp_path: Path) -> Settings:
    """Settings that name the keyring of another database."""
    Keyring.generate().write(tmp_path / "keyring.json")
    return Settings(keyring_file=tmp_path / "keyring.json")


def test_another_databases_keyring_is_refused(address: str, keyring_file: Path, another: Settings) -> None:
    opened = open_runtime(Settings(keyring_file=keyring_file), address)
    app = opened.database.url(DatabaseRole.APP).render_as_string(hide_password=False)
    with pytest.raises(KeyringError) as raised:
        started(another, app)
    assert str(raised.value) == FOREIGN


def test_another_databases_keyring_is_refused_at_an_administrators_address(
    address: str, another: Settings
) -> None:
    with pytest.raises(KeyringError) as raised:
        started(another, address)
    assert str(raised.value) == FOREIGN


# -- the address


@pytest.mark.parametrize("role", [DatabaseRole.OWNER, DatabaseRole.SYSTEM])
def test_the_web_does_not_run_as_a_stronger_role(
    address: str, keyring_file: Path, role: DatabaseRole
) -> None:
    opened = open_runtime(Settings(keyring_file=keyring_file), address)
    stronger = opened.database.url(role).render_as_string(hide_password=False)
    with pytest.raises(RoleError):
        started(Settings(keyring_file=keyring_file), stronger)


# -- the policy


# What the installed plugins let be allowed; the roles of the checkout grant some of it.
DECLARED = [name for plugin in discover(plugin_config("plugins")["installed"]) for name in plugin.permissions]


def roles(text: str, path: Path) -> list[str]:
    """The problems of a roles file with this text."""
    (path / "roles.toml").write_text(text)
    with pytest.raises(PolicyError) as raised:
        load_roles(path / "roles.toml", DECLARED)
    return raised.value.problems


def test_every_problem_of_the_roles_is_told_at_once(tmp_path: Path) -> None:
    text = LOADED.replace("[helper]", "[hepler]").replace('"children:read"', '"children:raed"')
    assert roles(text, tmp_path) == [
        "roles.toml: there is no role hepler.",
        "roles.toml: the role helper is missing.",
        "roles.toml: guardian lists children:raed, which nobody declares.",
    ]


def test_a_permission_that_a_plugin_declares_is_known(tmp_path: Path) -> None:
    path = tmp_path / "roles.toml"
    path.write_text(LOADED.replace('"children:read"', '"children:read", "results:read"'))
    load_roles(path, [*DECLARED, Permission("results:read")])
    assert policy.granted(policy.RoleName.GUARDIAN) == {"children:read", "results:read"}


@pytest.mark.parametrize(
    "text",
    [
        LOADED.replace("[guardian]", "[guardian"),
        LOADED.replace('permissions = ["children:read"]', ""),
        LOADED.replace('permissions = ["children:read"]', "permissions = 5"),
    ],
    ids=["no TOML", "no list", "a number"],
)
def test_roles_that_cannot_be_read_are_told(tmp_path: Path, text: str) -> None:
    assert len(roles(text, tmp_path)) == 1


def test_a_wrong_policy_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, keyring_file: Path
) -> None:
    (tmp_path / "roles.toml").write_text(LOADED.replace("[helper]", "[hepler]"))
    monkeypatch.setattr(runtime, "CONFIG", tmp_path)
    with pytest.raises(PolicyError):
        open_runtime(Settings(keyring_file=keyring_file), address)


def test_a_refused_policy_leaves_the_one_in_force(tmp_path: Path) -> None:
    load_roles(CONFIG / "roles.toml", DECLARED)
    before: Any = dict(policy._granted)
    roles("", tmp_path)
    assert policy._granted == before
