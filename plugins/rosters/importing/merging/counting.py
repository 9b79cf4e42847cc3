"""How many rows a statement has touched, school by school."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Executable

from backoffice.access.transaction import Transaction

Counted = Iterator[tuple[str, int, int]]
"""What was counted, in which school, how often."""


def count(tx: Transaction, what: str, statement: Executable, **values: Any) -> Counted:
    """Execute a statement that answers with a row a school, and call what it counts by a name."""
    return ((what, row.school_id, row.times) for row in tx.execute(statement, values).all())
