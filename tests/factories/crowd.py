"""Very many students, for measuring: sealed names, search tokens, one class each; and all that in plain.

The first thousand schools are of the world's district; each further thousand has a district of its own.
Beside them stands one school with large classes, for changes of many rows at once. The schema `plain` holds
the same students as one would keep them without seals, for applications that cannot open any.
"""

import itertools
import multiprocessing
import os
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy import make_url

from backoffice import clock
from backoffice.runtime import Runtime
from backoffice.schools import codes, names
from backoffice.storage import keyring
from backoffice.storage.keyring import Keyring
from backoffice.storage.public_id import new_public_id
from tests.factories.world import World

OF_A_SCHOOL, OF_A_CLASS, OF_A_DISTRICT = 1_000, 25, 1_000
A_SCHOOL_FULL = 1_500
# Students of the classes of the one school that is made for changes of many at once.
LARGE_CLASSES = (10_000, 2_000, 500)
LARGE_SCHOOL, FIRST_LARGE_CLASS, FIRST_LARGE_STUDENT = 9_000, 90_000, 100_000
FIRST_SCHOOL, FIRST_CLASS, FIRST_STUDENT = 10_000, 100_000, 1_000_000
FIRST_DISTRICT = 9_000
# Below this, processes of their own take longer to begin than they save.
WORTH_PROCESSES = 50_000
# Schools that a process loads in one transaction.
A_BATCH = 20
SYLLABLES = ("ba", "lo", "mi", "ren", "sa", "tor", "vi", "dan", "kel", "ur")
NAMES = tuple(sorted("".join(each).capitalize() for each in itertools.product(SYLLABLES, repeat=3)))[:800]
PLACE = ("US", "CA", "UTC", "en")
# Shares no divisor with the number of codes.
SPREAD = 2_654_435_761
COLUMNS = {
    "app.school": "id, public_id, district_id, created_at, name, kind, country, state, time_zone, language,"
    " school_days",
    "app.classroom": "id, school_id, public_id, name, door, shared_devices, created_at",
    "app.classroom_code": "school_id, classroom_id, code, code_index, issued_at",
    "app.student": "id, school_id, public_id, given_name, family_name, name_tokens, created_at, active_on",
    "app.enrollment": "school_id, classroom_id, student_id, avatar, balance, joined_at",
    "plain.school": "id, name",
    "plain.classroom": "id, school_id, name",
    "plain.student": "id, public_id, school_id, classroom_id, given_name, family_name, points, created_at,"
    " active_on",
}
PLAIN = b"""
    drop schema if exists plain cascade;
    create schema plain;
    create extension if not exists pg_trgm schema plain;
    create table plain.school (id bigint primary key, name text not null);
    create table plain.classroom (
      id bigint primary key, school_id bigint not null references plain.school, name text not null);
    create table plain.student (
      id bigint primary key, public_id text not null unique,
      school_id bigint not null references plain.school,
      classroom_id bigint references plain.classroom,
      given_name text not null, family_name text not null, points integer not null,
      created_at timestamptz not null, active_on date not null);
    create index on plain.classroom (school_id);
    create index on plain.student (school_id);
    create index on plain.student (classroom_id);
    create index on plain.student (active_on, id);
"""
# For beginnings of names as Django looks for them, and as Flask-Admin does.
PLAIN_NAMES = b"""
    create index on plain.student (upper(given_name) text_pattern_ops);
    create index on plain.student (upper(family_name) text_pattern_ops);
    create index on plain.student using gin ((given_name::varchar) plain.gin_trgm_ops);
    create index on plain.student using gin ((family_name::varchar) plain.gin_trgm_ops);
"""
# Indexes that no constraint stands on: made at once at the end, they take a part of the time.
INDEXES = b"""
    select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
     where i.indrelid = any (%s::regclass[])
       and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
"""
SIZE = b"""
    select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c
     where c.relkind = 'r' and c.relnamespace = %s::regnamespace
"""

