"""Erasing one of each kind among very many, beside the database's own cascade of the same rows.

The cascade is a bare `DELETE` of the subject's rows in one transaction, which is rolled back once what it
wrote is on the disk, as if it were committed; then the same subject is erased: ledger and its file, rows,
verification and receipt, each step committed to the disk.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, insert, make_url, text

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.services import people
from backoffice.privacy.erasure import receipts, services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import District, Membership, Role
from backoffice.serve import settle
from backoffice.storage.public_id import new_public_id
from tests.bench.kept import Kept, kept
from tests.factories.crowd import FIRST_LARGE_CLASS, FIRST_SCHOOL, LARGE_CLASSES, LARGE_SCHOOL, OF_A_SCHOOL
from tests.factories.world import SYSTEM

__all__ = ["kept"]
WHO = Purpose("bench-erasing")
# How many of each kind, and which schools of the crowd they are taken from.
TIMES = {
    Subject.STUDENT: 15,
    Subject.CLASSROOM: 15,
    Subject.SCHOOL: 4,
    Subject.ACCOUNT: 8,
    Subject.DISTRICT: 1,
}
FROM = {
    Subject.STUDENT: 0,
    Subject.CLASSROOM: 1,
    Subject.SCHOOL: 2,
    Subject.ACCOUNT: 6,
    Subject.DISTRICT: 7,
}
OF_A_DISTRICT = 3  # schools of the district that is erased
ENTRIES = 40  # points of each student, in the schools that are used
SCHOOLS = 10
CLASSES, SESSIONS = 5, 20  # of each account; it gave all points of these classes
FEWER = 20  # of each student, where many are chosen
SECOND = 1000
ON_THE_DISK = b"select pg_logical_emit_message(true, 'bench', '')"
RAW = {
    Subject.STUDENT: ("delete from app.student where school_id = %(school)s and id = %(id)s",),
    # Here every student is in one class only.
    Subject.CLASSROOM: (
        """delete from app.student s using app.enrollment e
            where e.school_id = %(school)s and e.classroom_id = %(id)s
              and s.school_id = e.school_id and s.id = e.student_id""",
        "delete from app.classroom where school_id = %(school)s and id = %(id)s",
    ),
    Subject.SCHOOL: ("delete from app.school where id = %(id)s",),
    Subject.ACCOUNT: ("delete from app.account where id = %(id)s",),
    # Nobody works there.
    Subject.DISTRICT: (
        "delete from app.school where district_id = %(id)s",
        "delete from app.district where id = %(id)s",
    ),
}
PICK = {
    Subject.STUDENT: "select id, public_id from app.student"
    " where school_id = :school order by id limit :some",
    Subject.CLASSROOM: "select id, public_id from app.classroom"
    " where school_id = :school order by id limit :some",
    Subject.SCHOOL: "select id, public_id from app.school where id between :school and :school + :some - 1"
    " order by id",
    Subject.ACCOUNT: "select a.id, a.public_id from app.account a"
    " join app.membership m on m.account_id = a.id where m.school_id = :school order by a.id limit :some",
    Subject.DISTRICT: "select d.id, d.public_id from app.district d join app.school s on s.district_id = d.id"
    " where s.id = :school limit :some",
}
TEACH = """
    insert into app.teaching_role (school_id, classroom_id, account_id, role)
    select :school, id, :account, 'owner' from app.classroom where school_id = :school
     order by id offset :after limit :classes;
    update app.point_entry p set awarded_by = :account from app.teaching_role t
     where t.account_id = :account and (p.school_id, p.classroom_id) = (t.school_id, t.classroom_id);
    insert into app.account_session (public_id, account_id, token_digest, security_epoch, started_at,
      last_seen_at, idle_minutes, expires_at, proven_at)
    select substr(translate(md5(:account || ' ' || n), '01', 'yz'), 1, 16), :account,
           sha256(convert_to(:account || ' ' || n, 'UTF8')), 1, now(), now(), 60,
           now() + interval '1 day', now()
      from generate_series(1, :sessions) n
