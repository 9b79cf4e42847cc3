"""A district with very many students, for measuring: sealed names, search tokens, one class each."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from sqlalchemy import make_url

from backoffice import clock
from backoffice.runtime import Runtime
from backoffice.schools import codes, names
from backoffice.storage import keyring
from backoffice.storage.public_id import new_public_id
from tests.factories.world import World

OF_A_SCHOOL, OF_A_CLASS = 1_000, 25
A_SCHOOL_FULL = 1_500
SYLLABLES = ("ba", "lo", "mi", "ren", "sa", "tor", "vi", "dan", "kel", "ur")
NAMES = tuple(sorted("".join(each).capitalize() for each in itertools.product(SYLLABLES, repeat=3)))[:800]


@dataclass(frozen=True)
class Crowd:
    """One school of the district, one of its classes with its code and a child, and the whole's size.

    `morning` are the code and the child of each who comes first, a school full of them.
    """

    school_id: int
    classroom: str
    code: str
    student: str
    given: str
    rows: int
    morning: tuple[tuple[str, str], ...]


def make_crowd(runtime: Runtime, world: World, rows: int) -> Crowd:
    """Add so many students to the world's district, in schools of a thousand and classes of 25."""
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        connection.execute("set synchronous_commit = off")
        crowd = _fill(connection, world, rows)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
    return crowd


def _fill(connection: psycopg.Connection, world: World, rows: int) -> Crowd:
    chance, ring, now = random.Random(7), keyring.current(), clock.now()

    def sealed(text: str, column: str) -> bytes:
        return ring.seal(text.encode(), context=column)

    given = [sealed(each, "student.given_name") for each in NAMES]
    family = [sealed(each, "student.family_name") for each in NAMES]
    class_name, school_name = sealed("A class", "classroom.name"), sealed("A school", "school.name")
    place = ("US", "CA", "UTC", "en")
    schools = [(10_000 + n) for n in range(max(rows // OF_A_SCHOOL, 1))]
    classes = [(100_000 + n) for n in range(rows // OF_A_CLASS)]
    chosen = [(chance.randrange(len(NAMES)), chance.randrange(len(NAMES))) for _ in range(rows)]
    public_ids = [new_public_id() for _ in range(rows)]
    class_ids = [new_public_id() for _ in classes]
    codes_ = [codes.new_code() for _ in classes]

    def school_of(classroom: int) -> int:
        return schools[classroom * OF_A_CLASS // OF_A_SCHOOL]

    _copy(
        connection,
        "app.school (id, public_id, district_id, created_at, name, kind, country, state, time_zone, language,"
        " school_days)",
        (
            (
                each,
                new_public_id(),
                world.district_id,
                now,
                school_name,
                "school",
                *place,
                [],
            )
            for each in schools
        ),
    )
    _copy(
        connection,
        "app.classroom (id, school_id, public_id, name, door, shared_devices, created_at)",
        ((each, school_of(n), class_ids[n], class_name, "open", True, now) for n, each in enumerate(classes)),
    )
    _copy(
        connection,
        "app.classroom_code (school_id, classroom_id, code, code_index, issued_at)",
        (
            (school_of(n), each, sealed(codes_[n], "classroom_code.code"), codes.index(codes_[n]), now)
            for n, each in enumerate(classes)
        ),
    )

    def students() -> Iterator[tuple[object, ...]]:
        for at, school in enumerate(schools):
            tokens = [names.tokens(each, school_id=school) for each in NAMES]
            for n in range(at * OF_A_SCHOOL, min((at + 1) * OF_A_SCHOOL, rows)):
                first, last = chosen[n]
                both = sorted({*tokens[first], *tokens[last]})
                # Half of them today, the others spread over a year.
                seen = now.date() - timedelta(days=chance.randrange(2) * chance.randrange(365))
                yield (1_000_000 + n, school, public_ids[n], given[first], family[last], both, now, seen)

    _copy(
        connection,
        "app.student (id, school_id, public_id, given_name, family_name, name_tokens, created_at, active_on)",
        students(),
    )
    _copy(
        connection,
        "app.enrollment (school_id, classroom_id, student_id, avatar, balance, joined_at)",
        (
            (school_of(n // OF_A_CLASS), classes[n // OF_A_CLASS], 1_000_000 + n, "cat-sky", n % 40, now)
            for n in range(rows)
        ),
    )
    morning = tuple((codes_[n // OF_A_CLASS], public_ids[n]) for n in range(min(rows, A_SCHOOL_FULL)))
    return Crowd(schools[0], class_ids[0], codes_[0], public_ids[0], NAMES[chosen[0][0]], rows, morning)


def _copy(connection: psycopg.Connection, into: str, rows: Iterator[tuple[object, ...]]) -> None:
    with connection.cursor().copy(f"copy {into} from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)
