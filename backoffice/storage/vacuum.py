"""Freeing the space of rows that are gone, so that their bytes are written over."""

import re
from typing import Any

from psycopg import sql
from psycopg.errors import Diagnostic
from sqlalchemy import text

from backoffice.storage import database
from backoffice.storage.roles import DatabaseRole

# What VACUUM says of the oldest transaction that might still read a row it found dead.
_CUTOFF = re.compile(r"remov(?:able|al) cutoff: (\d+)")
_WRAPS, _HALF = 1 << 32, 1 << 31


def vacuum(schema: str, table: str) -> int | None:
    """Vacuum one table with its indexes, as the system; which transactions' dead rows are gone now.

    That is the number of the first whose rows may be left, without what counts the wraps. None if the server
    did not do it: the table is no more, or the right to is missing.
    """
    said: list[str] = []

    def hear(heard: Diagnostic) -> None:
        said.append(heard.message_primary or "")
        said.append(heard.message_detail or "")

    engine = database.current().engine(DatabaseRole.SYSTEM)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        # Others are at work: it rests as the server's own vacuuming does.
        connection.execute(text("set vacuum_cost_delay to 2"))
        raw: Any = connection.connection.driver_connection
        raw.add_notice_handler(hear)
        try:
            # The indexes too, however few rows went: sealed names and digests stand in them as well.
            statement = sql.SQL("vacuum (verbose, index_cleanup on) {}")
            raw.execute(statement.format(sql.Identifier(schema, table)))
        finally:
            raw.remove_notice_handler(hear)
    # Of a table with a part that is stored aside, or of partitions, the one that got least far counts.
    found = [int(each) for each in _CUTOFF.findall("\n".join(said))]
    return min(found, key=lambda each: _distance(each, found[0])) if found else None


def is_past(cutoff: int | None, transaction: int) -> bool:
    """Whether what a transaction left dead is gone, by what `vacuum` answered."""
    return cutoff is not None and _distance(cutoff, transaction) > 0


def _distance(one: int, other: int) -> int:
    """How far one transaction comes after another, by numbers of 32 bits that wrap."""
    return (one - other + _HALF) % _WRAPS - _HALF
