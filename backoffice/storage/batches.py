"""Reading very many rows: as columns, and the next ones while these are worked on."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, Dialect, Engine, Select, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from backoffice.storage.sealed import Sealed

BATCH = 1000
Column = Sequence[Any]
_Reader = Callable[[Column], Column]
# Of a statement, as one of its `execution_options`: where the driver's text and parameters of it go.
_MARK = "streamed"


def stream_on(engine: Engine) -> None:
    """Let `batches` read by the connections of an engine."""

    @event.listens_for(engine, "do_execute")
    def _execute(_cursor: object, statement: str, parameters: Any, context: Any) -> bool | None:
        take = context.execution_options.get(_MARK)
        if take is None:
            return None
        take((statement, parameters))
        return True


def batches(
    connection: Connection, statement: Select[*tuple[Any, ...]]
) -> Generator[list[Column], None, None]:
    """The rows of a statement, a thousand at a time, as the columns that they make.

    This takes the same memory however many there are, and goes past SQLAlchemy's own rows, which take longer
    to make than the driver's take to come. It is one statement and not a cursor's many: while one batch is
    worked on the database sends on, until nothing more fits between the two. So it lasts as long as the rows
    are worked on, and `statement_timeout` counts that.

    Until this has come to its end or is closed, whoever asks the connection for something else, be it the end
    of the transaction, waits for that: close it (`closing`). Closed before its end it is broken off, and the
    transaction may be, too; where the server takes no word of it, the rest is read and thrown away.
    """
    kinds = [column.type.dialect_impl(connection.dialect) for column in statement.selected_columns]
    text, parameters = _for_the_driver(connection, statement)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, closing(_chunks(cursor, text, parameters)) as chunks:
            readers: list[_Reader] = []
            for columns in chunks:
                readers = readers or [
                    _reader(kind, connection.dialect, each.type_code)
                    for kind, each in zip(kinds, cursor.description, strict=True)
                ]
                yield [read(column) for read, column in zip(readers, columns, strict=True)]
    except psycopg.Error as error:
        # As everybody knows it who asks the database through SQLAlchemy.
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


def _chunks(
    cursor: psycopg.Cursor[Any], text: str, parameters: Any
) -> Generator[Iterable[Column], None, None]:
    """The rows of a statement as the server sends them, a chunk at a time, as columns.

    The driver hands a stream's rows out one by one, which is a tenth of all that an export does. So the
    stream is begun, and ended whatever comes, by the driver; between the two each chunk is taken whole.
    """
    connection, reading = cursor.connection, Transformer(cursor)
    stream: Any = cursor.stream(text, parameters, size=BATCH)
    with closing(stream):
        if next(stream, None) is None:
            return
        chunk, is_first = cursor.pgresult, True
        while chunk is not None and chunk.status == ExecStatus.TUPLES_CHUNK:
            reading.set_pgresult(chunk, set_loaders=is_first)
            yield zip(*reading.load_rows(0, chunk.ntuples, tuple), strict=True)
            chunk, is_first = connection.wait(fetch(connection.pgconn)), False
        if chunk is not None and chunk.status != ExecStatus.TUPLES_OK:
            raise error_from_result(chunk)
        # Only when there is nothing more is the connection free for the next statement.
        while chunk is not None:
            chunk = connection.wait(fetch(connection.pgconn))


def _for_the_driver(connection: Connection, statement: Select[*tuple[Any, ...]]) -> tuple[str, Any]:
    """A statement as the driver would be asked to execute it."""
    taken: list[tuple[str, Any]] = []
    connection.execute(statement, execution_options={_MARK: taken.append})
    if not taken:
        raise RuntimeError("The connection's engine is not one that `stream_on` has seen.")
    return taken[0]


def _reader(kind: TypeEngine[Any], dialect: Dialect, code: int) -> _Reader:
    if isinstance(kind, Sealed):
        return kind.opened
    processor = kind.result_processor(dialect, code)
    if processor is None:
        return _as_it_is
    return lambda column: [None if each is None else processor(each) for each in column]


def _as_it_is(column: Column) -> Column:
    return column
