"""The three database roles: who may log in as whom, and what the web's may not do."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from backoffice.runtime import Runtime
from backoffice.storage import keyring
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole, RoleError, is_administrator, role_password, role_url

ROLES = list(DatabaseRole)


def login(runtime: Runtime, role: DatabaseRole, **parts: str) -> str:
    """An address that libpq takes, with parts replaced."""
    url = role_url(runtime.database.address, role).set(drivername="postgresql", **parts)  # type: ignore[arg-type]
    return url.render_as_string(hide_password=False)


@pytest.fixture
def administrator(runtime: Runtime) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(runtime.database.address) as connection:
        yield connection


# -- addresses


@pytest.mark.parametrize("role", ROLES)
def test_from_an_administrators_address_each_role_gets_its_own_login(
    runtime: Runtime, role: DatabaseRole
) -> None:
    url = role_url("postgresql://admin:secret@db.example:6432/x", role)
    assert (url.username, url.password, url.host, url.port, url.database) == (
        role,
        role_password(role),
        "db.example",
        6432,
        "x",
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_own_address_is_used_as_it_stands(role: DatabaseRole) -> None:
    assert role_url(f"postgresql://{role}:own-password@db/x", role).password == "own-password"


@pytest.mark.parametrize(("given", "wanted"), [(a, b) for a in ROLES for b in ROLES if a != b])
def test_one_roles_address_is_never_anothers(given: DatabaseRole, wanted: DatabaseRole) -> None:
    with pytest.raises(RoleError) as raised:
        role_url(f"postgresql://{given}:secret-word@db/x", wanted)
    assert str(raised.value) == (
        f"This needs to log in to the database as {wanted}, but the address is for {given}."
        f" Give this process an address with the user {wanted}, or an administrator's."
    )


@pytest.mark.parametrize(("user", "answer"), [("admin", True), *((str(role), False) for role in ROLES)])
def test_an_administrator_is_none_of_the_roles(user: str, answer: bool) -> None:
    assert is_administrator(f"postgresql://{user}@db/x") is answer


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_spelling_of_the_address_leads_to_one_driver(runtime: Runtime, scheme: str) -> None:
    url = role_url(f"{scheme}://backoffice_app@db/x", DatabaseRole.APP)
    assert url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("role", [DatabaseRole.OWNER, DatabaseRole.SYSTEM])
def test_all_but_the_web_take_the_direct_address(role: DatabaseRole) -> None:
    database = Database("postgresql://backoffice_app:a@pooled/x", f"postgresql://{role}:b@direct/x")
    assert (database.url(role).host, database.url(DatabaseRole.APP).host) == ("direct", "pooled")


# -- logins


@pytest.mark.parametrize("role", ROLES)
def test_a_role_logs_in_with_its_own_password(runtime: Runtime, role: DatabaseRole) -> None:
    with psycopg.connect(login(runtime, role)) as connection:
        (who,) = connection.execute("select current_user::text").fetchone() or ("nobody",)
    assert who == role


@pytest.mark.parametrize(("who", "other"), [(a, b) for a in ROLES for b in ROLES if a != b])
def test_no_role_logs_in_as_another(runtime: Runtime, who: DatabaseRole, other: DatabaseRole) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(login(runtime, who, username=other)).close()


def test_the_passwords_are_three(runtime: Runtime) -> None:
    assert len({role_password(role) for role in ROLES}) == 3


def test_a_password_comes_from_the_keyring(runtime: Runtime) -> None:
    assert role_password(DatabaseRole.APP) == keyring.current().derive("database role backoffice_app")


@pytest.mark.parametrize("role", ROLES)
def test_the_server_holds_a_verifier_only(administrator: psycopg.Connection[Any], role: DatabaseRole) -> None:
    row = administrator.execute("select rolpassword from pg_authid where rolname = %s", [role]).fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$4096:")


# -- powers


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_power_over_the_cluster(
    administrator: psycopg.Connection[Any], role: DatabaseRole
) -> None:
    row = administrator.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles"
        " where rolname = %s",
        [role],
    ).fetchone()
    assert row == (False, False, False, False, False)


@pytest.mark.parametrize("role", [DatabaseRole.APP, DatabaseRole.SYSTEM])
def test_only_the_owner_owns(administrator: psycopg.Connection[Any], role: DatabaseRole) -> None:
    row = administrator.execute(
        "select (select count(*) from pg_class where relowner = r.oid)"
        " + (select count(*) from pg_proc where proowner = r.oid)"
        " + (select count(*) from pg_namespace where nspowner = r.oid) from pg_roles r where rolname = %s",
        [role],
    ).fetchone()
    assert row == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "set role backoffice_owner",
        "set session authorization backoffice_owner",
        "create table app.loot (x int)",
        "create schema loot",
        "alter table app.student no force row level security",
        "alter role backoffice_app bypassrls",
        "drop policy app_read on app.student",
        "truncate app.student",
        "delete from app.student",
        "delete from app.audit_entry",
        "update app.audit_entry set verb = 'x'",
        "update app.school set name = ''",
        "insert into app.account default values",
        "copy app.student from program 'true'",
    ],
)
def test_the_webs_role_may_not(runtime: Runtime, statement: str) -> None:
    with (
        psycopg.connect(login(runtime, DatabaseRole.APP)) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("role", "limit"), [(DatabaseRole.APP, "15s"), (DatabaseRole.SYSTEM, "0"), (DatabaseRole.OWNER, "0")]
)
def test_a_request_may_not_compute_for_ever(runtime: Runtime, role: DatabaseRole, limit: str) -> None:
    with psycopg.connect(login(runtime, role)) as connection:
        assert connection.execute("show statement_timeout").fetchone() == (limit,)


def test_a_stranger_may_not_connect(runtime: Runtime, administrator: psycopg.Connection[Any]) -> None:
    question = "select has_database_privilege('public', current_database(), 'connect')"
    assert administrator.execute(question).fetchone() == (False,)