"""
FILL = """
    insert into app.action (school_id, classroom_id, public_id, label, value, icon, created_at)
    select c.school_id, c.id, 'bench' || lpad(c.id::text, 11, '2'), '\\x00', 1, 'star', now()
      from app.classroom c where c.school_id = any (:schools)
       and not exists (select from app.action a where a.school_id = c.school_id and a.classroom_id = c.id);
    insert into app.point_entry (school_id, classroom_id, student_id, action_id, value, awarded_at)
    select e.school_id, e.classroom_id, e.student_id, a.id, 1, now() - n * interval '1 day'
      from app.enrollment e
      join app.action a on a.school_id = e.school_id and a.classroom_id = e.classroom_id
     cross join generate_series(1, :entries) n
     where e.school_id = any (:schools)
"""


PICK_SEVERAL = """
    select s.id, s.public_id from app.enrollment e join app.student s on s.school_id = e.school_id
       and s.id = e.student_id where e.school_id = :school and e.classroom_id = :classroom
"""
FILL_SEVERAL = """
    insert into app.action (school_id, classroom_id, public_id, label, value, icon, created_at)
    select c.school_id, c.id, 'bench' || lpad(c.id::text, 11, '2'), '\\x00', 1, 'star', now()
      from app.classroom c where c.school_id = %(school)s and c.id = %(classroom)s
       and not exists (select from app.action a where a.school_id = c.school_id and a.classroom_id = c.id);
    insert into app.point_entry (school_id, classroom_id, student_id, action_id, value, awarded_at)
    select e.school_id, e.classroom_id, e.student_id, a.id, 1, now() - n * interval '1 day'
      from app.enrollment e
      join app.action a on a.school_id = e.school_id and a.classroom_id = e.classroom_id
     cross join generate_series(1, %(entries)s) n
     where e.school_id = %(school)s and e.classroom_id = %(classroom)s
