"""Reading the rows of a list to the end, in constant memory."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select

from backoffice.access.transaction import Transaction
from backoffice.console.paging import Columns

BATCH = 500


def batches(tx: Transaction, statement: Select[Any], reads: Columns = ()) -> Iterator[Sequence[Any]]:
    """The rows of a statement, some hundred at a time, from a cursor of the server.

    With `reads`, these columns of them and no entities.
    """
    if reads:
        narrow = statement.with_only_columns(*reads).execution_options(yield_per=BATCH)
        yield from tx.execute(narrow).partitions()
        return
    result = tx.scalars(statement.execution_options(yield_per=BATCH))
    for partition in result.partitions():
        yield list(partition)
        # One by one: `expunge_all` puts another identity map in the place of the one that the rows to come
        # are loaded into.
        for thing in tx:
            tx.expunge(thing)
