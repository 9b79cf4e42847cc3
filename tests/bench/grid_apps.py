"""The applications that show the same rows: ours, a bare one, Flask-Admin's and Django's, and ours laid open.

Run as `python -m tests.bench.grid_apps KIND PORT WORKERS`, with the settings in the environment.
The bare one asks by psycopg as the database's superuser, so that no isolation is in its way, opens the
seals (the rows hold nothing else), and writes a table without style or scripts. Flask-Admin's own
`ModelView` and Django's admin stand on the same rows with plain names. Ours laid open is ours without
isolation and seals, to see what they cost: no predicate of the policy, no row-level security, and each seal
opened once and known from then on.
"""

import csv
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from io import StringIO
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import psycopg
import structlog
from gunicorn.app.base import BaseApplication

from backoffice.schools import codes, names
from backoffice.settings import Settings, load
from backoffice.storage import keyring
from backoffice.storage.keyring import Keyring

PAGE = 50
# Seconds after which the database ends a statement of whoever it is.
PATIENCE = 60
LISTED = """
    select s.id, s.public_id, s.given_name, s.family_name, c.name, e.balance
      from (select * from app.student where {where} order by school_id, id limit %(size)s) s
      left join app.enrollment e on e.school_id = s.school_id and e.student_id = s.id and e.ended_at is null
      left join app.classroom c on c.school_id = e.school_id and c.id = e.classroom_id
     order by s.school_id, s.id
"""
BY_DAY = """
    select s.id, s.public_id, s.given_name, s.family_name, c.name, e.balance, s.active_on
      from (select * from app.student order by active_on desc, school_id desc, id desc limit %(size)s) s
      left join app.enrollment e on e.school_id = s.school_id and e.student_id = s.id and e.ended_at is null
      left join app.classroom c on c.school_id = e.school_id and c.id = e.classroom_id
     order by s.active_on desc, s.school_id desc, s.id desc
"""
EXPORTED = """
    select s.given_name, s.family_name, c.name, e.balance, s.active_on from app.student s
      left join app.enrollment e on e.school_id = s.school_id and e.student_id = s.id and e.ended_at is null
      left join app.classroom c on c.school_id = e.school_id and c.id = e.classroom_id
     where s.school_id between %(first)s and %(last)s
"""
LEAVE = """
    update app.enrollment e set ended_at = %(at)s from app.classroom c
     where c.public_id = %(classroom)s and e.school_id = c.school_id and e.classroom_id = c.id
       and e.ended_at is null
"""
# Rows that the database hands over at a time.
A_TIME = 500
# Everybody's whole scope, to be put in the order of the names.
BY_NAME = """
    select s.id, s.public_id, s.given_name, s.family_name from app.student s where {where}
"""
OF_PAGE = """
    select s.public_id, c.name, e.balance from app.student s
      join app.enrollment e on e.school_id = s.school_id and e.student_id = s.id and e.ended_at is null
      join app.classroom c on c.school_id = e.school_id and c.id = e.classroom_id
     where s.id = any (%(ids)s)
"""
WHERE = {
    "": "true",
    "after": "(school_id, id) > (select school_id, id from app.student where public_id = %(after)s)",
    "school": "school_id = %(school)s",
    "classroom": (
        "id in (select e.student_id from app.enrollment e join app.classroom c"
        " on c.school_id = e.school_id and c.id = e.classroom_id"
        " where c.public_id = %(classroom)s and e.ended_at is null)"
    ),
    "q": "school_id = %(school)s and name_tokens @> array[%(token)s]",
    "schools": (
        "exists (select from unnest(%(numbers)s::bigint[], %(tokens)s::bytea[]) t (school, token)"
        " where t.school = s.school_id and s.name_tokens @> array[t.token])"
    ),
}
OWN = """
    select s.school_id, s.id, s.given_name, c.name, e.balance from app.student_session n
      join app.student s on s.school_id = n.school_id and s.id = n.student_id
      join app.classroom c on c.school_id = n.school_id and c.id = n.classroom_id
      join app.enrollment e on e.school_id = n.school_id and e.classroom_id = n.classroom_id
                           and e.student_id = n.student_id
     where n.token_id = %s
"""
AWARDS = """
    select p.value, a.label from app.point_entry p
      join app.action a on a.school_id = p.school_id and a.id = p.action_id
     where p.school_id = %s and p.student_id = %s order by p.awarded_at desc limit 20
"""
Start = Callable[[str, list[tuple[str, str]]], Any]


