"""Closed unless somebody opened it: without a principal, without a grant, without a door."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_admin import Admin, expose
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from backoffice.access.permissions import STUDENTS_READ
from backoffice.access.policy import can, visible
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.audit.models import AuditEntry
from backoffice.console.grid import Column, Grid
from backoffice.console.guard import GuardedView
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.storage.base import Base
from backoffice.storage.installation import Installation
from backoffice.storage.roles import DatabaseRole
from backoffice.storage.sealed import Sealed
from backoffice.web import cookies
from tests.factories.world import World, add_passkey

# Tables of nobody, that everybody must read before there is a principal.
OPEN_TO_ALL = {
    "app.installation": "holds the mark by which a wrong keyring is noticed at start",
    "app.schema_version": "says whether the schema is the code's",
    "app.retention_run": "says how many rows of each kind went by age, and names nobody",
}
# What is written before there is a principal: that somebody was refused, that a child came in.
WRITTEN_BY_NOBODY = {"app.audit_entry", "app.audit_detail"}
REFUSED = "42501"
APPEND_ONLY = {"app.audit_entry", "app.audit_detail", "app.point_entry"}


@pytest.fixture(scope="module")
def owner(runtime: Runtime, world: World) -> Iterator[Connection]:
    world.token("teacher")
    add_passkey(world.people["founder"].id)
    world.student_session(world.own_class, world.own_class.children[0])
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def as_app(runtime: Runtime) -> Iterator[Connection]:
    """The web's role, and nobody at work."""
    with runtime.database.engine(DatabaseRole.APP).connect() as connection:
        yield connection
        connection.rollback()


def tables(connection: Connection, kinds: str = "rp") -> list[str]:
    """Every table of core and plugins, as the catalog has it."""
    return list(
        connection.scalars(
            text("""
            select n.nspname || '.' || c.relname from pg_class c
              join pg_namespace n on n.oid = c.relnamespace
             where c.relkind = any (:kinds) and (n.nspname = 'app' or n.nspname like 'plugin\\_%')
             order by 1"""),
            {"kinds": list(kinds)},
        )
    )


def tenant_tables(connection: Connection) -> list[str]:
    """Those whose rows belong to somebody."""
    named = """
        select n.nspname || '.' || c.relname from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and (n.nspname = 'app' or n.nspname like 'plugin\\_%')
           and (c.relname in ('school', 'district', 'account') or exists (
             select from pg_attribute a where a.attrelid = c.oid and not a.attisdropped and a.attname in
               ('school_id', 'classroom_id', 'student_id', 'account_id', 'district_id')))
         order by 1"""
    return list(connection.scalars(text(named)))


