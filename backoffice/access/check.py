"""Whether isolation holds in the live database: what `backoffice db check` says."""

from sqlalchemy import text

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime

# A table with one of these belongs to somebody, and so is under row-level security.
SCOPED = ("school_id", "classroom_id", "student_id", "account_id", "district_id")

_UNGUARDED = text("""
    select c.oid::regclass::text as name,
           c.relrowsecurity and c.relforcerowsecurity as forced,
           exists (select from pg_policy p where p.polrelid = c.oid) as guarded
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and (n.nspname = 'app' or n.nspname like 'plugin\\_%')
       and (exists (select from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
                     and a.attname = any (:scoped))
            or c.relname in ('school', 'district', 'account'))
     order by 1""")

_ROLES = text("""
    select rolname as name from pg_roles
     where rolname like 'backoffice\\_%' and (rolsuper or rolbypassrls) order by 1""")


def check_isolation(runtime: Runtime) -> list[str]:
    """What is wrong with the isolation of the live database, a sentence each; empty if nothing."""
    del runtime
    with transaction(Purpose("db-check")) as tx:
        problems = [
            f"The table {row.name} is not under forced row-level security."
            for row in tx.execute(_UNGUARDED, {"scoped": list(SCOPED)})
            if not (row.forced and row.guarded)
        ]
        problems += [f"The role {row.name} can go around row-level security." for row in tx.execute(_ROLES)]
    return problems
