"""The database as the place where the `limits` library counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from limits.storage import Storage
from sqlalchemy import Connection

from backoffice import clock
from backoffice.storage import database, functions, keyring
from backoffice.storage.roles import DatabaseRole

_held: ContextVar[Connection | None] = ContextVar("held", default=None)


class DatabaseStorage(Storage):
    """Counts that all processes share and that outlive them, in an unlogged table.

    Each call is a transaction of its own: what was tried stays tried, whatever becomes of the try.
    Keys are kept as digests, so that the table names no address.
    """

    STORAGE_SCHEME = None

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None is wrapped: a database that does not answer is answered for everywhere alike."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add tries (or take back, with a negative amount) in a span of `expiry` seconds; their sum."""
        with connected() as connection:
            return functions.add_tries(
                connection, key=_digest(key), seconds=expiry, amount=amount, at=clock.now()
            )

    def get(self, key: str) -> int:
        """The tries in the span that runs."""
        with connected() as connection:
            found = functions.tries(connection, key=_digest(key), at=clock.now())
        return found.tries if found else 0

    def get_expiry(self, key: str) -> float:
        """When the span ends, in seconds since 1970; now, if none runs."""
        with connected() as connection:
            found = functions.tries(connection, key=_digest(key), at=clock.now())
        ends: float = (found.ends_at if found else clock.now()).timestamp()
        return ends

    def check(self) -> bool:
        """Whether the database answers; the readiness page asks that itself."""
        return True

    def reset(self) -> int | None:
        """Not offered: no process may forget for all others."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Forget what was tried under one key."""
        with connected() as connection:
            functions.forget_tries(connection, key=_digest(key))


@contextmanager
def connected() -> Iterator[Connection]:
    """A connection on which each statement stands for itself; the one that is held already, if one is."""
    held = _held.get()
    if held is not None:
        yield held
        return
    engine = database.current().engine(DatabaseRole.APP)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        token = _held.set(connection)
        try:
            yield connection
        finally:
            _held.reset(token)


def _digest(key: str) -> UUID:
    return UUID(bytes=keyring.current().blind_index(key, context="throttle.key"))