def refused(connection: Connection, statement: str) -> bool:
    """Whether the database refuses for want of a right."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", None) == REFUSED
    finally:
        savepoint.rollback()
    return False


def test_nobody_sees_a_row(owner: Connection, as_app: Connection) -> None:
    found = tenant_tables(owner)
    assert found
    for table in found:
        if table.startswith("app."):
            assert owner.scalar(text(f"select count(*) from {table}")), f"{table} is empty: not tested"
        if not refused(as_app, f"select * from {table}"):
            assert as_app.scalar(text(f"select count(*) from {table}")) == 0, table


def test_what_is_open_to_all_is_listed(owner: Connection, as_app: Connection) -> None:
    """Every other table that the web's role may read belongs to somebody, or to a plugin's own page."""
    guarded = """
        select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relforcerowsecurity and n.nspname = 'app'"""
    core = {table for table in tables(owner) if table.startswith("app.")}
    assert core - set(owner.scalars(text(guarded))) == set(OPEN_TO_ALL)
    for table in OPEN_TO_ALL:
        names = as_app.scalars(
            text("select attname from pg_attribute where attrelid = cast(:table as regclass) and attnum > 0"),
            {"table": table},
        )
        assert not {"name", "email", "address"} & set(names)


def test_nobody_writes_a_row(owner: Connection, as_app: Connection) -> None:
    for table in tenant_tables(owner):
        columns = list(
            as_app.scalars(
                text("""select attname from pg_attribute where attrelid = cast(:table as regclass)
                        and attnum > 0 and not attisdropped order by attnum"""),
                {"table": table},
            )
        )
        # Rows as they are, so that no constraint refuses before the isolation does.
        copy = ", ".join(columns)
        if table not in WRITTEN_BY_NOBODY:
            # A real row, taken past the isolation.
            taken = owner.execute(text(f"select {copy} from {table} limit 1")).first()
            if taken is not None:
                values = ", ".join(f":v{n}" for n in range(len(columns)))
                savepoint = as_app.begin_nested()
                with pytest.raises(DBAPIError) as raised:
                    as_app.execute(
                        text(f"insert into {table} ({copy}) overriding system value values ({values})"),
                        {f"v{n}": value for n, value in enumerate(taken)},
                    )
                savepoint.rollback()
                assert getattr(raised.value.orig, "sqlstate", None) == REFUSED, table
        for statement in (
            *(f"update {table} set {column} = {column}" for column in columns),
            f"delete from {table}",
        ):
            if not refused(as_app, statement):
                savepoint = as_app.begin_nested()
                assert as_app.execute(text(statement)).rowcount == 0, statement
                savepoint.rollback()
        assert refused(as_app, f"truncate {table}"), table


def grants(connection: Connection, role: str) -> set[tuple[str, str]]:
    """(table, right) of a role, rights on single columns included."""
    rows = connection.execute(
        text("""
        select n.nspname || '.' || c.relname, r.name from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
          cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references',
                                  'trigger', 'maintain']) as r(name)
         where c.relkind in ('r', 'p', 'v', 'm')
           and (n.nspname = 'app' or n.nspname like 'plugin\\_%')
           and (has_table_privilege(:role, c.oid, r.name)
                or (r.name in ('select', 'insert', 'update', 'references')
                    and has_any_column_privilege(:role, c.oid, r.name)))"""),
        {"role": role},
    )
    return {(table, right) for table, right in rows}


def test_the_web_deletes_nothing(owner: Connection) -> None:
    held = grants(owner, DatabaseRole.APP)
    assert {right for _table, right in held} <= {"select", "insert", "update"}
    assert not [table for table, right in held if right == "update" and table in APPEND_ONLY]


def test_the_system_cannot_rewrite_what_is_append_only(owner: Connection) -> None:
    held = grants(owner, DatabaseRole.SYSTEM)
    assert {right for table, right in held if table == "app.audit_entry"} == {"select", "insert"}
    # What is sealed there is sealed anew when the key changes; the rest stays as it was written.
    sealed = {
        f"{table}.{column.name}"
        for table in APPEND_ONLY
        for column in Base.metadata.tables[table].columns
        if isinstance(column.type, Sealed)
    }
    writable = owner.scalars(
        text("""select a.attrelid::regclass::text || '.' || a.attname from pg_attribute a
                 where a.attrelid = any (cast(:tables as regclass[])) and a.attnum > 0 and not a.attisdropped
                   and has_column_privilege('backoffice_system', a.attrelid, a.attnum, 'update')"""),
        {"tables": sorted(APPEND_ONLY)},
    )
    # Somebody who is erased is taken out of it, and it says so.
    erased = {"app.audit_detail.about", "app.audit_detail.redacted"}
    assert {f"app.{name.removeprefix('app.')}" for name in writable} <= sealed | erased
    # It vacuums what it erased from, which reads and changes no row.
    assert not {right for _table, right in held} & {"truncate", "references", "trigger"}


def test_partitions_and_views_are_closed(owner: Connection) -> None:
    closed = set(
        owner.scalars(
            text("""select n.nspname || '.' || c.relname from pg_class c
                      join pg_namespace n on n.oid = c.relnamespace where c.relispartition""")
        )
    )
    assert not {table for table, _right in grants(owner, DatabaseRole.APP)} & closed


def test_the_roles_are_no_more_than_they_should_be(owner: Connection) -> None:
    rows = owner.execute(
        text("""select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication,
                       exists (select from pg_auth_members m where m.member = r.oid)
                  from pg_roles r where rolname like 'backoffice\\_%'""")
    ).all()
    assert {(row[0], row[1], row[2]) for row in rows} == {(role.value, False, False) for role in DatabaseRole}


def test_the_web_makes_nothing_in_a_schema(owner: Connection, as_app: Connection) -> None:
    schemas = owner.scalars(
        text("select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'")
    ).all()
    for schema in schemas:
        assert refused(as_app, f"create table {schema}.mine (a int)"), schema
    assert refused(as_app, "create temporary table mine (a int)")
    assert refused(as_app, "set role backoffice_owner")
    assert refused(as_app, "set session_replication_role = replica")


def test_a_stated_purpose_opens_nothing_to_the_web(as_app: Connection) -> None:
    """The purpose belongs to the system's role; the web stating one sees no more than before."""
    as_app.execute(text("select set_config('app.purpose', 'test', true)"))
    assert as_app.scalar(text("select count(*) from app.student")) == 0


