"""Reading very many rows: as columns, and the next ones while these are worked on."""

from collections.abc import Generator, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from backoffice.storage.sealed import Sealed

BATCH = 1000
Column = Sequence[Any]
_numbers = count(1)


class _Cursor(Executable, ClauseElement):
    """A cursor of the database for the rows of a statement, until the transaction ends."""

    inherit_cache = False

    def __init__(self, name: str, statement: Select[*tuple[Any, ...]]) -> None:
        self.name, self.statement = name, statement


@compiles(_Cursor)
def _declared(element: _Cursor, compiler: SQLCompiler, **options: Any) -> str:
    return f"declare {element.name} no scroll cursor for {compiler.process(element.statement, **options)}"


def batches(
    connection: Connection, statement: Select[*tuple[Any, ...]]
) -> Generator[list[Column], None, None]:
    """The rows of a statement, some hundred at a time, as the columns that they make.

    This takes the same memory however many there are, and goes past SQLAlchemy's own rows, which take longer
    to make than the driver's take to come. While one batch is worked on the database makes the next: until
    this has come to its end or is closed, nothing else may be asked of the connection.
    """
    name = f"batches_{next(_numbers)}"
    connection.execute(_Cursor(name, statement))
    kinds = [column.type.dialect_impl(connection.dialect) for column in statement.selected_columns]
    try:
        for described, columns in _fetched(connection.connection.driver_connection, sql.Identifier(name)):
            yield [
                _read(column, kind, connection.dialect, each.type_code)
                for kind, each, column in zip(kinds, described, columns, strict=True)
            ]
    except psycopg.Error as error:
        # As everybody knows it who asks the database through SQLAlchemy.
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


def _fetched(
    driver: Any, name: sql.Identifier
) -> Generator[tuple[Sequence[psycopg.Column], Sequence[Column]], None, None]:
    some = sql.SQL("fetch forward {} from {}").format(sql.Literal(BATCH), name)
    with driver.pipeline():
        asked = driver.execute(some)
        # One ahead and no more: whoever waits for an answer waits for all that was asked.
        while columns := [*zip(*asked.fetchall(), strict=True)]:
            ahead = driver.execute(some)
            yield asked.description, columns
            asked = ahead
    driver.execute(sql.SQL("close {}").format(name))


def _read(column: Column, kind: TypeEngine[Any], dialect: Dialect, code: int) -> Column:
    if isinstance(kind, Sealed):
        return kind.opened(column)
    processor = kind.result_processor(dialect, code)
    return column if processor is None else [None if each is None else processor(each) for each in column]
