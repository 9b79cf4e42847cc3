"""Everything the database holds, row by row: what changed, whose it was, and putting it back."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import make_url

from backoffice.runtime import Runtime

# What a mere read may move: when a session was last seen.
TOUCHED_BY_READING = {
    "app.account_session": frozenset({"last_seen_at"}),
    "app.student_session": frozenset({"last_seen_at"}),
}
# Counts of what strangers tried: whoever asks moves them.
NOBODYS = frozenset({"app.throttle"})
AUDIT = frozenset({"app.audit_entry", "app.audit_detail"})


@dataclass(frozen=True)
class Change:
    """One row that is not as it was. `kind`: added, changed, removed."""

    table: str
    kind: str
    row: dict[str, Any] = field(hash=False, compare=False)

    def __str__(self) -> str:
        shown = {name: value for name, value in self.row.items() if name.endswith("id")}
        return f"{self.kind} {self.table} {shown}"


# The rows of a table as JSON, by their key.
Rows = dict[str, str]


class Snapshots:
    """A look past all isolation, as the database's superuser.

    `keep` takes the state to which every attempt returns: `changes` compares with it, `settle` puts it back
    without triggers and cascades, so that one world serves thousands of attempts in any order.

    Most attempts write nothing, which is told by where the log of writes stands. Only if that has moved are
    the tables asked, and only of those with rows from a transaction since are the rows read. Nobody else
    writes meanwhile, so a transaction that began earlier has ended.
    """

    def __init__(self, runtime: Runtime) -> None:
        address = make_url(runtime.database.address).set(drivername="postgresql")
        url = address.render_as_string(hide_password=False)
        # Planning the count of all tables takes longer than counting: it is planned once.
        planned_once = "-c plan_cache_mode=force_generic_plan"
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0, options=planned_once)
        # Without triggers and cascades. Not the same connection: whoever changes that plans everything anew.
        self._restoring = psycopg.connect(url, options="-c session_replication_role=replica")
        self._statements = {name: _Statements.of(name, key) for name, key in self._primary_keys()}
        self._count = " union all ".join(each.count for each in self._statements.values()).encode()
        self._base: dict[str, Rows] = {}
        # Where the log of writes stood, and which transaction was next, when all was as in the base.
        self._stood_at, self._next = "", 0

    @property
    def tables(self) -> list[str]:
        """Every table of the core and of the plugins, as `schema.name`."""
        return sorted(self._statements)

    def keep(self) -> None:
        """Take the present state as the one to return to."""
        self._is_clean()
        self._base = self._rows(self._statements)

    def changes(self) -> list[Change]:
        """The rows that differ from the base."""
        return list(self._differing(self._rows(self._touched())))

    def settle(self) -> list[Change]:
        """The rows that differ from the base; afterwards none does."""
        touched = self._touched()
        if touched:
            now = self._rows(touched)
            found = list(self._differing(now))
            if found:
                self._put_in_order(now)
            self._is_clean()
            return found
        return []

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        self._restoring.close()

    def _touched(self) -> list[str]:
        """The tables into which something was written since, or from which something is gone."""
        if self._stands_at() == self._stood_at:
            return []
        return [
            table
            for table, count, fresh in self._connection.execute(self._count, {"next": self._next})
            if fresh or count != len(self._base[table])
        ]

    def _differing(self, now: Mapping[str, Rows]) -> Iterator[Change]:
        for table in sorted(now):
            base, ignored = self._base[table], TOUCHED_BY_READING.get(table, frozenset())
            for key in sorted(base.keys() | now[table].keys()):
                before, after = base.get(key), now[table].get(key)
                if before is None and after is not None:
                    yield Change(table, "added", json.loads(after))
                elif after is None and before is not None:
                    yield Change(table, "removed", json.loads(before))
                elif before != after and before is not None and after is not None:
                    old, new = json.loads(before), json.loads(after)
                    if any(old[name] != new[name] for name in old.keys() - ignored):
                        yield Change(table, "changed", new)

    def _put_in_order(self, now: Mapping[str, Rows]) -> None:
        other = [
            (table, key)
            for table, rows in now.items()
            for key in rows.keys() | self._base[table].keys()
            if rows.get(key) != self._base[table].get(key)
        ]
        with self._restoring.transaction():
            # All away before any comes back: of some rows there is one at a time.
            for table, key in other:
                if key in now[table]:
                    self._restoring.execute(self._statements[table].delete, [key])
            for table, key in other:
                if key in self._base[table]:
                    self._restoring.execute(self._statements[table].insert, [self._base[table][key]])

    def _stands_at(self) -> str:
        ((position,),) = self._connection.execute("select pg_current_wal_insert_lsn()::text").fetchall()
        return str(position)

    def _is_clean(self) -> None:
        ((self._stood_at, self._next),) = self._connection.execute("""
            select pg_current_wal_insert_lsn()::text,
                   pg_snapshot_xmax(pg_current_snapshot())::text::bigint""").fetchall()

    def _rows(self, tables: Iterable[str]) -> dict[str, Rows]:
        return {
            table: dict(self._connection.execute(self._statements[table].read).fetchall()) for table in tables
        }

    def _primary_keys(self) -> Iterator[tuple[str, str]]:
        """Each table with the expression of its key as text."""
        rows = self._connection.execute("""
            select n.nspname || '.' || c.relname,
                   (select array_agg(a.attname::text order by a.attnum) from pg_index i
                      join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
                     where i.indrelid = c.oid and i.indisprimary)
              from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and not c.relispartition
               and (n.nspname = 'app' or n.nspname like 'plugin\\_%')
             order by 1""").fetchall()
        for name, columns in rows:
            if name in NOBODYS:
                continue
            if columns is None:
                yield name, "t::text"
            else:
                yield name, "jsonb_build_array(" + ", ".join(f"t.{c}" for c in columns) + ")::text"


@dataclass(frozen=True)
class _Statements:
    """What is asked of a table: written once, so that the server plans each of them once."""

    count: str
    read: bytes
    delete: bytes
    insert: bytes

    @classmethod
    def of(cls, table: str, key: str) -> "_Statements":
        """Those of a table whose rows are known by an expression over `t`."""
        fresh = "count(*) filter (where t.xmin::text::bigint >= %(next)s)"
        return cls(
            count=f"select '{table}', count(*), {fresh} from {table} t",
            read=f"select {key}, to_jsonb(t)::text from {table} t".encode(),
            delete=f"delete from {table} t where {key} = %s".encode(),
            insert=(
                f"insert into {table} overriding system value"
                f" select * from jsonb_populate_record(null::{table}, %s::jsonb)"
            ).encode(),
        )


@contextmanager
def snapshots(runtime: Runtime) -> Iterator[Snapshots]:
    """Snapshots of a runtime's database, closed at the end."""
    made = Snapshots(runtime)
    try:
        yield made
    finally:
        made.close()
