"""Logs that are kept by the day: a table whose days are tables of their own, in the schema `partitions`.

To forget a day is to drop it, which takes as long for millions of rows as for one. Days are those of UTC, and
made ahead. A row of a day that is not there lies in a table that catches it, and moves as its day is made.

Making and dropping a day waits at most a quarter of a second for readers and writers, who wait behind it
meanwhile; then it gives way, and is tried again (`patiently`).

A model says that it is such a log by `kept_by_day("at")` among its table's options. It has a `timestamptz` of
that name in its primary key, an index on it, and nothing points at its rows: a key to them could not be kept.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.exc import OperationalError

T = TypeVar("T")
LOCKED = "55P03"
# Seconds between tries: about a minute in all. Whoever reads for longer is waited for by the next run.
PAUSES = (0.1, 0.2, 0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)
# How far ahead days are made.
AHEAD = 14


def kept_by_day(column: str) -> dict[str, Any]:
    """The option of a table that says so, for `titled()`."""
    return {"postgresql_partition_by": f"RANGE ({column})"}


def is_kept_by_day(table: Table) -> bool:
    """Whether it is such a log."""
    return bool(table.dialect_options["postgresql"]["partition_by"])


def patiently(work: Callable[[], T], pauses: Sequence[float] = PAUSES) -> T:
    """Do the work, a transaction of its own, again where it gave way to somebody who reads or writes.

    Raises `OperationalError` when somebody does all the time.
    """
    for pause in pauses:
        try:
            return work()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCKED:
                raise
        time.sleep(pause)
    return work()
