"""No page of a list reads more than a page's worth, whoever asks for whichever order and filter.

The lists stand on tables of many rows. Each statement that a page sends is run once more as it is, in the
same transaction, and the database says what it read: as the application's role, under row-level security,
with the settings that the page has made. A filter or an order without an index reads the table, and is found
out. What the policy's own functions read does not show.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, make_url, text

from backoffice.access.transaction import transaction
from backoffice.console import paging
from backoffice.console.grid import Grid
from backoffice.console.grids.filters import RelationFilter
from backoffice.families.models import GuardianStatus
from backoffice.outbox.models import MailState
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.storage.prepared import SAID_BY_INDEX_ALONE
from backoffice.storage.roles import DatabaseRole
from tests.contract.test_lists import asked_in_turn, grids
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World

# So many students and mails; a class for each 5 of them, with a teacher, in one of so many schools.
ROWS, OF_A_CLASS, SCHOOLS = 20_000, 5, 80
READING = re.compile(r"\s*(select|with)\b.*\bfrom\s+app\.", re.IGNORECASE | re.DOTALL)
# Up to so many rows a list is read whole here, to be sorted by name or to be counted.
SORTED = 150
# Rows that one statement may read of one table: those of a page and its neighbours, or those that are sorted.
MOST_READ = 4 * SORTED
ROLES = ("founder", "leader", "officer", "teacher", "outsider")
# One of so many rows is in one of the rare states.
RARE = 400
FIRST = 1_000_000
# Which accounts somebody leads is no column of theirs: the policy gathers all staff of their schools, by the
# school, once for each statement that reads accounts.
GATHERED = {"membership", "teaching_role"}
OF_ACCOUNTS = re.compile(r"\bfrom\s+app\.account\b", re.IGNORECASE)
LETTERS = "23456789abcdefgh"
PREPARED = text("select statement from pg_prepared_statements")
EXPLAIN = "explain (analyze, timing off, format json)"
# What statements say that are planned once for all.
HIDDEN = ")::BIGINT[])"
# For each table, from the number n of a row and the row k that there is: what is other than in k.
CLASS_OF, SCHOOL_OF = f"{FIRST} + n / {OF_A_CLASS}", f"{FIRST} + (n / {OF_A_CLASS}) % {SCHOOLS}"
PUBLIC_ID = f"translate(substr(md5('{{table}}' || n), 1, 16), '0123456789abcdef', '{LETTERS}')"
DIGEST = "sha256(('{table}' || n)::bytea)"
DAY = "k.created_at::date - n % 365"


def state_of(states: Sequence[str]) -> str:
    """Most rows are in the first state, few in each of the others."""
    words = ", ".join(f"'{each}'" for each in states)
    return f"(array[{words}])[1 + (n % {RARE} < {len(states)})::int * (n % {len(states)})]"


TABLES: dict[str, tuple[int, dict[str, str]]] = {
    "school": (SCHOOLS, {"id": f"{FIRST} + n", "district_id": "{district}"}),
    "classroom": (
        ROWS // OF_A_CLASS,
        {
            "id": f"{FIRST} + n",
            "school_id": f"{FIRST} + n % {SCHOOLS}",
            "door": "'closed'",
            "archived_at": f"case when n % {RARE // 10} = 0 then now() end",
        },
    ),
    "student": (
        ROWS,
        {"id": f"{FIRST} + n", "school_id": SCHOOL_OF, "active_on": DAY, "username_digest": "null"},
    ),
    "enrollment": (ROWS, {"school_id": SCHOOL_OF, "classroom_id": CLASS_OF, "student_id": f"{FIRST} + n"}),
    "account": (ROWS // OF_A_CLASS, {"id": f"{FIRST} + n", "email_index": DIGEST, "founder": "false"}),
    "membership": (
        ROWS // OF_A_CLASS,
        {
            "id": f"{FIRST} + n",
            "account_id": f"{FIRST} + n",
            "school_id": f"{FIRST} + n % {SCHOOLS}",
            "district_id": "null",
            "role": "'teacher'",
        },
    ),
    "teaching_role": (
        ROWS // OF_A_CLASS,
        {
            "account_id": f"{FIRST} + n",
            "school_id": f"{FIRST} + n % {SCHOOLS}",
            "classroom_id": f"{FIRST} + n",
            "role": "'owner'",
        },
    ),
    "guardian_link": (
        ROWS,
        {
            "id": f"{FIRST} + n",
            "school_id": SCHOOL_OF,
            "student_id": f"{FIRST} + n",
            "status": state_of([GuardianStatus.APPROVED, *GuardianStatus]),
        },
    ),
    "guardian_invitation": (
        ROWS,
        {
            "id": f"{FIRST} + n",
            "school_id": SCHOOL_OF,
            "student_id": f"{FIRST} + n",
            "token_digest": DIGEST,
            "code_digest": "null",
            "accepted_at": "null",
            "withdrawn_at": "null",
        },
    ),
    "invitation": (
        ROWS,
        {
            "id": f"{FIRST} + n",
            "school_id": SCHOOL_OF,
            "email_index": DIGEST,
            "token_digest": "sha256(('token' || n)::bytea)",
            "classroom_id": "null",
            "accepted_at": "null",
            "withdrawn_at": "null",
        },
    ),
    "mail": (
        ROWS,
        {"id": f"{FIRST} + n", "state": state_of([MailState.SENT, *MailState]), "school_id": "null"},
    ),
}


def administrator(runtime: Runtime) -> psycopg.Connection:
    """The database's superuser."""
    url = make_url(runtime.database.address).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


