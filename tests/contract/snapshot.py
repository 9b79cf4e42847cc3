"""Everything the database holds, row by row: what changed, whose it was, and putting it back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
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


Rows = dict[tuple[str, str], str]


class Snapshots:
    """A look past all isolation, as the database's superuser.

    `base` is the state to which every attempt returns: `changes` compares with it, `restore` puts it back
    without triggers and cascades, so that one world serves thousands of attempts in any order.
    """

    def __init__(self, runtime: Runtime) -> None:
        address = make_url(runtime.database.address).set(drivername="postgresql")
        self._connection = psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)
        self._keys = dict(self._primary_keys())
        self._quick = self._quick_statement()
        self.base: Rows = {}
        self._base_quick: object = None

    @property
    def tables(self) -> list[str]:
        """Every table of the core and of the plugins, as `schema.name`."""
        return sorted(self._keys)

    def keep(self) -> None:
        """Take the present state as the one to return to."""
        self.base = self._rows()
        self._base_quick = self._quick_look()

    def unchanged(self) -> bool:
        """Whether every table holds exactly the rows of the base."""
        return self._quick_look() == self._base_quick

    def changes(self) -> list[Change]:
        """The rows that differ from the base."""
        if self.unchanged():
            return []
        now = self._rows()
        found = []
        for key in sorted(self.base.keys() | now.keys()):
            before, after = self.base.get(key), now.get(key)
            if before is None and after is not None:
                found.append(Change(key[0], "added", json.loads(after)))
            elif after is None and before is not None:
                found.append(Change(key[0], "removed", json.loads(before)))
            elif before != after and before is not None and after is not None:
                old, new = json.loads(before), json.loads(after)
                ignored = TOUCHED_BY_READING.get(key[0], frozenset())
                if any(old[name] != new[name] for name in old.keys() - ignored):
                    found.append(Change(key[0], "changed", new))
        return found

    def restore(self) -> None:
        """Put every row back as it is in the base."""
        now = self._rows()
        with self._connection.transaction():
            self._connection.execute("set local session_replication_role = replica")
            other = [key for key in now.keys() | self.base.keys() if now.get(key) != self.base.get(key)]
            # All away before any comes back: of some rows there is one at a time.
            for key in other:
                if key in now:
                    self._take_away(key)
            for key in other:
                if key in self.base:
                    self._put_back(key)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _take_away(self, key: tuple[str, str]) -> None:
        self._connection.execute(
            sql.SQL("delete from {} t where {} = %s").format(
                _table(key), sql.SQL(self._keys[key[0]].replace("{}", "t"))
            ),
            [key[1]],
        )

    def _put_back(self, key: tuple[str, str]) -> None:
        self._connection.execute(
            sql.SQL(
                "insert into {0} overriding system value"
                " select * from jsonb_populate_record(null::{0}, %s::jsonb)"
            ).format(_table(key)),
            [self.base[key]],
        )

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
                yield name, "{}::text"
            else:
                yield name, "jsonb_build_array(" + ", ".join(f"{{}}.{c}" for c in columns) + ")::text"

    def _quick_statement(self) -> str:
        parts = []
        for table in self.tables:
            ignored = sorted(TOUCHED_BY_READING.get(table, ()))
            whole = f"(to_jsonb(t) - array[{', '.join(map(repr, ignored))}])" if ignored else "t"
            parts.append(
                f"select '{table}', count(*), sum(hashtextextended({whole}::text, 0)) from {table} t"
            )
        return " union all ".join(parts)

    def _quick_look(self) -> object:
        return self._connection.execute(self._quick.encode()).fetchall()

    def _rows(self) -> Rows:
        parts = [
            f"select '{table}', {key.replace('{}', 't')}, to_jsonb(t)::text from {table} t"
            for table, key in self._keys.items()
        ]
        rows = self._connection.execute(" union all ".join(parts).encode()).fetchall()
        return {(table, key): row for table, key, row in rows}


def _table(key: tuple[str, str]) -> sql.Composed:
    return sql.SQL(".").join(map(sql.Identifier, key[0].split(".")))


@contextmanager
def snapshots(runtime: Runtime) -> Iterator[Snapshots]:
    """Snapshots of a runtime's database, closed at the end."""
    made = Snapshots(runtime)
    try:
        yield made
    finally:
        made.close()