# What points of a school are given for, and the points: one award for a whole class at a time, each twentieth
# point with a comment.
ACTIONS = b"""
    insert into app.action (school_id, public_id, classroom_id, label, value, created_at)
    select school_id, left(public_id, 15) || n, id, %s, 1 + n %% 3, created_at
      from app.classroom cross join generate_series(0, 4) n where school_id = %s
"""
AWARDS = b"""
    insert into app.point_award
      (school_id, classroom_id, action_id, public_id, whom, form, awarded_by, awarded_at)
    select c.school_id, c.id, a.id, left(c.public_id, 14) || lpad(n::text, 2, '0'), 'chosen', n, %s,
           c.created_at - n * interval '1 hour'
      from app.classroom c cross join generate_series(1, %s) n
      join app.action a on a.school_id = c.school_id and a.classroom_id = c.id
       and right(a.public_id, 1)::int = n %% 5
     where c.school_id = %s
"""
POINTS = b"""
    insert into app.point_entry
      (school_id, classroom_id, student_id, action_id, award_id, value, comment, awarded_by, awarded_at)
    select e.school_id, e.classroom_id, e.student_id, c.id, a.id, c.value,
           case when a.id %% 20 = 0 then %s::bytea end, a.awarded_by, a.awarded_at
      from app.point_award a
      join app.enrollment e using (school_id, classroom_id)
      join app.action c on c.school_id = a.school_id and c.id = a.action_id
     where a.school_id = %s order by a.id
"""


@dataclass(frozen=True)
class Crowd:
    """One school of the district, one of its classes with its code and a child, and the whole's size.

    `morning` are the code and the child of each who comes first, a school full of them. `seconds` is how long
    loading took, `sizes` are the bytes of the product's tables and of the plain ones.
    """

    school_id: int
    classroom: str
    code: str
    student: str
    given: str
    rows: int
    morning: tuple[tuple[str, str], ...]
    seconds: float
    sizes: tuple[int, int]


class Batch(NamedTuple):
    """Some schools in a row, as one process loads them in one transaction."""

    address: str
    first: int
    last: int
    rows: int
    district: int
    now: datetime


