"""The live schema keeps the rules that isolation, sealing and the inventory stand on."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import api
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, make_url, text

from backoffice.runtime import Runtime
from backoffice.storage.base import Base
from backoffice.storage.columns import Class, Held
from backoffice.storage.database import make_engine
from backoffice.storage.migrate import CORE, VERSION_TABLE, Migrations
from backoffice.storage.revise import _only
from backoffice.storage.roles import DatabaseRole
from backoffice.storage.sealed import Sealed

SCOPING = ["school_id", "classroom_id", "student_id", "account_id", "district_id"]
OURS = "(n.nspname = 'app' or n.nspname like 'plugin\\_%')"


@pytest.fixture(scope="module")
def live(runtime: Runtime) -> Iterator[Connection]:
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def administrator(runtime: Runtime) -> Iterator[Connection]:
    """With the usual search path: Alembic takes a schema on it for the nameless one."""
    address = make_url(runtime.database.address).set(drivername="postgresql+psycopg")
    engine = make_engine(address)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def histories(runtime: Runtime) -> list[tuple[Migrations, MetaData]]:
    """Core and plugins: each history with the models it must agree with."""
    return [
        (CORE, Base.metadata),
        *(
            (plugin.migrations, plugin.tables)
            for plugin in runtime.plugins
            if plugin.tables is not None and plugin.migrations is not None
        ),
    ]


def rows(live: Connection, statement: str, **values: object) -> list[str]:
    return list(live.scalars(text(statement), values))


def test_whatever_is_sealed_can_be_sealed_anew(live: Connection, runtime: Runtime) -> None:
    """Else the first rotation of keys would stop at it."""
    fixed = [
        f"{column.table}.{column.name}"
        for metadata in runtime.metadatas
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed)
        and not live.scalar(
            text("select has_column_privilege(:role, :table, :column, 'update')"),
            {"role": DatabaseRole.SYSTEM.value, "table": str(table), "column": column.name},
        )
    ]
    assert fixed == []


def test_whatever_belongs_to_somebody_is_under_forced_isolation(live: Connection) -> None:
    unguarded = rows(
        live,
        f"""select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and {OURS}
               and (c.relname in ('school', 'district', 'account') or exists (
                 select from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
                    and a.attname = any (:scoping)))
               and not (c.relrowsecurity and c.relforcerowsecurity)""",
        scoping=SCOPING,
    )
    assert unguarded == []


def test_every_forced_table_has_a_policy_for_its_owner(live: Connection) -> None:
    """Without one a migration that changes data changes nothing, and says so nowhere."""
    without = rows(
        live,
        f"""select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relforcerowsecurity and {OURS} and not exists (
               select from pg_policy p where p.polrelid = c.oid and p.polcmd = '*' and p.polpermissive
                  and 'backoffice_owner'::regrole::oid = any (p.polroles)
                  and pg_get_expr(p.polqual, p.polrelid) = 'true'
                  and pg_get_expr(p.polwithcheck, p.polrelid) = 'true')""",
    )
    assert without == []


def test_no_policy_opens_a_table_to_everybody(live: Connection) -> None:
    """Policies name their role; for the web none is simply true."""
    wide = rows(
        live,
        f"""
        select n.nspname || '.' || c.relname || ' ' || p.polname from pg_policy p
          join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
         where {OURS} and (0 = any (p.polroles) or 'backoffice_app'::regrole::oid = any (p.polroles)
           and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)))""",
    )
    assert wide == []


def test_foreign_keys_between_tenant_tables_name_the_school(live: Connection) -> None:
    """Else a row of one school could point at another's."""
    plain = rows(
        live,
        """
        with tenant as (select attrelid as oid, attnum from pg_attribute
                         where attname = 'school_id' and not attisdropped)
        select k.conrelid::regclass || ' ' || k.conname from pg_constraint k
          join tenant here on here.oid = k.conrelid
          join tenant there on there.oid = k.confrelid
         where k.contype = 'f' and k.conparentid = 0
           and not exists (select from unnest(k.conkey, k.confkey) as pair(here_num, there_num)
                            where pair.here_num = here.attnum and pair.there_num = there.attnum)""",
    )
    # An entry may belong to no school, and a composite key with a null in it keeps nothing.
    assert plain == ["audit_detail fk_audit_detail_entry_id"]


