"""Logs that are kept by the day: what goes with its day, what without, and that nobody waits for it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, make_url, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.kinds import DETAILS
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import record
from backoffice.jobs.log_days import make_missing
from backoffice.privacy.retention import queries
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.privacy.retention.runs import Rules, outlook, run_kinds
from backoffice.runtime import Runtime
from backoffice.storage import functions, partitions
from backoffice.storage.database import make_engine
from backoffice.storage.partitions import patiently
from backoffice.storage.roles import DatabaseRole
from tests.factories.retention import forget_runs
from tests.factories.world import SYSTEM, World

WHO, RULES = Purpose("test"), Rules(most_share=5)
TABLE = AuditDetail.metadata.tables["app.audit_detail"]
LOG = "app.audit_detail"
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BIG = 120_000
Noted = Callable[..., list[int]]


@pytest.fixture
def midnight(now: datetime) -> datetime:
    """When the day began that is the last to be kept. The runs of these tests are at 9:30 of a day."""
    return DETAILS.before(now).replace(hour=0, minute=0)


@pytest.fixture(autouse=True)
def nothing_yet(runtime: Runtime, midnight: datetime) -> None:
    """What other tests have left in these months is gone, and so is what they were told."""
    go(DETAILS.period.after(midnight + DAY * 60))
    make_missing(WHO, [TABLE])
    forget_runs(runtime)


@pytest.fixture
def noted(world: World, midnight: datetime) -> Noted:
    """Notes something in the trail at these moments, each of which has its day or not; the entries."""

    def note(*moments: datetime, days: bool = True) -> list[int]:
        made = []
        for moment in moments:
            if days:
                with transaction(SYSTEM) as tx:
                    functions.make_day(tx, log=LOG, day=moment.astimezone(UTC).date())
            with time_machine.travel(moment, tick=False), transaction(SYSTEM) as tx:
                record(tx, "test.noted", school_id=world.home.id)
                made.append(tx.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)) or 0)
        return made

    return note


@pytest.fixture
def superuser(runtime: Runtime) -> Iterator[Connection]:
    engine = make_engine(make_url(runtime.database.address).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def left(made: list[int]) -> list[int]:
    with transaction(SYSTEM) as tx:
        return sorted(tx.scalars(select(AuditDetail.entry_id).where(AuditDetail.entry_id.in_(made))))


def go(at: datetime | None = None) -> int:
    with time_machine.travel(at or clock.now(), tick=False):
        return run_kinds(WHO, [DETAILS], rules=RULES).gone.get(DETAILS.name, 0)


def told() -> RetentionRun:
    with transaction(SYSTEM) as tx:
        own = select(RetentionRun).where(RetentionRun.kind == DETAILS.name)
        return tx.scalars(own.order_by(RetentionRun.id.desc()).limit(1)).one()


def rest(tx: Transaction | Connection) -> int:
    return tx.scalar(text("select count(*) from partitions.app_audit_detail_rest")) or 0


# -- what goes


def test_a_day_goes_whole_and_not_before_its_last_moment_is_due(noted: Noted, midnight: datetime) -> None:
    made = noted(midnight - DAY, midnight - SECOND, midnight, midnight + DAY - SECOND, midnight + DAY)
    assert go() == 2
    assert left(made) == made[2:]
    # Half a year later to the second: the day's last moment is due a moment after midnight.
    due = DETAILS.period.after(midnight + DAY)
    assert go(due - HOUR * 7) == 0
    assert go(due) == 2
    assert left(made) == made[4:]


def test_nothing_is_kept_for_more_than_a_day_too_long(noted: Noted, midnight: datetime) -> None:
    """Runs come every six hours: what would be older at the next goes without its day, and nothing else."""
    made = noted(*(midnight + HOUR * hour for hour in range(24)))
    at = DETAILS.period.after(midnight)
    for hours in range(0, 31, 6):
        go(at + timedelta(hours=hours))
        oldest = [midnight + HOUR * made.index(number) for number in left(made)][:1]
        # Until the next run.
        assert all(at + timedelta(hours=hours + 6) - DETAILS.period.after(each) <= DAY for each in oldest)
        if hours < 24:
            assert len(left(made)) >= 23, hours
    assert left(made) == []


def test_runs_at_other_hours_keep_it_too(noted: Noted, midnight: datetime) -> None:
    made = noted(*(midnight + HOUR * hour for hour in range(24)))
    at = DETAILS.period.after(midnight)
    go(at + timedelta(hours=23))
    # Of six hours' time five would have been too old at five in the morning.
    assert left(made) == made[5:]
    assert go(at + timedelta(hours=29)) == 19


def test_the_clock_of_a_session_makes_no_difference(midnight: datetime, noted: Noted) -> None:
    made = noted(midnight - SECOND, midnight)
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        with transaction(WHO) as tx:
            tx.execute(text(f"set local timezone = '{zone}'"))
            days = functions.log_days(tx, log=LOG, before=midnight)
            assert [(each.since, each.until, each.amount) for each in days if each.amount] == [
                (midnight - DAY, midnight, 1)
            ]
            ahead = midnight.date() + timedelta(days=400)
            assert functions.make_day(tx, log=LOG, day=ahead) == 0
            assert functions.days_to_make(tx, log=LOG, first=ahead, last=ahead + timedelta(days=1)) == [
                ahead + timedelta(days=1)
            ]
            found = functions.drop_days(tx, log=LOG, before=midnight - SECOND, most=100)
            assert all(each.until <= midnight - DAY for each in found)
            tx.rollback()
    assert go() == 1
    assert left(made) == made[1:]


def test_what_comes_late_goes_with_its_day_or_alone_and_nothing_is_refused(
    noted: Noted, midnight: datetime
) -> None:
    noted(midnight - DAY * 3)
    assert go() == 1
    late = noted(midnight - DAY * 3 + HOUR, midnight - SECOND, days=False)
    young = noted(midnight + DAY * 40, days=False)
    with transaction(WHO) as tx:
        assert outlook(tx, DETAILS, at=clock.now()).now == 2
    assert go() == 2
    assert left(late + young) == young


def test_what_is_told_before_is_what_goes(noted: Noted, midnight: datetime) -> None:
    noted(midnight - DAY * 2, midnight - SECOND, midnight, midnight + DAY, midnight + DAY * 2 - SECOND)
    with transaction(WHO) as tx:
        found = outlook(tx, DETAILS, at=clock.now())
    assert (found.now, found.days[:3]) == (2, (1, 2, 0))
    assert go() == 2
    assert (told().gone, told().estimated, told().oldest) == (2, None, midnight)


def test_a_run_that_is_killed_between_two_days_is_gone_on_with(
    noted: Noted, midnight: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = noted(*(midnight - DAY * days for days in (4, 3, 2)), midnight)
    whole, dropped = queries.drop_days, []
    monkeypatch.setattr(queries, "WEEK", 1)

    def killed(*args: object, **options: object) -> object:
        found = whole(*args, **options)  # type: ignore[arg-type]
        dropped.append(found)
        # In the middle of the second: it is as if it had not been begun.
        if len(dropped) == 2:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(queries, "drop_days", killed)
    with pytest.raises(KeyboardInterrupt):
        go()
    assert (told().state, told().gone, left(made)) == (RunState.RUNNING, 1, made[1:])
    monkeypatch.setattr(queries, "drop_days", whole)
    assert go() == 3
    assert (told().state, told().gone, left(made)) == (RunState.DONE, 3, made[3:])


def test_a_large_day_is_not_counted_and_the_run_says_so(
    world: World, superuser: Connection, midnight: datetime
) -> None:
    del world
    with transaction(SYSTEM) as tx:
        functions.make_day(tx, log=LOG, day=(midnight - DAY).date())
    # Without entries, which stay in any case.
    fill = """
        insert into app.audit_detail (entry_id, at, nonce, detail, redacted)
        select 1000000000 + n, cast(:at as timestamptz), '', decode(repeat('ab', 100), 'hex'), false
          from generate_series(1, :many) n"""
    superuser.execute(text("set local session_replication_role = replica"))
    superuser.execute(text(fill), {"at": midnight - HOUR, "many": BIG})
    superuser.commit()
    gone = go()
    assert gone == pytest.approx(BIG, rel=0.1)
    assert (told().gone, told().estimated) == (gone, gone)
    oldest = told().oldest
    assert oldest is None or oldest >= midnight


# -- days that are made


def test_days_are_made_ahead_and_what_had_none_moves_to_its_own(
    noted: Noted, now: datetime, superuser: Connection
) -> None:
    make_missing(WHO, [TABLE])
    before = rest(superuser)
    (loose,) = noted(now + DAY * 100, days=False)
    superuser.rollback()
    assert rest(superuser) == before + 1
    superuser.rollback()
    moved = make_missing(WHO, [TABLE])
    assert (len(moved), sum(moved), rest(superuser)) == (1, before + 1, 0)
    assert left([loose]) == [loose]
    assert make_missing(WHO, [TABLE]) == []
    with transaction(SYSTEM) as tx:
        today = now.date()
        last = today + timedelta(days=partitions.AHEAD + 1)
        assert functions.days_to_make(tx, log=LOG, first=today, last=last) == [last]


def test_two_who_make_the_same_days_make_them_once(now: datetime) -> None:
    together = Barrier(2)
    far = now + DAY * 300

    def one() -> list[int]:
        together.wait()
        return make_missing(WHO, [TABLE])

    with time_machine.travel(far, tick=False), ThreadPoolExecutor(2) as threads:
        done = [each.result() for each in [threads.submit(one) for _ in range(2)]]
    assert sum(map(len, done)) == partitions.AHEAD + 1


def test_what_somebody_was_taken_out_of_moves_as_it_is(noted: Noted, now: datetime) -> None:
    """A row that is written anew begins as whole: here it is not."""
    (number,) = noted(now + DAY * 130, days=False)
    with transaction(SYSTEM) as tx:
        tx.scalars(select(AuditDetail).where(AuditDetail.entry_id == number)).one().redacted = True
    make_missing(WHO, [TABLE])
    with transaction(SYSTEM) as tx:
        moved = tx.scalars(select(AuditDetail).where(AuditDetail.entry_id == number)).one()
        assert (moved.redacted, moved.nonce) == (True, None)


def test_a_day_is_guarded_and_sampled_as_its_log(superuser: Connection) -> None:
    made = superuser.execute(
        text("""
        select c.oid::regclass::text as day, c.relrowsecurity and c.relforcerowsecurity as guarded,
               array(select a.attname::text from pg_attribute a
                      where a.attrelid = c.oid and a.attstattarget = 0 order by 1) as unsampled,
               has_schema_privilege('backoffice_app', c.relnamespace, 'usage')
                 or has_schema_privilege('backoffice_system', c.relnamespace, 'usage')
                 or has_any_column_privilege('backoffice_app', c.oid, 'select, insert, update')
                 or has_any_column_privilege('backoffice_system', c.oid, 'select, insert, update')
                 as reached
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'app.audit_detail'::regclass"""),
    ).all()
    assert len(made) > partitions.AHEAD
    assert {(row.guarded, row.reached) for row in made} == {(True, False)}
    assert {tuple(row.unsampled) for row in made} == {("about", "address", "detail", "nonce")}


@pytest.mark.parametrize("role", [DatabaseRole.APP, DatabaseRole.SYSTEM])
def test_nobody_reads_a_day_by_its_name(runtime: Runtime, role: DatabaseRole) -> None:
    with runtime.database.engine(role).connect() as connection, pytest.raises(ProgrammingError) as raised:
        connection.execute(text("select * from partitions.app_audit_detail_rest"))
    assert isinstance(raised.value.orig, InsufficientPrivilege)


@pytest.mark.parametrize(
    "call",
    [
        "app.drop_days('app.audit_detail', now(), 7)",
        "app.make_day('app.audit_detail', current_date)",
        "app.log_days('app.audit_detail', now())",
        "app.log_has_day('app.audit_detail', now())",
        "app.log_oldest('app.audit_detail')",
        "app.days_to_make('app.audit_detail', current_date, current_date)",
    ],
)
def test_the_web_makes_and_drops_no_day_and_nor_does_the_system_without_a_purpose(
    runtime: Runtime, call: str
) -> None:
    for role in (DatabaseRole.APP, DatabaseRole.SYSTEM):
        with runtime.database.engine(role).connect() as connection, pytest.raises(DBAPIError) as raised:
            connection.execute(text(f"select * from {call}"))
        assert isinstance(raised.value.orig, InsufficientPrivilege), role


@pytest.mark.parametrize("table", ["app.account", "app.nothing", "app.audit_entry; drop table app.account"])
def test_what_is_no_log_is_not_dropped(world: World, table: str) -> None:
    del world
    with pytest.raises(DBAPIError) as raised, transaction(SYSTEM) as tx:
        functions.drop_days(tx, log=table, before=clock.now() + DAY * 1000, most=1)
    assert getattr(raised.value.orig, "sqlstate", None) in {"42501", "42601", "42602"}


# -- nobody waits


def test_a_reader_is_waited_for_a_moment_and_not_interrupted(
    runtime: Runtime, noted: Noted, midnight: datetime
) -> None:
    made = noted(midnight - DAY, midnight)

    def drop() -> list[functions.LogDay]:
        with transaction(WHO) as tx:
            return functions.drop_days(tx, log=LOG, before=midnight, most=7)

    with runtime.database.engine(DatabaseRole.OWNER).connect() as reader:
        reader.execute(text("select count(*) from app.audit_detail"))
        began = time.perf_counter()
        with pytest.raises(OperationalError):
            patiently(drop, pauses=())
        assert time.perf_counter() - began < 2
        # Who comes meanwhile reads and writes, as soon as it has given way.
        assert left(made) == made
        reader.execute(text("select count(*) from app.audit_detail"))
    found = patiently(drop)
    assert ([each.amount for each in found], left(made)) == ([1], made[1:])


def test_it_is_tried_again_until_the_reader_has_gone(
    runtime: Runtime, noted: Noted, midnight: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = noted(midnight - DAY, midnight)
    with runtime.database.engine(DatabaseRole.OWNER).connect() as reader:
        reader.execute(text("select count(*) from app.audit_detail"))
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                reader.rollback()

        monkeypatch.setattr(time, "sleep", sleep)
        assert go() == 1
    assert (waits, left(made)) == (list(partitions.PAUSES[:2]), made[1:])


def test_other_errors_are_not_tried_again() -> None:
    tried: list[date] = []

    def fails() -> None:
        tried.append(date.min)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        patiently(fails)
    assert len(tried) == 1