"""


@dataclass
class Timed:
    """Milliseconds of the cascade and of the erasure of one subject, and how many rows went."""

    raw: float
    ours: float
    rows: int


@pytest.fixture(scope="module")
def eraser(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Eraser:
    # As a worker's process is.
    settle()
    made = eraser_of(kept.runtime, WHO)
    folder: Path = tmp_path_factory.mktemp("ledger")
    return Eraser(WHO, made.tables, made.installed, LedgerFile(folder), made.backups_kept)


@pytest.fixture(scope="module")
def filled(kept: Kept) -> int:
    """The first of the schools at the end of the crowd, which have points."""
    last = FIRST_SCHOOL + max(kept.crowd.rows // OF_A_SCHOOL, 1)
    first = last - SCHOOLS
    url = make_url(kept.runtime.database.address).set(drivername="postgresql+psycopg")
    with transaction(SYSTEM) as tx:
        there = tx.scalar(text("select count(*) from app.point_entry where school_id = :it"), {"it": first})
    if not there:
        engine = create_engine(url)
        with engine.begin() as connection:
            given = {"schools": list(range(first, last)), "entries": ENTRIES}
            for statement in FILL.split(";\n"):
                connection.execute(text(statement), given)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _people(connection, first + FROM[Subject.ACCOUNT])
            _district(connection, first + FROM[Subject.DISTRICT])
            connection.execute(text("vacuum analyze app.point_entry, app.action, app.teaching_role"))
        engine.dispose()
    return first


def _people(connection: Connection, school: int) -> None:
    """Teachers of a school with classes, sessions, and points that they gave."""
    for each in range(TIMES[Subject.ACCOUNT]):
        with transaction(SYSTEM) as tx:
            email = f"{uuid4().hex}@people.example"
            account, _ = people.add(tx, email=email, name="Erased", password_hash=None, founder=False)
            place = {"account_id": account, "school_id": school, "role": Role.TEACHER}
            tx.execute(insert(Membership).values(**place, created_at=clock.now()))
        given = {"school": school, "account": account, "classes": CLASSES, "sessions": SESSIONS}
        for statement in TEACH.split(";\n"):
            connection.execute(text(statement), given | {"after": each * CLASSES})


def _district(connection: Connection, school: int) -> None:
    """A district of its own for some schools."""
    with transaction(SYSTEM) as tx:
        district = tx.take_id(District)
        place = {"country": "US", "state": "CA", "time_zone": "UTC", "language": "en"}
        row = {"id": district, "public_id": new_public_id(), "name": "Erased", **place}
        tx.execute(insert(District).values(**row, created_at=clock.now()))
    within = {"district": district, "first": school, "last": school + OF_A_DISTRICT - 1}
    moved = "update app.school set district_id = :district where id between :first and :last"
    connection.execute(text(moved), within)


@pytest.fixture
def superuser(kept: Kept) -> Iterator[psycopg.Connection]:
    address = make_url(kept.runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        yield connection


@pytest.fixture
def committing(superuser: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Another one, each statement of which is committed; all that was written before is on the disk then."""
    with psycopg.connect(superuser.info.dsn, password=superuser.info.password, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("subject", list(TIMES))
def test_erasing_beside_the_cascade(
    eraser: Eraser,
    filled: int,
    superuser: psycopg.Connection,
    committing: psycopg.Connection,
    subject: Subject,
) -> None:
    # From schools of their own, so that none is gone already.
    school = filled + FROM[subject]
    with transaction(SYSTEM) as tx:
        found = tx.execute(text(PICK[subject]), {"school": school, "some": TIMES[subject]}).all()
    if not found:
        pytest.skip("Erased by an earlier run in this database, all of them.")
    timed = []
    for number, public_id in found:
        began = time.perf_counter()
        for statement in RAW[subject]:
            superuser.execute(statement.encode(), {"school": school, "id": number})
        # Else the first commit of the erasure would wait until this is on the disk, too.
        committing.execute(ON_THE_DISK)
        raw = time.perf_counter() - began
        superuser.rollback()
        began = time.perf_counter()
        done = services.erase(eraser=eraser, subject=subject, public_id=public_id, asked_as=AskedAs.COMMAND)
        ours = time.perf_counter() - began
        timed.append(Timed(raw * SECOND, ours * SECOND, sum(receipts.counts_of(done).values())))
    raw, ours = (statistics.median(getattr(each, name) for each in timed) for name in ("raw", "ours"))
    rows = statistics.median(each.rows for each in timed)
    print(
        f"\n{subject:<10} {len(timed):>3} times, {rows:>9,.0f} rows: cascade {raw:>9,.1f} ms,"
        f" erased {ours:>9,.1f} ms, {ours / raw:.2f} times, {ours - raw:+,.1f} ms"
    )


@pytest.mark.parametrize("size", sorted(LARGE_CLASSES))
def test_erasing_several_beside_the_cascade(
    eraser: Eraser, kept: Kept, superuser: psycopg.Connection, committing: psycopg.Connection, size: int
) -> None:
    """As many students of one school as a large class has, each with twenty points, chosen together."""
    room = FIRST_LARGE_CLASS + LARGE_CLASSES.index(size)
    with transaction(SYSTEM) as tx:
        found = tx.execute(text(PICK_SEVERAL), {"school": LARGE_SCHOOL, "classroom": room}).all()
    if not found:
        pytest.skip("Erased by an earlier run in this database.")
    for statement in FILL_SEVERAL.split(";\n"):
        committing.execute(statement.encode(), {"school": LARGE_SCHOOL, "classroom": room, "entries": FEWER})
    committing.execute(b"vacuum analyze app.point_entry")
    began = time.perf_counter()
    superuser.execute(
        b"delete from app.student where school_id = %(school)s and id = any (%(these)s)",
        {"school": LARGE_SCHOOL, "these": [row.id for row in found]},
    )
    committing.execute(ON_THE_DISK)
    raw = time.perf_counter() - began
    superuser.rollback()
    began = time.perf_counter()
    done = services.erase_students(
        eraser=eraser, public_ids=[row.public_id for row in found], asked_as=AskedAs.COMMAND
    )
    ours = time.perf_counter() - began
    rows = sum(receipts.counts_of(done).values())
    print(
        f"\n{len(found):>6,} students chosen, {rows:>9,.0f} rows: cascade {raw * SECOND:>9,.1f} ms,"
        f" erased {ours * SECOND:>9,.1f} ms, {ours / raw:.2f} times, {(ours - raw) * SECOND:+,.1f} ms"
    )