def test_references_to_tenants_are_kept_by_the_database(live: Connection) -> None:
    """A `..._id` column of a scope without a foreign key would outlive what it names."""
    loose = rows(
        live,
        f"""
        select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute a
          join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
          join pg_namespace n on n.oid = c.relnamespace
         where {OURS} and a.attname = any (:scoping) and not a.attisdropped
           and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'
                              and a.attnum = any (k.conkey))
         order by 1""",
        scoping=SCOPING,
    )
    # The trail, receipts and holds outlive the school that they tell of.
    assert loose == [
        "app.audit_detail.school_id",
        "app.audit_entry.school_id",
        "app.erasure.school_id",
        "app.legal_hold.school_id",
    ]


def test_every_mapped_column_is_in_the_inventory(
    histories: list[tuple[Migrations, MetaData]],
) -> None:
    unclassified = [
        str(column)
        for _migrations, metadata in histories
        for table in metadata.sorted_tables
        for column in table.columns
        if not (isinstance(held := column.info.get("held"), Held) and held.purpose.strip())
    ]
    assert unclassified == []


def test_every_live_column_is_mapped(live: Connection, histories: list[tuple[Migrations, MetaData]]) -> None:
    mapped = {
        f"{table.schema}.{table.name}.{column.name}"
        for _migrations, metadata in histories
        for table in metadata.sorted_tables
        for column in table.columns
    }
    there = rows(
        live,
        f"""select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute a
              join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
             where {OURS} and c.relkind in ('r', 'p', 'm', 'f') and not c.relispartition
               and a.attnum > 0 and not a.attisdropped and c.relname <> :version""",
        version=VERSION_TABLE,
    )
    assert set(there) == mapped


def test_models_and_migrations_agree(
    administrator: Connection, histories: list[tuple[Migrations, MetaData]]
) -> None:
    for migrations, metadata in histories:
        context = MigrationContext.configure(
            administrator,
            opts={
                "version_table": VERSION_TABLE,
                "version_table_schema": migrations.schema,
                "include_schemas": True,
                "include_name": _only(migrations.schema),
                "compare_type": True,
                "target_metadata": metadata,
            },
        )
        assert api.compare_metadata(context, metadata) == [], migrations.schema


def test_checks_of_the_models_are_in_the_database(
    live: Connection, histories: list[tuple[Migrations, MetaData]]
) -> None:
    """Autogenerate does not compare check constraints; so their names are."""
    declared = {
        f"{table.schema}.{constraint.name}"
        for _migrations, metadata in histories
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    there = rows(
        live,
        f"""select n.nspname || '.' || k.conname from pg_constraint k
              join pg_namespace n on n.oid = k.connamespace
             where {OURS} and k.contype = 'c' and k.convalidated""",
    )
    assert set(there) == declared


def sampled(live: Connection) -> set[str]:
    """The columns of which the planner keeps samples."""
    return set(
        rows(
            live,
            f"""select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute a
                  join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
                 where {OURS} and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
                   and a.attstattarget is distinct from 0""",
        )
    )


def test_sealed_columns_leave_no_samples(live: Connection) -> None:
    """The planner's samples would keep what erasure took away."""
    sealed = rows(
        live,
        f"""select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute a
              join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
             where {OURS} and a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype)""",
    )
    assert sampled(live) & set(sealed) == set()


def test_secrets_and_digests_leave_no_samples(
    live: Connection, histories: list[tuple[Migrations, MetaData]]
) -> None:
    """Hashes of passwords and PINs, digests of usernames: kept as text, and sampled all the same."""
    secret = {
        f"{table.schema}.{table.name}.{column.name}"
        for _migrations, metadata in histories
        for table in metadata.sorted_tables
        for column in table.columns
        if column.info["held"].kind is Class.SECRET or column.name.endswith("_digest")
    }
    assert secret
    assert sampled(live) & secret == set()


def test_sealed_columns_seal_for_their_own_place(
    histories: list[tuple[Migrations, MetaData]],
) -> None:
    """A value moved to another column does not open; `sealed` and `context` must name the place."""
    places = [
        (f"{table.name}.{column.name}", column.type.context)
        for _migrations, metadata in histories
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed)
    ]
    assert places
    assert [place for place, context in places if place != context] == []
    # Two schemas with a table of one name would share a seal.
    assert len(places) == len(set(places))


