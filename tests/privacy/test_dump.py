"""A dump of the whole database and the logs hold nothing that a person put in, in any readable form."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import insert, make_url, select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.demo.seed import Seeded, seed
from backoffice.runtime import Runtime
from backoffice.schools.models import Action, PointEntry
from backoffice.settings import Passwords
from backoffice.storage.base import Base
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.roles import DatabaseRole
from backoffice.storage.sealed import Sealed, SealedBytes, SealedJSON
from backoffice.web import logs
from tests.factories.world import PASSWORD, SYSTEM, World
from tests.privacy.scanner import SHORTEST, held

TEACHER_ADDRESS = "203.0.113.201"
CHILD_ADDRESS = "2001:db8:77::4711"
DEVICE = "Quokkabrowser/7.4 (Wombat OS 12)"
SAID = {
    "device": DEVICE,
    "address of a teacher": TEACHER_ADDRESS,
    "address of a child": CHILD_ADDRESS,
    "new class name": "Velociraptor Voyagers",
    "pasted": "Hildegarde Fotheringay",
    "pasted, too": "Montgomery Pumpernickel",
    "corrected": "Hildegund",
    "searched": "Fotheringa",
    "comment": "Stayed behind to comfort Montgomery after the accident",
    "Action": "Rescued the tortoise",
    "somebody unknown": "intruder.zebulon@nowhere.example",
    "a wrong password": "hunter2-of-the-intruder",
    "a wrong code": "QQQQWWWW",
    "an address of a page": "secretly-named-page",
    "words of a failure": "Ermintrude could not be saved",
}
COPIED = re.compile(rb"^COPY (\S+) \([^\n]*\) FROM stdin;\n(.*?)^\\\.$", re.MULTILINE | re.DOTALL)


@dataclass
class Used:
    """The application after some use, and what was put into it."""

    secrets: set[str]
    log: Path


@pytest.fixture(scope="module")
def used(runtime: Runtime, world: World, folder: Path) -> Iterator[Used]:
    """The demo and the world in one database, and a lesson's use of it over HTTP."""
    log_folder = folder / "logs-of-the-dump"
    logs.configure(log_folder)
    seeded = seed(Passwords())
    app = build(runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    fail_on_purpose(app)
    tokens = lesson(app, world)
    yield Used(put_in(world, seeded) | tokens | set(SAID.values()), log_folder)
    structlog.get_config()["logger_factory"]._file.close()
    structlog.reset_defaults()


def fail_on_purpose(app: Flask) -> None:
    """A page whose failure quotes what a person wrote."""

    @app.get("/failing")
    def _failing() -> str:
        raise RuntimeError(SAID["words of a failure"])


def lesson(app: Flask, world: World) -> set[str]:
    """What a teacher, a child and an intruder do. Returns the tokens of their sessions."""
    teacher = browser(app, TEACHER_ADDRESS)
    own = world.own_class.public_id
    wrong = {"email": SAID["somebody unknown"], "password": SAID["a wrong password"]}
    assert teacher.post("/sign-in", data=wrong).status_code == 422
    right = {"email": world.people["teacher"].email, "password": PASSWORD}
    assert teacher.post("/sign-in", data=right).status_code == 303
    pasted = {"names": f"{SAID['pasted']}\n{SAID['pasted, too']}", "confirm": "yes"}
    assert teacher.post(f"/console/classrooms/{own}/paste", data=pasted).status_code == 303
    renamed = {"name": SAID["new class name"], "shared_devices": "y"}
    assert teacher.post(f"/console/classrooms/{own}/edit", data=renamed).status_code == 303
    page = teacher.get(f"/console/classrooms/{own}").text
    assert SAID["new class name"] in page
    child = re.findall(r'/console/students/(\w+)[^"]*">.*?Hildegarde Fotheringay', page)[0]
    corrected = {"given_name": SAID["corrected"], "family_name": "Fotheringay"}
    assert teacher.post(f"/console/students/{child}/edit", data=corrected).status_code == 303
    assert teacher.post("/console/students/search", data={"q": SAID["searched"]}).status_code == 200
    assert SAID["corrected"] in teacher.get("/console/students/export.csv").text
    award(world, teacher=world.people["teacher"].id)

    tablet = browser(app, CHILD_ADDRESS)
    wrong = {"code": SAID["a wrong code"]}
    assert tablet.post("/join", data=wrong, follow_redirects=True).status_code == 422
    assert tablet.get(f"/join/{SAID['a wrong code']}").status_code == 303
    assert tablet.get("/join").status_code == 422
    code = world.own_class.code
    assert tablet.post("/join", data={"code": code, "student": child}).status_code == 303
    assert SAID["corrected"] in tablet.get("/student").text
    tokens = {token(teacher, "account"), token(tablet, "student")}
    assert tablet.get(f"/{SAID['an address of a page']}").status_code == 404
    assert tablet.get("/failing").status_code == 500
    report = {"csp-report": {"effective-directive": SAID["an address of a page"]}}
    assert tablet.post("/csp-reports", json=report).status_code == 204
    assert tablet.post("/student/leave").status_code == 303
    return tokens


def browser(app: Flask, address: str) -> FlaskClient:
    """A browser with a known address and name."""
    client = app.test_client()
    client.environ_base |= {"REMOTE_ADDR": address, "HTTP_USER_AGENT": DEVICE}
    return client


def token(client: FlaskClient, name: str) -> str:
    """The value of a cookie."""
    cookie = client.get_cookie(name)
    assert cookie is not None
    return cookie.value


def award(world: World, *, teacher: int) -> None:
    """A point with a comment, for an Action of its own."""
    classroom = world.own_class
    keys = {"school_id": classroom.school_id, "classroom_id": classroom.id}
    with transaction(SYSTEM) as tx:
        action = tx.take_id(Action)
        label = SAID["Action"]
        tx.execute(
            insert(Action).values(
                id=action, **keys, public_id="tortoise", label=label, value=3, created_at=clock.now()
            )
        )
        tx.execute(
            insert(PointEntry).values(
                id=tx.take_id(PointEntry),
                **keys,
                student_id=classroom.children[0].id,
                action_id=action,
                value=3,
                comment=SAID["comment"],
                awarded_by=teacher,
                awarded_at=clock.now(),
            )
        )


def put_in(world: World, seeded: Seeded) -> set[str]:
    """Every personal value that was put in, by hand or by opening every sealed column."""
    classes = (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
    children = [child for each in classes for child in each.children]
    values = {PASSWORD, *seeded.usernames.values()}
    values |= {value for account in seeded.accounts.values() for value in account.values()}
    values -= {account["public_id"] for account in seeded.accounts.values()}
    values |= {text for person in world.people.values() for text in (person.email, person.name)}
    values |= {text for each in classes for text in (each.name, each.code)}
    values |= {f"{each.code[:4]}-{each.code[4:]}" for each in classes}
    for child in children:
        values |= {child.given, str(child.family), str(child.username)}
    with transaction(SYSTEM) as tx:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Sealed) and not isinstance(column.type, SealedJSON | SealedBytes):
                    values |= {value for value in tx.scalars(select(column)) if value is not None}
    return {value for value in values if len(value) >= SHORTEST}


def dumped(runtime: Runtime, server: EmbeddedServer) -> bytes:
    """The whole database, as its owner dumps it."""
    url = runtime.database.url(DatabaseRole.OWNER).set(drivername="postgresql")
    done = subprocess.run(
        [server.bin / "pg_dump", "--enable-row-security", url.render_as_string(hide_password=False)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def administrator(runtime: Runtime) -> psycopg.Connection:
    """A connection that row-level security does not bind."""
    url = make_url(runtime.database.address).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def test_the_dump_is_whole_and_holds_nothing_personal(
    runtime: Runtime, server: EmbeddedServer, used: Used
) -> None:
    dump = dumped(runtime, server)
    copied = {name.decode(): rows.count(b"\n") for name, rows in COPIED.findall(dump)}
    with administrator(runtime) as connection:
        tables = connection.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        ).fetchall()
        there = {
            f"{schema}.{name}": connection.execute(
                sql.SQL("select count(*) from {}").format(sql.Identifier(schema, name))
            ).fetchone()
            for schema, name in tables
        }
    # Row-level security hid nothing: a dump that shows nothing would prove nothing.
    assert {name: (rows,) for name, rows in copied.items()} == there
    for name in ("student", "enrollment", "point_entry", "account_session", "student_session"):
        assert copied[f"app.{name}"], name
    assert len(used.secrets) > 400
    assert held(dump, used.secrets) == {}


def test_samples_for_the_planner_hold_nothing_personal(runtime: Runtime, used: Used) -> None:
    with administrator(runtime) as connection:
        connection.execute("analyze")
        samples = "\n".join(str(row) for (row,) in connection.execute("select s::text from pg_statistic s"))
    assert len(samples) > 10_000
    assert held(samples.encode(), used.secrets) == {}


def test_the_logs_hold_nothing_personal(used: Used, server: EmbeddedServer) -> None:
    written = (used.log / "web.log").read_bytes()
    assert written.count(b'"event": "request"') > 10
    assert b'"event": "failure"' in written
    assert held(written, used.secrets) == {}
    kept_by_the_server = (server.data.parent / "server.log").read_bytes()
    assert held(kept_by_the_server, used.secrets) == {}


UNSEALED = {
    "plain bytes in a sealed column": (
        "update app.student set given_name = convert_to('Wilhelmina', 'UTF8') where family_name is not null",
        None,
    ),
    "a column of text": (
        "alter table app.classroom add column nickname text default 'Colleague Cranes'",
        "alter table app.classroom drop column nickname",
    ),
    "base64 in a document": (
        """alter table app.student add column notes jsonb default '{"who": "UGVyc2VwaG9uZQ=="}'""",
        "alter table app.student drop column notes",
    ),
}


@pytest.mark.parametrize("way", UNSEALED)
def test_a_column_left_open_is_found(runtime: Runtime, server: EmbeddedServer, used: Used, way: str) -> None:
    unseal, seal_again = UNSEALED[way]
    with administrator(runtime) as connection:
        names = connection.execute("select given_name, id from app.student").fetchall()
        connection.execute(unseal.encode())
        try:
            assert held(dumped(runtime, server), used.secrets)
        finally:
            if seal_again:
                connection.execute(seal_again.encode())
            with connection.cursor() as cursor:
                cursor.executemany("update app.student set given_name = %s where id = %s", names)
    assert held(dumped(runtime, server), used.secrets) == {}
