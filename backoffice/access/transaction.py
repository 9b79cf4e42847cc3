"""Opening a transaction as somebody. Everything that touches tenant data goes through here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, Select, event
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from backoffice.access import toggles
from backoffice.access.principal import Credential, Principal, enter
from backoffice.storage import database, functions


class Transaction(Session):
    """A database session that runs as one principal, checked anew whenever a transaction begins.

    Checked per transaction and not per request: a body streamed after the request has ended still
    runs as its reader, and a session ended meanwhile stops it.
    """

    def __init__(self, credential: Credential, **options: Any) -> None:
        super().__init__(expire_on_commit=False, **options)
        self.credential = credential
        self._principal: Principal | None = None
        self._plugin_version: int | None = None

    @property
    def principal(self) -> Principal:
        """Whom the transaction runs as. Raises `SessionEnded` if there is none."""
        if self._principal is None:
            self.connection()
        assert self._principal is not None
        return self._principal

    def enter_again(self) -> None:
        """Find out anew what the principal may see: after a wait, what was given to them meanwhile counts.

        Raises `SessionEnded`.
        """
        self._run_as(enter(self.connection(), self.credential))

    def _run_as(self, principal: Principal) -> None:
        self._principal, self._plugin_version = principal, principal.plugin_version

    def enabled(self, plugin: str) -> bool:
        """Whether the plugin is installed and the founders have it switched on."""
        connection = self.connection()
        if self._plugin_version is None:
            self._plugin_version = functions.plugin_version(connection)
        return toggles.is_on(connection, plugin, version=self._plugin_version)

    def rows(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """What a statement finds that selects columns and no entities: half the work of `execute`."""
        self.flush()
        return self.connection().execute(statement, values).all()

    def take_id(self, model: type[DeclarativeBase]) -> int:
        """The next number for a new row of `model`.

        A new student is visible only through an enrollment that does not exist yet, and row-level
        security refuses `INSERT ... RETURNING` of a row one cannot see; so the number is taken first.
        """
        return self.take_ids(model, 1)[0]

    def take_ids(self, model: type[DeclarativeBase], count: int) -> Sequence[int]:
        """The next numbers for so many new rows of `model`, in one statement."""
        table = model.__table__
        sequence = f"{table.schema}.{table.name}_id_seq"  # type: ignore[attr-defined]
        return functions.next_numbers(self, sequence=sequence, count=count)


@event.listens_for(Transaction, "after_begin")
def _enter(session: Transaction, transaction: SessionTransaction, connection: Connection) -> None:
    if not transaction.nested:
        session._run_as(enter(connection, session.credential))  # noqa: SLF001


@contextmanager
def transaction(who: Principal | Credential) -> Iterator[Transaction]:
    """One transaction as `who`: committed at the end, rolled back on an error.

    Raises `SessionEnded` on first use if the session is over by then.
    """
    with _begun(who) as tx:
        yield tx


@contextmanager
def snapshot(who: Principal | Credential) -> Iterator[Transaction]:
    """One transaction that only reads, and sees everything as it was when it began, however long it reads.

    As long as it lasts, the database keeps what others delete. Raises as `transaction` does.
    """
    with _begun(who, isolation_level="REPEATABLE READ", postgresql_readonly=True) as tx:
        yield tx


@contextmanager
def _begun(who: Principal | Credential, **options: Any) -> Iterator[Transaction]:
    credential = who.credential if isinstance(who, Principal) else who
    engine = database.current().engine(Principal(credential).database_role)
    bind = engine.execution_options(**options) if options else engine
    with Transaction(credential, bind=bind) as session, session.begin():
        yield session
