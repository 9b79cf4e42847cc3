"""Behind pgbouncer in transaction mode, over TLS and one connection to PostgreSQL: all works, none leaks."""

import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, make_url, select, text
from sqlalchemy.exc import OperationalError

from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.runtime import Runtime, check_database
from backoffice.schools.models import Student
from backoffice.settings import Throttles
from backoffice.storage import database
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole
from tests.factories.servers import make_authority, pgbouncer
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import Class, World

HOST = "pooler.school.example"
THREADS, ROUNDS = 8, 12
# What outlives a transaction, or is prepared at the server.
KEPT_IN_A_SESSION = re.compile(
    r"pg_(try_)?advisory_(un)?lock|\bset\s+(session\b|(?!local\b|transaction\b)\w+\s*(=|to)\s*'?\w+'?\s*;)"
    r"|set_config\([^)]*,\s*false\s*\)|^\s*(prepare|listen|deallocate|discard|reset|load)\b"
    r"|with\s+hold|create\s+(local\s+)?temp",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pooled:
    """The application over pgbouncer, and the same past it."""

    app: Flask
    direct: Flask
    database: Database
    statements: list[str]


@pytest.fixture(scope="module")
def pooled(runtime: Runtime, world: World, app: Flask, folder: Path) -> Iterator[Pooled]:
    authority = make_authority(folder, "pooler-authority")
    certificate = authority.issue(HOST, folder)
    with pgbouncer(folder, behind=runtime.database.address, connections=1, certificate=certificate) as port:
        tls = {"sslmode": "verify-full", "sslrootcert": str(authority.file)}
        address = make_url(runtime.database.address).set(
            host=HOST, port=port, query={"hostaddr": "127.0.0.1", **tls}
        )
        opened = Database(address.render_as_string(hide_password=False), runtime.database.address)
        statements: list[str] = []
        event.listen(
            opened.engine(DatabaseRole.APP),
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_rest: statements.append(statement),
        )
        settings = runtime.settings.model_copy(update={"throttles": Throttles()})
        over = replace(runtime, database=opened, settings=settings)
        database.use(opened)
        check_database(over)
        yield Pooled(build(over), app, opened, statements)
        database.use(runtime.database)
        opened.dispose()


@pytest.fixture
def classes(world: World) -> dict[str, Class]:
    """Whose class is whose."""
    return {
        "teacher": world.own_class,
        "colleague": world.colleague_class,
        "elsewhere": world.elsewhere_class,
        "outsider": world.foreign_class,
    }


def names(found: Class) -> set[str]:
    return {child.family for child in found.children if child.family}


def settled(page: str) -> str:
    """A page without what is drawn anew each time."""
    return re.sub(r'(nonce|value|content)="[\w.+/=-]{16,}"|<code>\w{12}</code>', "", page)


def test_the_whole_way_is_encrypted(pooled: Pooled) -> None:
    with pooled.database.engine(DatabaseRole.APP).connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.pgconn.ssl_in_use
        assert driver.info.host == HOST
        assert connection.scalar(text("select current_setting('server_version_num')::int")) >= 180_000


PAGES = ["/console/", "/console/classrooms/", "/console/students/", "/console/students/export.csv", "/readyz"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["teacher", "leader", "founder", "outsider"])
def test_pages_are_the_same_as_without_it(
    pooled: Pooled, runtime: Runtime, world: World, role: str, path: str
) -> None:
    through = told(signed_in(pooled.app, world, role), path)
    database.use(runtime.database)
    try:
        assert told(signed_in(pooled.direct, world, role), path) == through
    finally:
        database.use(pooled.database)
    assert through[0] in {200, 404}


def told(browser: FlaskClient, path: str) -> tuple[int, str]:
    """Status and page; a page that is streamed must be read before the next is asked for."""
    with browser.get(path) as answer:
        return answer.status_code, settled(answer.get_data(as_text=True))


def lesson(pooled: Pooled, world: World, number: int) -> None:
    """What goes on in a school in a minute: somebody at work, a child, a stranger."""
    teacher = signed_in(pooled.app, world, "teacher")
    address = f"/console/classrooms/{world.own_class.public_id}"
    # No two alike: the page would ask whether they are one and the same.
    given = ("Alba", "Bruno", "Chiara", "Dmitri", "Esther", "Fatima", "Gustav", "Hedwig")[number]
    pasted = send(teacher, f"{address}/paste", {"names": f"{given} Quillon", "confirm": "yes"})
    assert pasted.status_code in {302, 303}
    for path in (f"/console/students/?classroom={world.own_class.public_id}", "/console/students/export.csv"):
        assert given in teacher.get(path).text
    child = pooled.app.test_client()
    child.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
    fields = {"code": world.own_class.code, "student": world.own_class.children[0].public_id}
    assert send(child, "/join", fields).location == "/student"
    assert "Wilhelmina" in child.get("/student").text
    stranger = pooled.app.test_client()
    stranger.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
    token = form_token(stranger.get("/join").text)
    tried = [
        stranger.post("/join", data={"csrf_token": token, "code": "WRNGCDFG"}, follow_redirects=True)
        for _ in range(9)
    ]
    assert [each.status_code for each in tried] == [422] * 8 + [429]


def test_a_school_at_work_over_one_connection(pooled: Pooled, world: World) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(lesson, pooled, world, number) for number in range(THREADS)]:
            done.result()
    assert pooled.statements
    kept = [each for each in pooled.statements if KEPT_IN_A_SESSION.search(each)]
    assert kept == []


