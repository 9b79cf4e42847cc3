"""What the live database itself says about its tables, rights and functions, from its catalogs.

Checks ask here instead of trusting the models: a table, column or grant that nobody mapped shows all
the same. Everything but PostgreSQL's own schemas is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from backoffice.storage.migrate import VERSION_TABLE
from backoffice.storage.roles import DatabaseRole


@dataclass(frozen=True)
class LiveColumn:
    """A column of the live database."""

    table: str
    name: str
    type: str


@dataclass(frozen=True)
class LiveTable:
    """A table of the live database, as `schema.name`, and how it is guarded from the web's role.

    `open_to_app` says that `backoffice_app` holds any right on it, `readable` that it may read it, and
    `policy_for_app` that a policy of row-level security names that role.
    """

    name: str
    columns: frozenset[str]
    points_at: frozenset[str]
    partition: bool
    enabled: bool
    forced: bool
    open_to_app: bool
    readable: bool
    policy_for_app: bool


@dataclass(frozen=True)
class EndFacts:
    """The other end of a connection: its address or the path of its socket, and its TLS, if it has any."""

    address: str | None
    tls: str | None


@dataclass(frozen=True)
class RoleFacts:
    """What the web's role could do beyond its grants."""

    superuser: bool
    bypasses: bool
    creates_roles: bool
    memberships: int
    owns: int

    def excesses(self) -> list[str]:
        """What the role has and must not have, as halves of a sentence."""
        return [
            words
            for has, words in (
                (self.superuser, "is a superuser"),
                (self.bypasses, "bypasses row-level security"),
                (self.creates_roles, "may create roles"),
                (self.memberships, "is a member of another role"),
                (self.owns, "owns tables or functions"),
            )
            if has
        ]


def columns(connection: Connection) -> list[LiveColumn]:
    """Every column of every table and materialized view; a partition's are its parent's."""
    rows = connection.execute(
        text("""
        select n.nspname || '.' || c.relname as in_table, a.attname, format_type(a.atttypid, null) as type
          from pg_attribute a
          join pg_class c on c.oid = a.attrelid
          join pg_namespace n on n.oid = c.relnamespace
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname <> :version_table
           and c.relkind in ('r', 'p', 'm', 'f') and not c.relispartition
           and a.attnum > 0 and not a.attisdropped
         order by 1, a.attnum
        """),
        {"version_table": VERSION_TABLE},
    )
    return [LiveColumn(row.in_table, row.attname, row.type) for row in rows]


def tables(connection: Connection) -> list[LiveTable]:
    """Every table with its guards."""
    rows = connection.execute(
        text("""
        select n.nspname || '.' || c.relname as name, c.relispartition, c.relrowsecurity,
               c.relforcerowsecurity,
               has_table_privilege(:app, c.oid, 'select, insert, update, delete, truncate, trigger')
                 or has_any_column_privilege(:app, c.oid, 'select, insert, update') as open_to_app,
               has_table_privilege(:app, c.oid, 'select') as readable,
               exists (select from pg_policy p
                        where p.polrelid = c.oid and cast(:app as regrole)::oid = any (p.polroles))
                 as policy_for_app,
               array(select a.attname::text from pg_attribute a
                      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
               array(select m.nspname || '.' || t.relname from pg_constraint k
                       join pg_class t on t.oid = k.confrelid
                       join pg_namespace m on m.oid = t.relnamespace
                      where k.conrelid = c.oid and k.contype = 'f') as points_at
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname <> :version_table
           and c.relkind in ('r', 'p', 'f')
         order by 1
        """),
        {"version_table": VERSION_TABLE, "app": DatabaseRole.APP.value},
    )
    return [
        LiveTable(
            name=row.name,
            columns=frozenset(row.columns),
            points_at=frozenset(row.points_at),
            partition=row.relispartition,
            enabled=row.relrowsecurity,
            forced=row.relforcerowsecurity,
            open_to_app=row.open_to_app,
            readable=row.readable,
            policy_for_app=row.policy_for_app,
        )
        for row in rows
    ]


def belonging(
    found: Iterable[LiveTable], columns: frozenset[str], personal: frozenset[str]
) -> list[LiveTable]:
    """The tables that have one of the columns, hold personal data, or point at such a table."""
    found = list(found)
    chosen = {table.name for table in found if table.columns & columns or table.name in personal}
    while more := {t.name for t in found if t.points_at & chosen} - chosen:
        chosen |= more
    return [table for table in found if table.name in chosen]


def open_views(connection: Connection) -> list[str]:
    """Views that the web's role may read and that would read as their owner, past its policies."""
    rows = connection.scalars(
        text("""
        select n.nspname || '.' || c.relname
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname <> :version_table
           and has_any_column_privilege(:app, c.oid, 'select')
           and (c.relkind = 'm' or c.relkind = 'v' and not coalesce(
                  (select option_value::boolean from pg_options_to_table(c.reloptions)
                    where option_name = 'security_invoker'), false))
         order by 1
        """),
        {"version_table": VERSION_TABLE, "app": DatabaseRole.APP.value},
    )
    return list(rows)


def app_role(connection: Connection) -> RoleFacts:
    """What the web's role could do beyond its grants."""
    row = connection.execute(
        text("""
        select r.rolsuper, r.rolbypassrls, r.rolcreaterole,
               (select count(*) from pg_auth_members m where m.member = r.oid) as memberships,
               (select count(*) from pg_class c where c.relowner = r.oid)
                 + (select count(*) from pg_proc p where p.proowner = r.oid) as owns
          from pg_roles r where r.rolname = :app
        """),
        {"app": DatabaseRole.APP.value},
    ).one()
    return RoleFacts(row.rolsuper, row.rolbypassrls, row.rolcreaterole, row.memberships, row.owns)


def functions_that_add_to(connection: Connection, tables: Iterable[str]) -> list[str]:
    """Functions with their owner's rights, open to the web's role, that insert into one of the tables.

    `tables` are names without schema.
    """
    rows = connection.scalars(
        text("""
        select n.nspname || '.' || p.proname
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where p.prosecdef and has_function_privilege(:app, p.oid, 'execute')
           and coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '') ~* :inserts
         order by 1
        """),
        {
            "app": DatabaseRole.APP.value,
            "inserts": rf'(insert|merge)\s+into\s+("?\w+"?\.)?"?({"|".join(tables)})\M',
        },
    )
    return list(rows)


def validated_checks(connection: Connection, table: str) -> set[str]:
    """The names of the check constraints that hold on every row of a table (`schema.name`)."""
    rows = connection.scalars(
        text("""
        select conname from pg_constraint
         where conrelid = to_regclass(:name) and contype = 'c' and convalidated
        """),
        {"name": table},
    )
    return set(rows)


def server_of(connection: Connection) -> EndFacts:
    """How we see the server, or the pooler before it."""
    driver = connection.connection.driver_connection
    assert driver is not None
    return EndFacts(driver.info.host, "TLS" if driver.pgconn.ssl_in_use else None)


def client_of(connection: Connection) -> EndFacts:
    """How the server sees the other end of this connection; behind a pooler that is the pooler."""
    found = connection.execute(
        text(
            "select host(inet_client_addr()) as address, case when s.ssl then s.version end as tls"
            " from pg_stat_ssl s where s.pid = pg_backend_pid()"
        )
    ).one()
    return EndFacts(found.address, found.tls)
