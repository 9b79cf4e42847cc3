"""Statements that a connection prepares: the server plans them once, and not for each page.

Planning under row-level security takes about as long as the rows of a page, and a question to sixty tables
longer than its answer. What is marked is prepared: what nearly every page asks, and what erasing asks of all
tables. A list's own statement is only where its page has said how it is to be read (`console.paging`): else
that depends on how many schools it names.

A pooler hands one connection of the server to many, and what one of them has prepared the next one does not
have; so that nobody has to say that there is one, each connection is asked which process it leads to.
"""

from typing import Any

import psycopg
from sqlalchemy import Engine, event

# Of a statement, as `execution_options`.
_MARK = "prepared"
PREPARED = {_MARK: True}
# The driver itself prepares whatever it has seen so often: never.
_NEVER_UNASKED = 2**31
# Whoever erases subjects of every kind asks some two hundred; the driver forgets beyond a hundred.
_MOST = 500


def prepare_on(engine: Engine) -> None:
    """Have the connections of an engine prepare what is marked, those that lead to the server itself."""

    @event.listens_for(engine, "connect")
    def _connected(connection: psycopg.Connection[Any], _record: Any) -> None:
        if _is_direct(connection):
            connection.prepare_threshold = _NEVER_UNASKED
            connection.prepared_max = _MOST

    @event.listens_for(engine, "do_execute")
    def _execute(cursor: psycopg.Cursor[Any], statement: Any, parameters: Any, context: Any) -> bool | None:
        if _MARK not in context.execution_options:
            return None
        cursor.execute(statement, parameters, prepare=True)
        return True


def _is_direct(connection: psycopg.Connection[Any]) -> bool:
    """Whether the process that answers is the one that the server said it was when the connection was made.

    A pooler says a number of its own.
    """
    answer = connection.pgconn.exec_(b"select pg_backend_pid()")
    return answer.get_value(0, 0) == str(connection.info.backend_pid).encode()
