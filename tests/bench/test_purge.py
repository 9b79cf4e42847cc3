"""Forgetting months of a log among very many rows: by the product's own run, by hand, and row by row.

`ROWS` details of the trail, bulk-made into the table as it is, on as many days as half a year has; each way
takes a month of them in turns. By hand is `DROP TABLE` of each day by the superuser, who counts nothing
and tells nothing; row by row is one `DELETE`, which leaves the space to be vacuumed. The run does all that it
does every six hours: it drops, counts or estimates, finds the oldest that is left and what will be due, and
notes itself in the trail. Meanwhile somebody writes to the log all the time, and the longest wait is told.

The details have no entries here: these stay, and would only take room.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
import time_machine
from sqlalchemy import make_url, select

from backoffice import launch
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.kinds import DETAILS
from backoffice.audit.trail import record
from backoffice.privacy.retention.models import RetentionRun
from backoffice.privacy.retention.runs import Rules, run_kinds
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import embedded, functions
from backoffice.storage.keyring import Keyring
from tests.bench.kept import PRODUCTION
from tests.factories.world import SYSTEM

ROWS = int(os.environ.get("ROWS", "100000"))
WHO = Purpose("bench-purge")
LOG = "app.audit_detail"
ROUNDS, MONTH = 2, 30
WAYS = ("run", "hand", "delete")
DAYS = MONTH * len(WAYS) * ROUNDS
# No month ends on a day that half a year later has not.
FIRST = datetime(2026, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = 1000
FILL = """
    insert into {} (entry_id, at, nonce, detail, about, redacted, address)
    select %(first)s + n, %(day)s + n * interval '1 day' / %(many)s, decode(md5(n::text), 'hex'),
           decode(repeat(md5(n::text), 4), 'hex'), array[md5((n %% 9973)::text)::uuid, md5(n::text)::uuid],
           false, decode(repeat(md5(n::text), 3), 'hex')
      from generate_series(0, %(many)s - 1) n"""


@pytest.fixture(scope="module")
def on_disk() -> Iterator[Path]:
    """Where a log lies: fifty million rows of it are no matter for memory."""
    with tempfile.TemporaryDirectory(
        prefix="backoffice-purge-", dir=os.environ.get("BENCH_DATA_DIR")
    ) as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="module")
def filled(on_disk: Path) -> Iterator[tuple[Runtime, psycopg.Connection]]:
    place = embedded.home(on_disk / "purge", explicit=True)
    Keyring.generate().write(place / "keyring.json")
    server = embedded.start(place / "postgres", options=PRODUCTION)
    try:
        opened = open_runtime(Settings(keyring_file=place / "keyring.json"), server.url())
        launch.migrate(opened)
        address = make_url(opened.database.address).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as superuser:
            _fill(superuser)
            yield opened, superuser
        opened.database.dispose()
    finally:
        embedded.stop(server)


def _fill(superuser: psycopg.Connection) -> None:
    began, many = time.perf_counter(), max(ROWS // DAYS, 1)
    for number in range(DAYS):
        with transaction(SYSTEM) as tx:
            functions.make_day(tx, log=LOG, day=(FIRST + DAY * number).date())
    # Without the entries that they are of, and as the copy of a restore.
    superuser.execute("set session_replication_role = replica")
    superuser.execute("set maintenance_work_mem = '256MB'")
    for number in range(DAYS):
        with _without_indexes(superuser, FIRST + DAY * number) as day:
            asked = {"first": 10**12 + number * many, "day": FIRST + DAY * number, "many": many}
            superuser.execute(FILL.format(day).encode(), asked)
    superuser.execute("set session_replication_role = origin")
    superuser.execute("vacuum analyze app.audit_detail")
    superuser.execute("checkpoint")
    size = _one(
        superuser,
        "select sum(pg_total_relation_size(inhrelid)) from pg_inherits"
        " where inhparent = 'app.audit_detail'::regclass",
    )
    print(
        f"\n{many * DAYS:,} rows on {DAYS} days, {int(size) / 2**20:,.0f} MiB,"
        f" made in {time.perf_counter() - began:.0f} s"
    )


@contextmanager
def _without_indexes(superuser: psycopg.Connection, at: datetime) -> Iterator[str]:
    """A day of the log by itself, with its key alone; its other indexes come when it is full."""
    day = f"partitions.app_audit_detail_{at:%Y%m%d}"
    superuser.execute(f"alter table {LOG} detach partition {day}".encode())
    found = superuser.execute(
        "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)"
        "  from pg_index i where i.indrelid = %s::regclass and not i.indisprimary",
        (day,),
    ).fetchall()
    for name, _made in found:
        superuser.execute(f"drop index {name}".encode())
    yield day
    for _name, made in found:
        superuser.execute(made.encode())
    span = f"from ('{at.isoformat()}') to ('{(at + DAY).isoformat()}')"
    superuser.execute(f"alter table {LOG} attach partition {day} for values {span}".encode())


def _one(superuser: psycopg.Connection, question: str, *values: object) -> str:
    (found,) = superuser.execute(question.encode(), values).fetchone() or ("0",)
    return str(found)


def _by_run(_superuser: psycopg.Connection, until: datetime) -> None:
    with time_machine.travel(DETAILS.period.after(until), tick=True):
        run_kinds(WHO, [DETAILS], rules=Rules(most_share=5))


def _by_hand(superuser: psycopg.Connection, until: datetime) -> None:
    for number in range(MONTH, 0, -1):
        superuser.execute(f"drop table partitions.app_audit_detail_{until - DAY * number:%Y%m%d}".encode())


def _by_delete(superuser: psycopg.Connection, until: datetime) -> None:
    superuser.execute("delete from app.audit_detail where at < %s", (until,))


@contextmanager
def _somebody_writes() -> Iterator[list[float]]:
    """How long each writing to the log takes meanwhile."""
    over, waits = Event(), list[float]()

    def write() -> None:
        while not over.is_set():
            began = time.perf_counter()
            with transaction(SYSTEM) as tx:
                record(tx, "bench.write")
            waits.append(time.perf_counter() - began)
            time.sleep(0.002)

    thread = Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def test_purging_beside_dropping_by_hand(filled: tuple[Runtime, psycopg.Connection]) -> None:
    _opened, superuser = filled
    many = max(ROWS // DAYS, 1) * MONTH
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    waits: dict[str, list[float]] = {way: [] for way in WAYS}
    until = FIRST
    for turn in range(ROUNDS):
        # Dropping by hand and by the run change places.
        for way in WAYS if turn % 2 == 0 else ("hand", "run", "delete"):
            until += DAY * MONTH
            does = {"run": _by_run, "hand": _by_hand, "delete": _by_delete}[way]
            with _somebody_writes() as meanwhile:
                time.sleep(0.1)
                meanwhile.clear()
                began = time.perf_counter()
                does(superuser, until)
                took[way].append(time.perf_counter() - began)
            waits[way] += meanwhile
            left = _one(superuser, "select count(*) from app.audit_detail where at < %s", until)
            assert left == "0", way
            young = _one(superuser, "select min(at) from app.audit_detail")
            assert young.startswith(f"{until:%Y-%m-%d}") or until == FIRST + DAY * DAYS, (way, young)
    with transaction(SYSTEM) as tx:
        runs = tx.scalars(select(RetentionRun).where(RetentionRun.kind == DETAILS.name)).all()
    told = [each.gone for each in runs if each.gone]
    estimated = sum(each.estimated or 0 for each in runs)
    hand = statistics.median(took["hand"])
    print(
        f"each a month of {many:,} rows, the runs told {', '.join(f'{each:,}' for each in told)}"
        f" ({estimated:,} of them estimated)"
    )
    for way in WAYS:
        middle = statistics.median(took[way])
        print(
            f"{way:<7} {middle * SECOND:>12,.0f} ms, {middle / hand:>7.2f} times dropping by hand;"
            f" a writer waited {max(waits[way]) * SECOND:,.0f} ms at most"
        )