def test_nothing_is_prepared_behind_it(pooled: Pooled, world: World) -> None:
    """Without being told: the process that answers is another than the one that said hello."""
    assert "Wilhelmina" in signed_in(pooled.app, world, "teacher").get("/console/students/").text
    with pooled.database.engine(DatabaseRole.APP).connect() as connection:
        assert connection.scalar(text("select count(*) from pg_prepared_statements")) == 0


def test_what_the_web_may_call_keeps_nothing_in_a_session(pooled: Pooled) -> None:
    with pooled.database.engine(DatabaseRole.OWNER).connect() as connection:
        bodies = connection.execute(
            text("""
            select p.oid::regprocedure::text, p.prosrc from pg_proc p
              join pg_namespace n on n.oid = p.pronamespace
             where n.nspname not in ('pg_catalog', 'information_schema')
               and has_function_privilege('backoffice_app', p.oid, 'execute')
            """)
        ).all()
    assert len(bodies) > 10
    assert [name for name, body in bodies if KEPT_IN_A_SESSION.search(body)] == []


# -- who is at work


def seen(who: Principal | Nobody) -> tuple[int, set[str]]:
    """The server's process, and the family names that somebody sees who forgets every condition."""
    with transaction(who) as tx:
        found = {student.family_name or student.given_name for student in tx.scalars(select(Student))}
        return int(tx.scalar(text("select pg_backend_pid()")) or 0), found


def test_nobody_sees_what_another_left_behind(
    pooled: Pooled, world: World, classes: dict[str, Class]
) -> None:
    """Many people take turns on one connection of the server; what each sees is theirs alone."""
    people: dict[str, Principal | Nobody] = {role: world.sign_in(role) for role in classes}
    people |= {
        f"child {child.family}": world.student(each, child)
        for each in classes.values()
        for child in each.children
    }
    people["nobody"] = Nobody()
    alone = {name: seen(who)[1] for name, who in people.items()}
    for role, own in classes.items():
        assert names(own) <= alone[role]
        others = set().union(*(names(each) for each in classes.values() if each is not own))
        assert not alone[role] & others
        for child in own.children:
            assert alone[f"child {child.family}"] == {child.family}
    assert alone["nobody"] == set()

    processes: set[int] = set()

    def turn(number: int) -> list[str]:
        wrong = []
        order = Random(number).sample(sorted(people), len(people))
        for name in order:
            process, found = seen(people[name])
            processes.add(process)
            if found != alone[name]:
                wrong.append(name)
            if number % 2:
                with suppress(Stopped), transaction(people[name]) as tx:
                    tx.scalar(select(func.count()).select_from(Student))
                    raise Stopped
        return wrong

    with ThreadPoolExecutor(THREADS) as threads:
        assert [wrong for wrong in threads.map(turn, range(THREADS * ROUNDS)) if wrong] == []
    assert len(processes) == 1


class Stopped(Exception):
    """Somebody's transaction fails."""


def test_a_visitor_who_vanishes_leaves_nobody_behind(pooled: Pooled, world: World) -> None:
    """A connection that is cut in the middle of a transaction is not handed on with who began it."""
    for _ in range(5):
        with suppress(OperationalError), transaction(world.sign_in("teacher")) as tx:
            assert tx.scalar(select(func.count()).select_from(Student))
            driver = tx.connection().connection.driver_connection
            assert driver is not None
            with socket.socket(fileno=os.dup(driver.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        assert seen(Nobody())[1] == set()


def test_pages_of_many_people_at_once_hold_their_own_children_only(
    pooled: Pooled, world: World, classes: dict[str, Class]
) -> None:
    every = set().union(*(names(each) for each in classes.values()))

    def look(number: int) -> set[str]:
        role = sorted(classes)[number % len(classes)]
        browser = signed_in(pooled.app, world, role)
        page = browser.get("/console/students/").text + browser.get("/console/students/export.csv").text
        assert names(classes[role]) <= {name for name in every if name in page}
        return {name for name in every - names(classes[role]) if name in page}

    with ThreadPoolExecutor(THREADS) as threads:
        assert set().union(*threads.map(look, range(THREADS * 4))) == set()
