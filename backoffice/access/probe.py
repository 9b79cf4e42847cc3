"""Trying the isolation out: entering as a real person, as the web does, and leaving without a trace.

A probe logs in as the web's role, begins a session inside a transaction that is always rolled back, and
enters with it. So it meets the same functions, policies and grants as a request, and nothing of it stays.
It tells whether rows can be reached, never what they hold.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Connection, Executable, func, select
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import AccountToken, Principal, StudentToken, enter
from backoffice.storage import database
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole

LASTING = timedelta(minutes=5)
IDLE_MINUTES = 5
REFUSED = "42501"  # SQLSTATE insufficient_privilege: no grant, or row-level security said no


@contextmanager
def as_nobody() -> Iterator[Connection]:
    """The web's role without a principal. Whatever is done is rolled back."""
    with database.current().engine(DatabaseRole.APP).connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


@contextmanager
def as_account(account_id: int, security_epoch: int) -> Iterator[tuple[Connection, Principal]]:
    """The web's role as an account at its present epoch. Raises `SessionEnded` if it may not sign in."""
    digest, now = secrets.token_bytes(32), clock.now()
    with as_nobody() as connection:
        connection.execute(
            select(
                func.app.begin_account_session(
                    account_id,
                    security_epoch,
                    new_public_id(),
                    digest,
                    now,
                    IDLE_MINUTES,
                    now + LASTING,
                    None,
                    None,
                )
            )
        )
        yield connection, enter(connection, AccountToken(digest))


@contextmanager
def as_student(
    code_index: bytes,
    student: str,
    *,
    pin_hash: str | None = None,
    idle_shared: int = IDLE_MINUTES,
    idle_own: int = IDLE_MINUTES,
) -> Iterator[tuple[Connection, Principal]]:
    """The web's role as a student who came in by a class's code. Raises `SessionEnded`.

    `pin_hash` is the student's, if they have a PIN: else the database lets them not in.

    The class says which of the two idle times counts: its devices are shared, or the children's own.
    """
    token, now = uuid4(), clock.now()
    with as_nobody() as connection:
        connection.execute(
            select(
                func.app.begin_student_session(
                    code_index, student, token, now, idle_shared, idle_own, now + LASTING, None, pin_hash
                )
            )
        )
        yield connection, enter(connection, StudentToken(token))


def refused(connection: Connection, statement: Executable) -> bool:
    """Whether the database refuses the statement to whoever is at work. Undone in any case."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(statement)
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", None) == REFUSED
    finally:
        savepoint.rollback()
    return False
