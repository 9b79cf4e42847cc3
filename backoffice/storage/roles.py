"""The three database roles and their logins.

One address in the settings is enough: if its user is none of ours (an administrator's, as on the
embedded server or a managed cluster), `backoffice db upgrade` makes the roles with passwords derived
from the keyring, and every process then logs in as its own role. Where the address names one of our
roles, it is used as it stands. Whoever holds the keyring can derive every login; docs/operations.md says
how to bar a machine from the stronger ones.
"""

from enum import StrEnum

from psycopg import sql
from sqlalchemy import URL, Connection, make_url, text

from backoffice.storage import keyring

# The library that keeps the queue names its tables without their schema.
SEARCH_PATH = ("app", "queue")


class DatabaseRole(StrEnum):
    """Whom a connection belongs to."""

    OWNER = "backoffice_owner"
    APP = "backoffice_app"
    SYSTEM = "backoffice_system"


class RoleError(Exception):
    """The database cannot be used as the role that is needed; says what to do."""


# Seconds that a statement of the web may take.
SLOWEST = 15
TIMEOUTS = {DatabaseRole.APP: f"{SLOWEST}s", DatabaseRole.SYSTEM: "0", DatabaseRole.OWNER: "0"}


def role_url(address: str, role: DatabaseRole) -> URL:
    """The address for one role. Raises `RoleError` if the address is another role's login."""
    url = make_url(address).set(drivername="postgresql+psycopg")
    if url.username == role:
        return url
    if url.username in set(DatabaseRole):
        raise RoleError(
            f"This needs to log in to the database as {role}, but the address is for {url.username}."
            f" Give this process an address with the user {role}, or an administrator's."
        )
    return url.set(username=role, password=role_password(role))


def role_password(role: DatabaseRole) -> str:
    """The role's password, derived from the keyring."""
    return keyring.current().derive(f"database role {role}")


def is_administrator(address: str) -> bool:
    """Whether the address is for a login that is not one of our roles."""
    return make_url(address).username not in set(DatabaseRole)


def prepare_roles(connection: Connection) -> None:
    """Make the three roles, or bring their passwords and settings up to date. Safe to repeat.

    `connection` is an administrator's (CREATEROLE and ownership of the database are enough).
    """
    raw = connection.connection.driver_connection
    assert raw is not None
    database = connection.scalar(text("select current_database()"))
    for role in DatabaseRole:
        exists = connection.scalar(text("select 1 from pg_roles where rolname = :role"), {"role": role.value})
        name = sql.Identifier(role)
        # The server, and so its log, sees the SCRAM verifier and never the password.
        verifier = raw.pgconn.encrypt_password(
            role_password(role).encode(), role.encode(), b"scram-sha-256"
        ).decode()
        verb = sql.SQL("alter role" if exists else "create role")
        settings = {
            "search_path": SEARCH_PATH,
            "statement_timeout": (TIMEOUTS[role],),
            "timezone": ("UTC",),
        }
        statements = [
            sql.SQL("{} {} login nosuperuser nocreatedb nocreaterole nobypassrls password {}").format(
                verb, name, sql.Literal(verifier)
            )
            if not exists
            else sql.SQL("alter role {} password {}").format(name, sql.Literal(verifier)),
            *(
                sql.SQL("alter role {} set {} = {}").format(
                    name, sql.Identifier(setting), sql.SQL(", ").join(map(sql.Literal, values))
                )
                for setting, values in settings.items()
            ),
            sql.SQL("grant connect on database {} to {}").format(sql.Identifier(database), name),
        ]
        for statement in statements:
            raw.execute(statement)
    raw.execute(
        sql.SQL("grant create, temporary on database {} to {}").format(
            sql.Identifier(database), sql.Identifier(DatabaseRole.OWNER)
        )
    )
    # Bulk loads go through temporary tables: COPY into a table under row-level security is refused.
    raw.execute(
        sql.SQL("grant temporary on database {} to {}").format(
            sql.Identifier(database), sql.Identifier(DatabaseRole.SYSTEM)
        )
    )
    raw.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
