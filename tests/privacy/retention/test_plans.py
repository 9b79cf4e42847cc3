"""What runs ask is carried by an index, once a table is large."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, func, literal, text
from sqlalchemy.dialects import postgresql

from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.privacy.retention import kinds, queries
from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.runtime import Runtime
from tests.factories.world import SYSTEM, World
from tests.privacy.retention.conftest import Sessions

# Of all that is kept for a week at most, most is due or new: it stays small, and is read.
SHORT = timedelta(days=7)
READ_WHOLE = {
    "ended-parents": "counts from one of two columns; the links of parents are as many as parents",
    "queued-jobs": "tables of the library, which has the last event of each job",
    "roster-names": "one row for each roster that was brought in",
    "mail-words": "words of mails that failed, which are few; the others go as they are sent",
}
FAR = datetime(2020, 1, 1, tzinfo=UTC)


def kept_long() -> Iterator[tuple[Kind, Rows]]:
    for kind in kinds.installed().values():
        if kind.by is None and kind.period.at_most > SHORT and kind.name not in READ_WHOLE:
            yield from ((kind, rows) for rows in kind.rows)


def plan(tx: Transaction, statement: Select[Any]) -> str:
    """As it would be if nothing was read whole that need not be."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    written = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    tx.execute(text("set local enable_seqscan = off"))
    found = tx.connection().exec_driver_sql(f"explain (costs off) {written.replace('%', '%%')}")
    return "\n".join(found.scalars())


def test_there_are_kinds_whose_plans_are_looked_at(world: World) -> None:
    del world
    assert {"adult-sessions", "child-sessions", "trail-details", "record-views", "mails", "worries"} <= {
        kind.name for kind, _rows in kept_long()
    }
    assert set(READ_WHOLE) <= set(kinds.installed())


def test_what_is_due_and_the_oldest_are_found_by_an_index(world: World) -> None:
    del world
    read = []
    with transaction(SYSTEM) as tx:
        for kind, rows in kept_long():
            asked = {"due": queries._due(tx, rows, FAR, literal(1)).limit(1)}
            if queries._is_by_blocks(rows):
                asked["oldest"] = queries._due(tx, rows, FAR, func.min(rows.since))
            else:
                asked["oldest"] = queries._aging(tx, rows, func.min(rows.since))
            found = {what: plan(tx, statement) for what, statement in asked.items()}
            read += [f"{kind.name}, {what}" for what, said in found.items() if "Seq Scan" in said]
    assert read == []


@pytest.mark.parametrize("days", [0, 1, 3, 40, 100, 170])
def test_the_oldest_of_sessions_is_found_however_old_it_is(
    now: datetime, sessions: Sessions, days: int, runtime: Runtime
) -> None:
    del runtime
    oldest = SESSIONS.before(now) + timedelta(days=days, hours=1)
    sessions(oldest, oldest + timedelta(hours=1), now)
    with transaction(SYSTEM) as tx:
        tx.execute(text("delete from app.account_session where last_seen_at < :oldest"), {"oldest": oldest})
        assert queries.oldest(tx, SESSIONS) == oldest
        tx.rollback()
