"""The temporary tables of an import, and the quick way into them.

`COPY` into a table under row-level security is refused, and nothing may be in the tables before all of it is
checked. Temporary tables are the connection's own and vanish with the transaction. Even in them names are
sealed, and identifiers are digests or hashed under a key of the process.
"""

from collections.abc import Iterable
from itertools import chain

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing import wire

TABLES = (
    # kind: see `Kind`; role: the number of the role in users.csv, 0 for what is no user.
    text(
        "create temp table named (kind smallint, line integer, source bigint, role smallint) on commit drop"
    ),
    # what: which column of which file points, see `POINTERS`.
    text("""
    create temp table pointing (what smallint, line integer, kind smallint, target bigint) on commit drop
    """),
    text("""
    create temp table room (
      line integer, source bigint, link uuid, school_id bigint, title bytea, public_id text, content uuid,
      turn smallint, year uuid) on commit drop
    """),
    text("""
    create temp table pupil (
      line integer, source bigint, link uuid, school_id bigint, given bytea, family bytea, tokens bytea[],
      username text, public_id text, content uuid) on commit drop
    """),
    text("""
    create temp table staff (
      line integer, source bigint, link uuid, school_id bigint, name bytea, email bytea, email_index bytea,
      public_id text, content uuid) on commit drop
    """),
    text("""
    create temp table seat (
      line integer, own bigint, room bigint, school_id bigint, person bigint, role smallint,
      is_primary boolean) on commit drop
    """),
    text("""
    create temp table fresh_code (school_id bigint, classroom_id bigint, code bytea, code_index bytea)
      on commit drop
    """),
)
COPY = {
    name: f"copy pg_temp.{name} from stdin (format binary)"
    for name in ("named", "pointing", "room", "pupil", "staff", "seat", "fresh_code")
}
# Statements over everything at once: hash joins and sorts in memory, and no time lost on compiling them or on
# looking closely at what is read once.
SETTINGS = (
    text("set local work_mem = '128MB'"),
    text("set local jit = off"),
    text("set local default_statistics_target = 10"),
)


def make_tables(tx: Transaction) -> None:
    """Make the empty tables of this transaction."""
    for statement in (*SETTINGS, *TABLES):
        tx.execute(statement)


def copy(tx: Transaction, table: str, blocks: Iterable[bytes]) -> None:
    """Put blocks of rows (in the binary format of COPY) into one of the tables, as they are made."""
    raw = tx.connection().connection.driver_connection
    assert raw is not None
    with raw.cursor() as cursor, cursor.copy(COPY[table]) as stream:
        for block in chain([wire.HEAD], blocks, [wire.TAIL]):
            stream.write(block)


def look_at(tx: Transaction) -> None:
    """Let the planner know how much there is."""
    tx.execute(text("analyze named, pointing, room, pupil, staff, seat"))


def empty_codes(tx: Transaction) -> None:
    """Make room for another round of codes."""
    tx.execute(text("truncate pg_temp.fresh_code"))
