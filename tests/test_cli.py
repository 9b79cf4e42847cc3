"""The command line: what it does, and the sentence with which it refuses."""

import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from backoffice.runtime import Runtime
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from backoffice.storage.migrate import CORE
from backoffice.storage.roles import DatabaseRole
from tests.factories.commands import Answer, Run

HEAD = CORE.scripts().get_current_head()
UNFORCED = "Row-level security is not forced on app."
IN_ORDER = "Schema, keyring, isolation and inventory are as they should be.\n"


@pytest.fixture
def administrator(runtime: Runtime) -> Iterator[psycopg.Connection[object]]:
    with psycopg.connect(runtime.database.address, autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[str]:
    """The address of a database that nobody has set up."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        yield server.url(database=name)
        connection.execute(f"drop database {name} with (force)".encode())


# -- help


def test_help_lists_the_commands(run: Run) -> None:
    answer = run("--help")
    listed = answer.out.partition("Commands:\n")[2].splitlines()
    assert {"demo", "serve", "web", "worker", "scheduler", "jobs", "db"} <= {
        line.split()[0] for line in listed if line
    }


def test_help_of_the_database_lists_its_commands(run: Run) -> None:
    listed = run("db", "--help").out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed if line] == ["check", "revise", "upgrade"]


@pytest.mark.parametrize("arguments", [("--help",), ("db", "-h"), ("db", "check", "--help")])
def test_help_needs_no_database(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments, BACKOFFICE_KEYRING_FILE="/nowhere", BACKOFFICE_TYPO="1").code == 0


@pytest.mark.parametrize("arguments", [("upgrad",), ("db", "mend"), ("db", "check", "--fast")])
def test_bad_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 2


# -- db upgrade


def test_an_upgrade_says_where_each_schema_is(run: Run, runtime: Runtime, empty: str) -> None:
    plugins = [f"{each.schema} {each.scripts().get_current_head()}" for each in runtime.migrations]
    answer = run("db", "upgrade", BACKOFFICE_DATABASE_URL=empty)
    assert answer == (0, "\n".join([f"app {HEAD}", *plugins, ""]), "")


def test_an_upgraded_database_is_in_order(run: Run, empty: str) -> None:
    run("db", "upgrade", BACKOFFICE_DATABASE_URL=empty)
    assert run("db", "check", BACKOFFICE_DATABASE_URL=empty) == (0, IN_ORDER, "")


# -- db check


def test_a_database_in_order_passes_the_check(run: Run) -> None:
    assert run("db", "check") == (0, IN_ORDER, "")


@pytest.mark.parametrize(
    ("spoil", "mend", "said"),
    [
        (
            "alter table app.action no force row level security",
            "alter table app.action force row level security",
            [f"{UNFORCED}action."],
        ),
        (
            "alter table app.action disable row level security",
            "alter table app.action enable row level security",
            [f"{UNFORCED}action."],
        ),
        (
            "create table app.copied (student_id bigint)",
            "drop table app.copied",
            [f"{UNFORCED}copied.", "In the database and not in the inventory: app.copied.student_id."],
        ),
        (
            "alter role backoffice_app bypassrls",
            "alter role backoffice_app nobypassrls",
            ["The web's role bypasses row-level security."],
        ),
        (
            "alter table app.action add column phone text",
            "alter table app.action drop column phone",
            ["In the database and not in the inventory: app.action.phone."],
        ),
    ],
    ids=["not forced", "not enabled", "a new table", "a strong role", "a new column"],
)
def test_what_breaks_the_isolation_is_found(
    run: Run, administrator: psycopg.Connection[object], spoil: str, mend: str, said: list[str]
) -> None:
    administrator.execute(spoil.encode())
    answer = run("db", "check")
    administrator.execute(mend.encode())
    assert (answer.code, answer.out.splitlines()) == (1, said)


# -- what a person can mend


def refused(answer: Answer) -> str:
    """The one sentence or two of a refusal."""
    assert (answer.code, answer.out, "Traceback" in answer.err) == (2, "", False)
    assert answer.err.count("\n") == 1
    return answer.err.strip()


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "check"), ("serve",), ("web",), ("demo",)])
def test_an_unknown_variable_stops_every_command(run: Run, command: tuple[str, ...]) -> None:
    assert refused(run(*command, BACKOFFICE_TYPO="1")).startswith("BACKOFFICE_TYPO is not a setting.")


def test_several_problems_of_the_settings_are_one_line_each(run: Run) -> None:
    answer = run("db", "check", BACKOFFICE_TYPO="1", BACKOFFICE_PROXY_HOPS="9")
    assert (answer.code, answer.err.count("\n")) == (2, 2)


@pytest.mark.parametrize("command", ["serve", "web", "demo"])
def test_what_is_no_port_is_refused(run: Run, command: str) -> None:
    assert refused(run(command, PORT="http")) == "PORT=http is not a port. Use a number such as PORT=8001."


@pytest.mark.parametrize("command", ["serve", "web", "demo"])
def test_a_port_that_is_taken_is_refused(run: Run, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        named = {"BACKOFFICE_DATABASE_URL": ""} if command == "demo" else {}
        said = refused(run(command, PORT=str(port), **named))
    assert said.startswith(f"Port {port} is taken. Stop what uses it or choose another: PORT=")


def test_the_web_alone_needs_the_name_of_a_database(run: Run) -> None:
    said = refused(run("web", BACKOFFICE_DATABASE_URL=""))
    assert said == "Name the database in BACKOFFICE_DATABASE_URL, or run: backoffice serve"


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "check"), ("serve",)])
def test_a_missing_keyring_is_told(run: Run, command: tuple[str, ...], tmp_path: Path) -> None:
    said = refused(run(*command, BACKOFFICE_KEYRING_FILE=str(tmp_path / "keyring.json")))
    assert said.startswith(f"The keyring {tmp_path}/keyring.json is missing. ")


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "check"), ("serve",)])
def test_a_database_that_does_not_answer_is_told(run: Run, command: tuple[str, ...]) -> None:
    said = refused(run(*command, BACKOFFICE_DATABASE_URL="postgresql://somebody@/x?host=/nowhere"))
    assert said == "The database does not answer. Is it running, and is its address right?"


@pytest.mark.parametrize("address", ["school.example", "postgresql:", "postgresql://db:port/x"])
def test_an_address_that_is_none_is_told(run: Run, address: str) -> None:
    refused(run("db", "check", BACKOFFICE_DATABASE_URL=address))


def test_a_database_that_was_never_set_up_names_the_command(run: Run, empty: str) -> None:
    said = refused(run("db", "check", BACKOFFICE_DATABASE_URL=empty))
    assert said == "The database's schema app is not the one of this version. Run: backoffice db upgrade"


def test_a_newer_database_is_told(run: Run, administrator: psycopg.Connection[object]) -> None:
    administrator.execute("update app.schema_version set version_num = '9999'")
    answer = run("db", "upgrade")
    administrator.execute("update app.schema_version set version_num = %s", [HEAD])
    assert refused(answer) == (
        "The database's schema app was made by a newer version of this software. Nothing has been changed."
    )


@pytest.mark.parametrize("role", [DatabaseRole.APP, DatabaseRole.SYSTEM])
def test_only_the_owner_migrates(run: Run, runtime: Runtime, role: DatabaseRole) -> None:
    url = runtime.database.url(role).set(drivername="postgresql").render_as_string(hide_password=False)
    said = refused(run("db", "upgrade", BACKOFFICE_DATABASE_URL=url))
    assert said.startswith("This needs to log in to the database as backoffice_owner, but the address is for")


def test_another_databases_keyring_is_told(run: Run, tmp_path: Path) -> None:
    Keyring.generate().write(tmp_path / "keyring.json")
    said = refused(run("db", "check", BACKOFFICE_KEYRING_FILE=str(tmp_path / "keyring.json")))
    assert said.startswith("This keyring is not the keyring of this database.")