def test_what_is_personal_is_sealed(histories: list[tuple[Migrations, MetaData]]) -> None:
    for _migrations, metadata in histories:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if column.info["held"].kind in {Class.PERSONAL, Class.NETWORK_ADDRESS}:
                    assert isinstance(column.type, Sealed), str(column)


def test_no_type_that_isolation_would_make_slow(live: Connection) -> None:
    """Comparisons of enums and documents are not leakproof: under isolation they use no index."""
    wrong = rows(
        live,
        f"""select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute a
              join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
              join pg_type t on t.oid = a.atttypid
             where {OURS} and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
               and (t.typtype = 'e' or t.typname in ('json', 'jsonb', 'timestamp'))""",
    )
    assert wrong == []


def test_functions_with_their_owners_rights_are_narrow(live: Connection) -> None:
    """They fix their search path, so that nobody's table stands in for ours, and are not everybody's."""
    loose = rows(
        live,
        f"""select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where {OURS} and p.prosecdef
               and not exists (select from unnest(p.proconfig) as s(setting)
                                where s.setting like 'search\\_path=%' and s.setting like '%pg\\_temp')""",
    )
    assert loose == []
    public = rows(
        live,
        f"""select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where {OURS} and exists (
               select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                where a.grantee = 0 and a.privilege_type = 'EXECUTE')""",
    )
    assert public == []


def test_every_function_of_the_schema_is_the_owners(live: Connection) -> None:
    others = rows(
        live,
        f"""select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where {OURS} and p.proowner <> 'backoffice_owner'::regrole""",
    )
    assert others == []


def test_foreign_keys_are_indexed(live: Connection) -> None:
    """Erasing follows them down; without an index each step scans the table below."""
    bare = rows(
        live,
        f"""
        select k.conrelid::regclass || ' ' || k.conname from pg_constraint k
          join pg_namespace n on n.oid = k.connamespace
         where {OURS} and k.contype = 'f' and k.confdeltype = 'c' and not exists (
           select from pg_index i where i.indrelid = k.conrelid and i.indpred is null
              and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
         order by 1""",
    )
    assert bare == []


WRITTEN = {
    ("student", "insert"): {
        *("school_id", "id", "public_id", "given_name", "family_name", "name_tokens", "created_at")
    },
    ("student", "update"): {"given_name", "family_name", "name_tokens", "username_digest"},
    ("student_card", "insert"): {
        *("school_id", "id", "classroom_id", "student_id", "secret_digest", "issued_at", "issued_by")
    },
    ("student_card", "update"): {"voided_at"},
    ("student_session", "insert"): set(),
    ("student_session", "update"): {"ended_at"},
    ("classroom_tablet", "update"): {"voided_at"},
}


@pytest.mark.parametrize(("table", "right"), WRITTEN)
def test_the_web_writes_of_who_comes_in_only_what_its_words_need(
    live: Connection, table: str, right: str
) -> None:
    """PINs, the ends of cards and the beginnings of sessions are written by functions alone."""
    held = rows(
        live,
        """select a.attname from pg_attribute a
            where a.attrelid = cast('app.' || :table as regclass) and a.attnum > 0 and not a.attisdropped
              and has_column_privilege(:role, a.attrelid, a.attnum, :right)""",
        role=DatabaseRole.APP.value,
        table=table,
        right=right,
    )
    assert set(held) == WRITTEN[table, right]