def make_crowd(runtime: Runtime, world: World, rows: int) -> Crowd:
    """Add so many students to the database, in schools of a thousand and classes of 25."""
    began = time.perf_counter()
    url = make_url(runtime.database.address).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    schools = max(-(-rows // OF_A_SCHOOL), 1)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(PLAIN)
        later = connection.execute(INDEXES, [list(COLUMNS)]).fetchall()
        for name, _definition in later:
            connection.execute(f"drop index {name}".encode())
        _districts(connection, schools)
        _large_school(connection)
        batches = [
            Batch(address, first, min(first + A_BATCH, schools), rows, world.district_id, clock.now())
            for first in range(0, schools, A_BATCH)
        ]
        if rows < WORTH_PROCESSES:
            for batch in batches:
                _load(batch)
        else:
            with ProcessPoolExecutor(
                min(os.cpu_count() or 1, 8),
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(runtime.settings.keyring,),
            ) as processes:
                list(processes.map(_load, batches))
        connection.execute("set maintenance_work_mem = '1GB'")
        connection.execute(PLAIN_NAMES)
        for _name, definition in later:
            connection.execute(definition.encode())
        connection.execute("vacuum (analyze, freeze)")
        sizes = tuple(connection.execute(SIZE, [schema]).fetchall()[0][0] for schema in ("app", "plain"))
        return _known(connection, rows, time.perf_counter() - began, (sizes[0], sizes[1]))


def _begin(keys: Path) -> None:
    keyring.install(Keyring.read(keys))


def _known(connection: psycopg.Connection, rows: int, seconds: float, sizes: tuple[int, int]) -> Crowd:
    """What a visitor has to know of the first school, read back from what was loaded."""
    ring = keyring.current()
    found = connection.execute(
        "select s.public_id, s.given_name, r.public_id, c.code from app.student s"
        " join app.enrollment e on e.school_id = s.school_id and e.student_id = s.id"
        " join app.classroom r on r.school_id = e.school_id and r.id = e.classroom_id"
        " join app.classroom_code c on c.school_id = r.school_id and c.classroom_id = r.id"
        " where s.id >= %s and s.id < %s order by s.id",
        [FIRST_STUDENT, FIRST_STUDENT + A_SCHOOL_FULL],
    ).fetchall()
    opened = {code: ring.open(bytes(code), context="classroom_code.code").decode() for *_, code in found}
    student, given, classroom, code = found[0]
    return Crowd(
        FIRST_SCHOOL,
        classroom,
        opened[code],
        student,
        ring.open(bytes(given), context="student.given_name").decode(),
        rows,
        tuple((opened[code], public_id) for public_id, _given, _room, code in found),
        seconds,
        sizes,
    )


def _districts(connection: psycopg.Connection, schools: int) -> None:
    """Those beside the world's own."""
    columns = "id, public_id, name, country, state, time_zone, language, created_at"
    further = range(1, -(-schools // OF_A_DISTRICT))
    name = _sealed("A district", "district.name")
    _copy(
        connection,
        "app.district",
        ((FIRST_DISTRICT + n, new_public_id(), name, *PLACE, clock.now()) for n in further),
        columns,
    )


def _load(batch: Batch) -> None:
    """Some schools with all that is in them."""
    with psycopg.connect(batch.address) as connection:
        # What is loaded fits together; looking each row's keys up takes longer than all the rest.
        connection.execute("set session_replication_role = replica")
        connection.execute("set synchronous_commit = off")
        schools = range(batch.first, batch.last)
        rows = {
            school: range(school * OF_A_SCHOOL, min((school + 1) * OF_A_SCHOOL, batch.rows))
            for school in schools
        }
        district = batch.first // OF_A_DISTRICT
        _school_rows(
            connection,
            [FIRST_SCHOOL + each for each in schools],
            FIRST_DISTRICT + district if district else batch.district,
            batch.now,
        )
        _class_rows(
            connection,
            [
                (FIRST_CLASS + n // OF_A_CLASS, FIRST_SCHOOL + school)
                for school, of_it in rows.items()
                for n in of_it[::OF_A_CLASS]
            ],
            batch.now,
        )
        _student_rows(
            connection,
            (
                (FIRST_STUDENT + n, FIRST_SCHOOL + school, FIRST_CLASS + n // OF_A_CLASS)
                for school, of_it in rows.items()
                for n in of_it
            ),
            batch.now,
        )


def make_full_school(runtime: Runtime, teacher: int, students: int, points: int) -> tuple[int, str]:
    """One school with so many students in classes of 25, and so many points for each, given by one teacher.

    Its number, and what it is known by outside.
    """
    url = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        connection.execute(PLAIN)
        connection.execute("set session_replication_role = replica")
        now = clock.now()
        _school_rows(connection, [FIRST_SCHOOL], None, now)
        rooms = range(-(-students // OF_A_CLASS))
        _class_rows(connection, [(FIRST_CLASS + n, FIRST_SCHOOL) for n in rooms], now)
        numbers = ((FIRST_STUDENT + n, FIRST_SCHOOL, FIRST_CLASS + n // OF_A_CLASS) for n in range(students))
        _student_rows(connection, numbers, now)
        label, comment = _sealed("Diligence", "action.label"), _sealed("Well done", "point_entry.comment")
        connection.execute(ACTIONS, [label, FIRST_SCHOOL])
        connection.execute(AWARDS, [teacher, points, FIRST_SCHOOL])
        connection.execute(POINTS, [comment, FIRST_SCHOOL])
        connection.execute(b"drop schema plain cascade")
        row = connection.execute("select public_id from app.school where id = %s", [FIRST_SCHOOL]).fetchone()
        assert row is not None
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
    return FIRST_SCHOOL, str(row[0])


def _large_school(connection: psycopg.Connection) -> None:
    """A school of no district, with the large classes."""
    now, ends = clock.now(), list(itertools.accumulate(LARGE_CLASSES, initial=0))
    _school_rows(connection, [LARGE_SCHOOL], None, now)
    rooms = [FIRST_LARGE_CLASS + n for n in range(len(LARGE_CLASSES))]
    _class_rows(connection, [(room, LARGE_SCHOOL) for room in rooms], now)
    _student_rows(
        connection,
        (
            (FIRST_LARGE_STUDENT + n, LARGE_SCHOOL, room)
            for room, first, end in zip(rooms, ends, ends[1:], strict=False)
            for n in range(first, end)
        ),
        now,
    )


def _school_rows(
    connection: psycopg.Connection, schools: list[int], district: int | None, now: datetime
) -> None:
    made: Iterator[tuple[object, ...]] = (
        (each, new_public_id(), district, now, _sealed("A school", "school.name"), "school", *PLACE, [])
        for each in schools
    )
    _copy(connection, "app.school", made)
    _copy(connection, "plain.school", ((each, "A school") for each in schools))


def _class_rows(connection: psycopg.Connection, rooms: list[tuple[int, int]], now: datetime) -> None:
    _copy(
        connection,
        "app.classroom",
        (
            (room, school, new_public_id(), _sealed("A class", "classroom.name"), "open", True, now)
            for room, school in rooms
        ),
    )
    _copy(
        connection,
        "app.classroom_code",
        (
            (school, room, _sealed(code, "classroom_code.code"), codes.index(code), now)
            for room, school in rooms
            for code in (_code_of(room),)
        ),
    )
    _copy(connection, "plain.classroom", ((room, school, "A class") for room, school in rooms))


def _code_of(room: int) -> str:
    """Another code for each class: of some hundred thousand that are drawn, two are alike by chance."""
    left, code = room * SPREAD % len(codes.ALPHABET) ** codes.LENGTH, ""
    for _ in range(codes.LENGTH):
        left, digit = divmod(left, len(codes.ALPHABET))
        code += codes.ALPHABET[digit]
    return code


def _student_rows(
    connection: psycopg.Connection, of_these: Iterable[tuple[int, int, int]], now: datetime
) -> None:
    """Numbers of students with those of their schools and classes, as rows of all tables."""
    students: list[tuple[object, ...]] = []
    seats: list[tuple[object, ...]] = []
    plain: list[tuple[object, ...]] = []
    for school, of_it in itertools.groupby(of_these, key=lambda each: each[1]):
        chance = random.Random(school)
        tokens = [names.tokens(each, school_id=school) for each in NAMES]
        for number, _school, room in of_it:
            first, last = chance.randrange(len(NAMES)), chance.randrange(len(NAMES))
            given, family, public_id = NAMES[first], NAMES[last], new_public_id()
            # Half of them today, the others spread over a year.
            seen = now.date() - timedelta(days=chance.randrange(2) * chance.randrange(365))
            both = sorted({*tokens[first], *tokens[last]})
            sealed = _sealed(given, "student.given_name"), _sealed(family, "student.family_name")
            students.append((number, school, public_id, *sealed, both, now, seen))
            seats.append((school, room, number, "cat-sky", number % 40, now))
            plain.append((number, public_id, school, room, given, family, number % 40, now, seen))
    _copy(connection, "app.student", students)
    _copy(connection, "app.enrollment", seats)
    _copy(connection, "plain.student", plain)


def _sealed(text: str, column: str) -> bytes:
    return keyring.current().seal(text.encode(), context=column)


def _copy(
    connection: psycopg.Connection,
    table: str,
    rows: Iterable[tuple[object, ...]] | Iterator[tuple[object, ...]],
    columns: str | None = None,
) -> None:
    with connection.cursor().copy(f"copy {table} ({columns or COLUMNS[table]}) from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)
