"""The process's connections to its database, one engine a role."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole, role_url


@dataclass(frozen=True)
class Database:
    """Where the database is. Engines are made when first asked for."""

    address: str
    direct_address: str | None = None
    _engines: dict[DatabaseRole, Engine] = field(default_factory=dict, compare=False, repr=False)
    _making: Lock = field(default_factory=Lock, compare=False, repr=False)

    def url(self, role: DatabaseRole) -> URL:
        """The address to log in at as `role`. Raises `RoleError`."""
        if role is DatabaseRole.APP or self.direct_address is None:
            return role_url(self.address, role)
        return role_url(self.direct_address, role)

    def engine(self, role: DatabaseRole) -> Engine:
        """The engine of a role. Raises `RoleError`."""
        with self._making:  # threads ask at the same time; a second engine would be a pool that leaks
            if role not in self._engines:
                self._engines[role] = make_engine(self.url(role))
            return self._engines[role]

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def make_engine(url: URL, **options: Any) -> Engine:
    """An engine as this project uses them everywhere."""
    return create_engine(
        url,
        # Parameters are personal data; they never reach a message or a log.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=5,
        # pgbouncer in transaction mode knows no prepared statements.
        connect_args={"prepare_threshold": None, "connect_timeout": 5},
        **options,
    )


_current: Database | None = None


def use(database: Database) -> None:
    """Make this the database of the process."""
    global _current  # noqa: PLW0603 - a process has one database
    _current = database


def current() -> Database:
    """The database of the process. Raises `RuntimeError` before `use`."""
    if _current is None:
        raise RuntimeError("No database is open in this process.")
    return _current


@contextmanager
def alone(lock: str) -> Iterator[bool]:
    """Whether nobody else works under the lock. It is a connection's own: a killed process loses it."""
    engine = current().engine(DatabaseRole.SYSTEM).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        try:
            yield functions.try_lock(connection, lock)
        finally:
            # The server notices a closed connection when it gets to it: the next attempt may be sooner.
            with suppress(SQLAlchemyError):
                functions.unlock(connection)
            # Closed and not given back: the lock must end, whatever has happened.
            connection.invalidate()
