"""The process's connections to its database, one engine a role."""

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Engine, NullPool, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError

# An engine copies what the driver knows when it is made: `marks` tells it how they are sent.
from backoffice.storage import functions, marks  # noqa: F401
from backoffice.storage.batches import stream_on
from backoffice.storage.prepared import prepare_on
from backoffice.storage.roles import SLOWEST, DatabaseRole, role_url

Result = TypeVar("Result")

# How every connection is made, unless its address says otherwise. The server of a machine that has
# vanished never says so.
CONNECTING: Mapping[str, int] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# Seconds to wait for an answer: a little longer than the server lets the web's statements take, less for
# a sign of life, and for whoever asks how the database is.
ANSWER, PING, PROMPT = SLOWEST + 2.0, 2.0, 1.0
# For how long a connection is not asked whether it still lives.
UNASKED = 1.0


class NoAnswer(psycopg.OperationalError):
    """The server took a statement and fell silent; the connection has been given up."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that waits `patience` seconds for an answer and no longer.

    A server ends slow statements itself; one that hangs, or a pooler in front of it, ends nothing.
    """

    patience = ANSWER
    # Since when it rests in its pool, by the process's clock; of a new one, when it was made.
    rests_since = 0.0

    def answered_a_moment_ago(self) -> bool:
        """Whether it can be worked with unasked: it answered within a second, and nothing came since.

        A server that goes says so, and what it says, be it only that the connection is closed, can be read.
        """
        rested = time.monotonic() - self.rests_since
        return rested < UNASKED and not select.select([self.fileno()], (), (), 0)[0]

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """What the server answers. Raises `NoAnswer`."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - the name that the method's own contract gives
            self.close()
            raise NoAnswer("The database does not answer.") from None


@dataclass(frozen=True)
class Database:
    """Where the database is. Engines are made when first asked for."""

    address: str
    direct_address: str | None = None
    _engines: dict[tuple[DatabaseRole, bool], Engine] = field(default_factory=dict, compare=False, repr=False)
    _making: Lock = field(default_factory=Lock, compare=False, repr=False)

    def url(self, role: DatabaseRole) -> URL:
        """The address to log in at as `role`. Raises `RoleError`."""
        if role is DatabaseRole.APP or self.direct_address is None:
            return role_url(self.address, role)
        return role_url(self.direct_address, role)

    def engine(self, role: DatabaseRole, *, prompt: bool = False) -> Engine:
        """The engine of a role. Raises `RoleError`.

        A `prompt` one connects anew each time and gives up within seconds: for who asks how the database is.
        """
        with self._making:  # threads ask at the same time; a second engine would be a pool that leaks
            if (role, prompt) not in self._engines:
                self._engines[role, prompt] = self._made(role, prompt=prompt)
            return self._engines[role, prompt]

    def _made(self, role: DatabaseRole, *, prompt: bool) -> Engine:
        if prompt:
            return _patient(make_engine(self.url(role), poolclass=NullPool, connect_timeout=2), PROMPT)
        if role is not DatabaseRole.APP:
            working = make_engine(self.url(role), pool_pre_ping=True, **POOL)
            stream_on(working)
            prepare_on(working)
            return working
        engine = make_engine(self.url(role), **POOL)
        stream_on(engine)
        prepare_on(engine)
        return _patient(engine, ANSWER)

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


POOL: Mapping[str, Any] = {"pool_size": 8, "max_overflow": 8, "pool_timeout": 5}


def make_engine(url: URL, *, connect_timeout: int | None = None, **options: Any) -> Engine:
    """An engine as this project uses them everywhere."""
    own = {name: value for name, value in CONNECTING.items() if name not in url.query}
    if connect_timeout is not None:
        own["connect_timeout"] = connect_timeout
    return create_engine(
        url,
        # Parameters are personal data; they never reach a message or a log.
        hide_parameters=True,
        # Only what is marked is prepared, and only where no pooler stands between (`storage.prepared`).
        connect_args={**own, "prepare_threshold": None},
        **options,
    )


def _patient(engine: Engine, seconds: float) -> Engine:
    """The same, with connections that wait `seconds` for an answer and no longer, less while idle."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, cargs: Any, cparams: Any) -> PatientConnection:
        made = PatientConnection.connect(*cargs, **cparams)
        made.patience, made.rests_since = seconds, time.monotonic()
        return made

    @event.listens_for(engine, "checkin")
    def _rests(connection: PatientConnection | None, _record: Any) -> None:
        # What comes next is the question whether it still lives.
        if connection is not None:
            connection.patience, connection.rests_since = min(PING, seconds), time.monotonic()

    @event.listens_for(engine, "checkout")
    def _works(connection: PatientConnection, _record: Any, _fairy: Any) -> None:
        # In the place of the pool's own question, which is a way to the server and back for each page.
        if not connection.answered_a_moment_ago():
            try:
                engine.dialect.do_ping(connection)  # type: ignore[arg-type]
            except psycopg.Error:
                # Those that rest beside it have gone with the server, too.
                raise InvalidatePoolError from None
        connection.patience = seconds

    return engine


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
