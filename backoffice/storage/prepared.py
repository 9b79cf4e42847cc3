"""Statements that a connection prepares: the server plans them once, and not for each page.

Planning under row-level security takes about as long as the rows of a page, and a question to sixty tables
longer than its answer. What is marked is prepared: what nearly every page asks, and all that an erasure does.
A list's own statement is only where it is said how it is to be read (`console.paging`): else that
depends on how many schools it names.

A pooler hands one connection of the server to many, and what one of them has prepared the next one does not
have; so that nobody has to say that there is one, each connection is asked which process it leads to.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import psycopg
from sqlalchemy import Engine, event

# Of a statement, or of all of a connection's, as `execution_options`.
_MARK, _BEFORE, _BEHIND = "prepared", "said before", "said behind"
PREPARED = {_MARK: True}


def after(said: str, then: str | None = None) -> dict[str, str]:
    """Of a statement, as `execution_options`: this is said first, in the same trip and transaction.

    `then` is said when the statement has been answered, and not if it fails.
    """
    return {_BEFORE: said} if then is None else {_BEFORE: said, _BEHIND: then}


# Rows come in the order of an index, and none are gathered to be sorted. With lists that are known to be
# large the database would often do the latter: it cannot know how many schools row-level security lets
# through, takes them for few, and then sorts all that is left to show fifty.
BY_INDEX_ALONE = ("enable_bitmapscan", "enable_sort")
# So a statement is to be planned; it is said as it is sent, for the rest of the transaction.
SAID_BY_INDEX_ALONE = after(
    "select set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)"
)
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
        options = context.execution_options
        if isinstance(cursor, psycopg.ServerCursor):
            # It reads a piece at a time, and can be neither prepared nor sent with something else.
            if _BEFORE in options:
                cursor.connection.execute(options[_BEFORE])
            return None
        if _BEFORE in options:
            _together(cursor, statement, parameters, options)
            return True
        if _MARK in options:
            cursor.execute(statement, parameters, prepare=True)
            return True
        return None


def _together(
    cursor: psycopg.Cursor[Any], statement: Any, parameters: Any, options: Mapping[str, Any]
) -> None:
    """A statement with what is said before and behind it."""
    connection = cursor.connection
    # In one trip, which not every pooler knows of.
    with connection.pipeline() if connection.prepare_threshold else nullcontext():
        connection.execute(options[_BEFORE], prepare=True)
        cursor.execute(statement, parameters, prepare=_MARK in options or None)
        if _BEHIND in options:
            connection.execute(options[_BEHIND], prepare=True)


def _is_direct(connection: psycopg.Connection[Any]) -> bool:
    """Whether the process that answers is the one that the server said it was when the connection was made.

    A pooler says a number of its own.
    """
    answer = connection.pgconn.exec_(b"select pg_backend_pid()")
    return answer.get_value(0, 0) == str(connection.info.backend_pid).encode()