def bare(address: str) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """The floor: one connection a process, one statement or two a page, the least HTML."""
    ring = keyring.current()
    held: list[psycopg.Connection] = []

    def connection() -> psycopg.Connection:
        if not held:
            held.append(
                psycopg.connect(
                    address,
                    autocommit=True,
                    prepare_threshold=None,
                    options=f"-c statement_timeout={PATIENCE}s",
                )
            )
        return held[0]

    def opened(value: bytes | None, context: str) -> str:
        return "" if value is None else ring.open(bytes(value), context=context).decode()

    def page(asked: dict[str, str]) -> str:
        kind = next((each for each in ("after", "classroom", "schools", "q", "school") if each in asked), "")
        values: dict[str, Any] = {**asked, "size": PAGE + 1}
        if kind == "q":
            values["token"] = names.token(asked["q"], school_id=int(asked["school"]))
        if kind == "schools":
            # A name's token is another one in each school.
            first, last = map(int, asked["schools"].split("-"))
            values["numbers"] = list(range(first, last + 1))
            values["tokens"] = [names.token(asked["q"], school_id=each) for each in values["numbers"]]
        if kind in {"", "after"}:
            statement = BY_DAY if asked.get("sort") else LISTED.format(where=WHERE[kind])
            rows = connection().execute(statement.encode(), values).fetchall()
            listed = [
                (
                    row[1],
                    opened(row[2], "student.given_name"),
                    opened(row[3], "student.family_name"),
                    row[4],
                    row[5],
                )
                for row in rows[:PAGE]
            ]
        else:
            found = [
                (row[0], row[1], opened(row[2], "student.given_name"), opened(row[3], "student.family_name"))
                for row in connection().execute(BY_NAME.format(where=WHERE[kind]).encode(), values)
            ]
            found.sort(key=lambda row: (names.sort_key(row[2], row[3]), row[0]))
            shown = found[:PAGE]
            more = connection().execute(OF_PAGE.encode(), {"ids": [row[0] for row in shown]}).fetchall()
            by_id = {row[0]: row[1:] for row in more}
            listed = [(row[1], row[2], row[3], *by_id.get(row[1], (None, 0))) for row in shown]
        cells = "".join(
            f'<tr><td><a href="/students/{public_id}">{escape(given)} {escape(family)}</a></td>'
            f"<td>{escape(opened(classroom, 'classroom.name'))}</td><td>{points}</td></tr>"
            for public_id, given, family, classroom, points in listed
        )
        return f"<!doctype html><title>Students</title><table>{cells}</table>"

    def names_behind(asked: dict[str, str]) -> str:
        found = connection().execute(
            b"select * from app.names_behind_code(%s, now())", [codes.index(asked["code"])]
        )
        people = [
            (row[0], opened(row[1], "student.given_name"), opened(row[2], "student.family_name"))
            for row in found
        ]
        return "".join(
            f"<button value={public_id}>{escape(given)} {escape(family[:1])}</button>"
            for public_id, given, family in people
        )

    def begun(asked: dict[str, str]) -> str:
        token = uuid4()
        connection().execute(
            b"select * from app.begin_student_session(%s, %s, %s, now(), 5, 20,"
            b" now() + interval '1 hour', null)",
            [codes.index(asked["code"]), asked["student"], token],
        )
        return str(token)

    def own_page(asked: dict[str, str]) -> str:
        at = connection()
        with at.transaction():
            at.execute(b"select * from app.enter_student(%s, now())", [asked["token"]])
            row = at.execute(OWN.encode(), [asked["token"]]).fetchone()
            assert row is not None
            points = at.execute(AWARDS.encode(), row[:2]).fetchall()
        given, classroom = opened(row[2], "student.given_name"), opened(row[3], "classroom.name")
        return f"<h1>{escape(given)}</h1><p>{escape(classroom)} {row[4]} {len(points)}</p>"

    def left(asked: dict[str, str]) -> str:
        values = {"classroom": asked["classroom"], "at": datetime.now(UTC)}
        return f"<p>{connection().execute(LEAVE.encode(), values).rowcount}</p>"

    def lines(asked: dict[str, str]) -> Iterable[bytes]:
        at = connection()
        with at.transaction(), at.cursor("exported") as cursor:
            cursor.itersize = A_TIME
            cursor.execute(EXPORTED.encode(), asked)
            while rows := cursor.fetchmany(A_TIME):
                part = StringIO(newline="")
                csv.writer(part).writerows(
                    (
                        opened(given, "student.given_name"),
                        opened(family, "student.family_name"),
                        opened(room, "classroom.name"),
                        points,
                        day,
                    )
                    for given, family, room, points, day in rows
                )
                yield part.getvalue().encode()

    others = {"/names": names_behind, "/begin": begun, "/own": own_page, "/leave": left}

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if environ["PATH_INFO"] == "/export":
            start("200 OK", [("Content-Type", "text/csv")])
            return lines(asked)
        shown = others.get(environ["PATH_INFO"], page)
        body = shown(asked).encode()
        start("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def laid_open(settings: Settings, address: str) -> Any:
    """Ours, as the superuser, whom no row is hidden from, with neither predicates nor seals to open."""
    from sqlalchemy import make_url, true

    from backoffice.access import policy
    from backoffice.app import create_app
    from backoffice.storage.database import Database

    made = create_app(settings)
    known: dict[tuple[bytes, str], bytes] = {}
    really_open = Keyring.open

    def remembered(self: Keyring, sealed: bytes, *, context: str) -> bytes:
        key = (bytes(sealed), context)
        if key not in known:
            known[key] = really_open(self, sealed, context=context)
        return known[key]

    Keyring.open = remembered  # type: ignore[method-assign]
    policy._condition = lambda *_of, **_how: true()
    superuser = make_url(address).set(drivername="postgresql+psycopg")
    Database.url = lambda *_of: superuser  # type: ignore[method-assign]
    return made


class Server(BaseApplication):
    """gunicorn, as the product starts it."""

    def __init__(self, made: Any, port: int, workers: int) -> None:
        self.made, self.port, self.workers = made, port, workers
        super().__init__()

    def load_config(self) -> None:
        """One thread for each of the workers: a request has its process to itself."""
        for name, value in {
            "bind": f"127.0.0.1:{self.port}",
            "workers": self.workers,
            "threads": 4,
            "worker_class": "gthread",
            "keepalive": 60,
            "loglevel": "error",
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        return self.made


def main(kind: str, port: str, workers: str) -> None:
    """Serve one of them until stopped."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    settings = load()
    assert settings.database_url is not None
    address = settings.database_url.get_secret_value()
    made: Any
    # Each of them loads what it needs and nothing else: the memory that it takes is measured too.
    if kind == "ours":
        from backoffice.app import create_app
        from backoffice.serve import settle

        made = create_app(settings)
        settle()
    elif kind == "open":
        made = laid_open(settings, address)
    elif kind == "bare":
        keyring.install(Keyring.read(settings.keyring))
        made = bare(address)
    elif kind == "stock":
        from tests.bench import flask_admin_site

        made = flask_admin_site.made(address, PATIENCE)
    else:
        from tests.bench import django_site

        made = django_site.made(address, PATIENCE)
    Server(made, int(port), int(workers)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