@pytest.fixture(scope="module")
def large(runtime: Runtime, world: World) -> Runtime:
    """The world, with many rows more of what lists show, in the leader's district."""
    with administrator(runtime) as connection:
        # What refers to each other fits; to look all of it up would take longer than the whole test.
        connection.execute("set session_replication_role = replica")
        for table, (rows, changed) in TABLES.items():
            known = connection.execute(
                "select column_name from information_schema.columns"
                " where table_schema = 'app' and table_name = %s and is_generated = 'NEVER'",
                [table],
            )
            columns = [str(row[0]) for row in known]
            made = {"public_id": PUBLIC_ID} | changed
            values = [
                made.get(each, f"k.{each}").format(table=table, district=world.district_id)
                for each in columns
            ]
            connection.execute(
                f"insert into app.{table} ({', '.join(columns)}) overriding system value"
                f" select {', '.join(values)} from generate_series(1, {rows}) n,"
                f" (select * from app.{table} limit 1) k".encode()
            )
        connection.execute("analyze")
    return runtime


@contextmanager
def plans(runtime: Runtime) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What each statement of the web's role reads that is sent meanwhile: the statement and its plan."""
    found: list[tuple[str, dict[str, Any]]] = []
    engine = runtime.database.engine(DatabaseRole.APP)

    def explain(
        connection: Any, _cursor: object, statement: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        if READING.match(statement):
            raw = connection.connection.driver_connection
            for option, said in SAID_BY_INDEX_ALONE.items():
                # What is said as the statement is sent holds for its plan.
                if context.execution_options.get(option) == said:
                    raw.execute(said)
            plans = [raw.execute(f"{EXPLAIN} {statement}", parameters).fetchone()]
            if HIDDEN in statement:
                # The first times it is planned as any other.
                plans.append(planned_unseen(raw, statement, parameters))
            found.extend((statement, told[0][0]["Plan"]) for told in plans)

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def planned_unseen(raw: psycopg.Connection[Any], statement: str, parameters: dict[str, Any]) -> Any:
    """What a prepared statement reads once the database plans it without looking at what it is told."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)
    told = psycopg.ClientCursor(raw)
    told.execute(f"prepare unseen as {numbered}".encode())
    before = raw.execute("select set_config('plan_cache_mode', 'force_generic_plan', true)").fetchone()
    assert before
    places = ", ".join(["%s"] * len(names))
    told.execute(f"{EXPLAIN} execute unseen({places})".encode(), [parameters[each] for each in names])
    plan = told.fetchone()
    raw.execute("select set_config('plan_cache_mode', 'auto', true)")
    raw.execute("deallocate unseen")
    return plan


def read_of(plan: dict[str, Any]) -> Iterator[tuple[str, float, str]]:
    """For each scan of a large table: its name, the rows that were looked at, and by what."""
    table = plan.get("Relation Name")
    if table in TABLES:
        looked_at = plan["Actual Rows"] + sum(
            plan.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck", "Join Filter")
        )
        yield table, looked_at * plan["Actual Loops"], f"{plan['Node Type']} {plan.get('Index Name', '')}"
    for each in plan.get("Plans", ()):
        yield from read_of(each)


def asked_for(grid: Grid, things: dict[Any, Any]) -> Iterator[dict[str, str]]:
    """The list as it is, each order, each choice, a thing of each relation; also from within."""
    within = things.get(grid.entity)
    for query in ({}, *(each for each in asked_in_turn(grid) if "columns" not in each)):
        yield query
        if within:
            yield {**query, "after": within}
        if within and "sort" in query:
            yield {**query, "before": within}
    for each in grid.filters:
        if isinstance(each, RelationFilter) and each.entity in things:
            yield {each.name: things[each.entity]}


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are large from fewer rows on: tables of thousands show what those of millions would."""
    monkeypatch.setattr(paging, "LARGE", paging.LargeLists())
    monkeypatch.setattr(paging, "SORTABLE", SORTED)


def read_too_much(
    app: Flask, runtime: Runtime, world: World, roles: Sequence[str], only: str = "", *, known: bool = False
) -> tuple[int, set[str]]:
    """How many pages were asked for, and where a statement read too much: of which list, asked for what."""
    with transaction(SYSTEM) as tx:
        things = {
            grid.entity: tx.scalar(text(f"select public_id from app.{table} where id = {FIRST + 7}"))
            for grid in grids(app)
            if (table := grid.entity.__tablename__) in TABLES
        }
    asked, found = 0, set()
    for role in roles:
        browser = signed_in(app, world, role)
        for grid in grids(app):
            if only and grid.address != only:
                continue
            for query in asked_for(grid, things):
                # Each page finds out anew how long its list is, or has known it for a moment.
                paging.LARGE = paging.LargeLists()
                if known:
                    browser.get(f"{grid.url}/", query_string=query)
                with plans(runtime) as made:
                    page = browser.get(f"{grid.url}/", query_string=query)
                if page.status_code == HTTPStatus.NOT_FOUND:
                    # No list of theirs, or a thing of somebody else.
                    if query:
                        continue
                    break
                assert page.status_code == HTTPStatus.OK, (role, grid.url, query)
                asked += 1
                found |= {
                    f"{role} {grid.url} {query}: {rows:.0f} rows of {table} by {way}"
                    for statement, plan in made
                    for table, rows, way in read_of(plan)
                    if rows > MOST_READ and not (table in GATHERED and OF_ACCOUNTS.search(statement))
                }
    return asked, found


@pytest.mark.usefixtures("small_pages")
def test_each_order_and_each_filter_is_carried_by_an_index(app: Flask, large: Runtime, world: World) -> None:
    asked, found = read_too_much(app, large, world, ROLES)
    assert sorted(found) == []
    assert asked > 100


@pytest.mark.usefixtures("small_pages")
def test_so_is_each_that_is_planned_once_for_all(app: Flask, large: Runtime, world: World) -> None:
    """Of lists that are known to be large: what is said of whoever reads is hidden from the plan."""
    asked, found = read_too_much(app, large, world, ("founder", "leader"), known=True)
    assert sorted(found) == []
    assert asked > 50
    with transaction(world.sign_in("leader")) as tx:
        pages = [row.statement for row in tx.execute(PREPARED) if HIDDEN in row.statement]
    assert any(re.search(r"FROM app.student\b.* LIMIT", each, re.DOTALL) for each in pages)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("index", "address", "role"),
    [
        ("ix_student_active_on_school_id_id", "students", "leader"),
        ("ix_classroom_archived", "classrooms", "leader"),
        ("ix_guardian_link_school_id_status_id", "families", "leader"),
        ("ix_mail_state_next_try_at", "outbox", "founder"),
    ],
)
def test_a_list_without_its_index_is_found_out(
    app: Flask, large: Runtime, world: World, index: str, address: str, role: str
) -> None:
    with administrator(large) as connection:
        made = connection.execute("select pg_get_indexdef(%s::regclass)", [f"app.{index}"]).fetchone()
        connection.execute(f"drop index app.{index}".encode())
        _asked, found = read_too_much(app, large, world, [role], address)
        assert made
        connection.execute(made[0].encode())
    assert found


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("address", ["students", "families", "family-invitations"])
def test_what_is_about_a_student_is_found_by_the_name_without_reading_all(
    app: Flask, large: Runtime, world: World, address: str
) -> None:
    token = names.token("wilh", school_id=FIRST + 7)
    with administrator(large) as connection:
        # Those of one class: in the seventh school.
        first = FIRST + 7 * OF_A_CLASS
        connection.execute(
            "update app.student set name_tokens = array[%s] where id between %s and %s",
            [token, first, first + OF_A_CLASS - 1],
        )
    leader, page = signed_in(app, world, "leader"), f"/console/{address}/"
    fields = {"csrf_token": form_token(leader.get("/console/find/").text), "q": "wilh"}
    paging.LARGE = paging.LargeLists()
    with plans(large) as made:
        found = leader.post(f"{page}search", data=fields)
    assert (found.status_code, found.text.count('<th scope="row"') >= OF_A_CLASS) == (200, True)
    read = [(table, rows, way) for _statement, plan in made for table, rows, way in read_of(plan)]
    assert [each for each in read if each[1] > MOST_READ] == []


def test_a_name_is_looked_up_at_many_schools_without_reading_their_students(large: Runtime) -> None:
    """What the database's own function reads stands in no plan: it is counted, within its transaction."""
    schools = [FIRST + number for number in range(SCHOOLS)]
    wanted = [names.token("wilh", school_id=each) for each in schools]
    with administrator(large) as connection, connection.transaction():
        own = f"{{{str(schools)[1:-1]}}}"
        connection.execute("select set_config('app.staffed_schools', %s, true)", [own])
        connection.execute("select * from app.find(%s, %s)", [schools, wanted]).fetchall()
        counted = connection.execute(
            "select pg_stat_get_xact_numscans('app.ix_student_name_tokens'::regclass),"
            " pg_stat_get_xact_tuples_returned('app.student'::regclass)"
        ).fetchone()
    assert counted == (SCHOOLS, 0)