def test_the_system_without_a_purpose_sees_nothing(runtime: Runtime, world: World) -> None:
    del world
    with runtime.database.engine(DatabaseRole.SYSTEM).connect() as connection:
        assert connection.scalar(text("select count(*) from app.student")) == 0
    with transaction(Purpose("test")) as tx:
        assert tx.scalar(select(func.count()).select_from(Student))


def test_a_principal_ends_with_its_transaction(runtime: Runtime, world: World) -> None:
    """The settings are the transaction's: a pooled connection brings nobody along."""
    who = world.sign_in("teacher")
    with transaction(who) as tx:
        assert tx.scalar(select(func.count()).select_from(Student))
    engine = runtime.database.engine(DatabaseRole.APP)
    for _ in range(10):
        with engine.connect() as connection:
            assert connection.scalar(text("select count(*) from app.student")) == 0


def test_an_entity_without_a_rule_is_visible_to_nobody(world: World) -> None:
    teacher, founder = world.sign_in("leader"), world.sign_in("founder")
    for who in (teacher, founder, Principal(Nobody())):
        with transaction(who) as tx:
            assert tx.scalars(visible(tx.principal, select(Installation))).all() == []


def test_nobody_may_do_anything() -> None:
    nobody = Principal(Nobody())
    assert not can(nobody, STUDENTS_READ)
    with transaction(nobody) as tx:
        assert tx.scalars(visible(nobody, select(AuditEntry))).all() == []


def test_a_view_without_doors_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="has no doors"):

        class Doorless(GuardedView):
            pass

    with pytest.raises(TypeError, match="has no doors"):

        class AlsoDoorless(GuardedView):
            doors = {}


def test_a_grid_needs_an_entity_and_columns() -> None:
    with pytest.raises(TypeError, match="no entity or no columns"):

        class Columnless(Grid):
            title = "Rows"
            address = "rows"
            doors = {"index": STUDENTS_READ}
            entity = Student

    with pytest.raises(TypeError, match="no entity or no columns"):

        class Thingless(Grid):
            title = "Rows"
            address = "rows"
            doors = {"index": STUDENTS_READ}
            columns = (Column("name", "Name"),)


@pytest.fixture
def careless(runtime: Runtime) -> Flask:
    """The application with a page whose maker forgot a door."""

    class Careless(GuardedView):
        title = "Careless"
        address = "careless"
        doors = {"index": STUDENTS_READ}

        @expose("/")
        def index(self) -> str:
            return "guarded"

        @expose("/open", methods=("GET", "POST"))
        def forgotten(self) -> str:
            return "forgotten"

    app = build(runtime)
    admin: Admin = app.extensions["admin"][0]
    admin.add_view(Careless(name="Careless", endpoint="careless", url="careless"))
    return app


@pytest.mark.parametrize("role", ["teacher", "leader", "founder"])
def test_a_page_without_a_door_answers_404(careless: Flask, world: World, role: str) -> None:
    browser = careless.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token(role))
    assert browser.get("/console/careless/open").status_code == 404
    assert browser.get("/console/careless/").status_code == (404 if role == "founder" else 200)


def test_every_view_of_the_console_is_guarded(app: Flask) -> None:
    """Nothing of Flask-Admin's own is served: each of its views is one of ours."""
    (admin,) = app.extensions["admin"]
    assert all(isinstance(view, GuardedView) for view in admin._views)
    served = {str(rule.endpoint).partition(".")[0] for rule in app.url_map.iter_rules()}
    assert "admin" not in served
    inside = {
        str(r.endpoint).partition(".")[0] for r in app.url_map.iter_rules() if r.rule.startswith("/console")
    }
    assert inside <= {view.endpoint for view in admin._views}


def test_every_door_leads_somewhere(app: Flask) -> None:
    """A door for a method that is not there is a misspelt one, and leaves the real one closed."""
    (admin,) = app.extensions["admin"]
    for view in admin._views:
        exposed = {name for _url, name, _methods in view._urls}
        assert set(view.doors) <= exposed, type(view).__name__
