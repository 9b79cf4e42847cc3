"""Erasures while schedulers and workers are killed at random: each is done once and whole, none half.

`FAULT_SECONDS` says for how long (600), `FAULT_SEED` repeats a run's choices. Beside the erasures run the
jobs of `test_jobs`, and what is true of those must be true here as well.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.services import people
from backoffice.jobs import queue
from backoffice.jobs.models import Asked
from backoffice.privacy.erasure import ledger, services
from backoffice.privacy.erasure.asking import ERASE
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import Issued, Line
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role
from tests.factories.crowd import FIRST_SCHOOL, make_crowd
from tests.factories.world import SYSTEM, make_world
from tests.faults.test_jobs import MUST_BE_NONE, NAMES, ROLES, Crowd, crowd, facts, number, open_runs

__all__ = ["crowd"]
SECONDS = float(os.environ.get("FAULT_SECONDS", "600"))
LEAST = 30.0
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
STUDENTS, SCHOOLS = 14_000, 14
ACCOUNTS = 200
# Students who are chosen together, and of which schools.
SEVERAL, TOGETHER, THERE = "several", (2, 60), range(12, SCHOOLS)
# In which schools of the crowd things of a kind are erased, so that none goes with another.
WHERE = {Subject.STUDENT: range(4), Subject.CLASSROOM: range(4, 8), Subject.SCHOOL: range(8, 12)}
# A lost job waits until it is taken for lost, and is then looked for every five minutes at the latest.
SETTLING, POKE = 420, 20
# Erasures that are asked for in a second, and how long the first job may take to begin.
EACH_SECOND, STARTING = 1.5, 120.0
# Seconds between two kills at most, however slowly the first processes came up.
SLOWEST = 6.0
# Which share of kills waits for an erasure that is under way, and for how long.
CAUGHT, PATIENCE = 0.5, 8.0
WHO = Purpose("fault-erasing")
# Every step that an erasure takes, in the transaction that takes it.
WITNESS = """
create table fault.stage (
  id bigint generated always as identity primary key, erasure bigint, was text, becomes text, pid integer,
  at timestamptz default clock_timestamp());
create table fault.asked (
  erasure bigint primary key, subject text, number bigint, students bigint, numbers bigint[]);
create function fault.note_stage() returns trigger language plpgsql security definer as $$
begin
  if new.stage <> old.stage then
    insert into fault.stage (erasure, was, becomes, pid)
    values (new.id, old.stage, new.stage, pg_backend_pid());
  end if;
  return new;
end $$;
create trigger witness after update on app.erasure for each row execute function fault.note_stage();
"""
# How many students of an erasure's subject are there, beside how many there were: all or none, by its stage.
HALF_DONE = """
select count(*) from (
  select a.erasure, e.stage, a.students, case a.subject
      when 'student' then (select count(*) from app.student s where s.id = a.number)
      when 'several' then (select count(*) from app.student s where s.id = any (a.numbers))
      when 'classroom' then (
        select count(*) from app.enrollment n
          join app.student s on (s.school_id, s.id) = (n.school_id, n.student_id)
         where n.classroom_id = a.number)
      when 'school' then (select count(*) from app.student s where s.school_id = a.number)
      else (select count(*) from app.membership m where m.account_id = a.number) end as there
    from fault.asked a join app.erasure e on e.id = a.erasure) it
 where there <> case when stage in ('confirmed', 'noted') then students else 0 end
"""
# What hangs on somebody who is gone, by the names of columns: constraints forbid most, not all of it.
OF = {"student": "student_id", "classroom": "classroom_id", "account": "account_id", "school": "school_id"}


@dataclass
class Prey:
    """What there is to erase, of each kind, in no order."""

    left: dict[Subject, list[str]]
    # By the school, the numbers of those who are chosen together.
    together: list[tuple[int, list[int]]]

    def take(self, chance: random.Random) -> tuple[Subject, str] | tuple[int, list[int]]:
        """One of them; mostly students, often several, seldom a school."""
        kinds = [Subject.STUDENT] * 10 + [Subject.CLASSROOM] * 4 + [Subject.ACCOUNT] * 4 + [Subject.SCHOOL]
        kind = chance.choice([*(each for each in kinds if self.left[each]), *[None] * 4])
        if kind is None and self.together:
            return self.together.pop()
        kind = kind or Subject.STUDENT
        return kind, self.left[kind].pop()


@pytest.fixture
def witness(durable: Runtime, crowd: Crowd) -> Iterator[psycopg.Connection]:
    del crowd
    with psycopg.connect(durable.database.address, autocommit=True) as connection:
        connection.execute(WITNESS)
        yield connection


@pytest.fixture
def prey(durable: Runtime, witness: psycopg.Connection) -> Prey:
    world = make_world()
    make_crowd(durable, world, STUDENTS)
    with transaction(SYSTEM) as tx:
        accounts: list[str] = []
        for nth in range(ACCOUNTS):
            email = f"erased-{nth}@people.example"
            account, public_id = people.add(tx, email=email, name="Gone", password_hash=None, founder=False)
            place = {"account_id": account, "school_id": world.home.id, "role": Role.TEACHER}
            tx.execute(insert(Membership).values(**place, created_at=clock.now()))
            accounts.append(public_id)
    chance = random.Random(SEED)
    left: dict[Subject, list[str]] = {Subject.ACCOUNT: accounts}
    for kind, schools in WHERE.items():
        column = "id" if kind is Subject.SCHOOL else "school_id"
        found = witness.execute(
            f"select public_id from app.{kind} where {column} = any (%s) order by id",
            [[FIRST_SCHOOL + each for each in schools]],
        ).fetchall()
        left[kind] = [str(public_id) for (public_id,) in found]
    for each in left.values():
        chance.shuffle(each)
    together: list[tuple[int, list[int]]] = []
    for school in (FIRST_SCHOOL + each for each in THERE):
        rows = witness.execute("select id from app.student where school_id = %s order by id", [school])
        children = [int(row[0]) for row in rows.fetchall()]
        chance.shuffle(children)
        while children:
            some = chance.randint(*TOGETHER)
            together.append((school, children[:some]))
            children = children[some:]
    chance.shuffle(together)
    return Prey(left, together)


def test_no_erasure_is_half_done_whoever_is_killed(
    durable: Runtime, crowd: Crowd, witness: psycopg.Connection, prey: Prey
) -> None:
    assert SECONDS >= LEAST, f"FAULT_SECONDS={SECONDS:.0f} tells nothing: give it {LEAST:.0f}."
    print(f"\nseed {SEED}, {SECONDS:.0f} s", flush=True)
    chance, eraser = random.Random(SEED), eraser_of(durable, WHO)
    before = number(witness, "select count(*) from app.student")
    for name in ROLES:
        crowd.start(name)
    pace = min(until_it_works(witness), SLOWEST)
    kills: Counter[str] = Counter()
    half_done = looked = caught = asked = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < SECONDS:
        while asked < elapsed * EACH_SECOND:
            ask(witness, eraser, prey.take(chance))
            asked += 1
        time.sleep(chance.uniform(0.1, 0.8) * pace)
        doomed = [chance.choice(ROLES)]
        if chance.random() < CAUGHT and under_way(witness):
            # Whichever has it.
            doomed, caught = [name for name in ROLES if name.startswith("worker")], caught + 1
        for name in doomed:
            crowd.kill(name)
            kills[name] += 1
        half_done += number(witness, HALF_DONE)
        looked += 1
        for name in doomed:
            crowd.start(name)
        # Else nobody would live long enough to take anything up.
        time.sleep(pace if len(doomed) > 1 else 0)
    witness.execute("update app.job_schedule set paused_at = now() where job = any (%s)", [NAMES])
    until = time.monotonic() + SETTLING
    while (not_ended(witness) or open_runs(witness)) and time.monotonic() < until:
        # As it comes every five minutes.
        witness.execute("update app.job_schedule set next_at = now() where job = 'core.go-on-erasing'")
        time.sleep(POKE if not_ended(witness) else 1)
    codes = crowd.stop()
    half_done += number(witness, HALF_DONE)
    told = facts(witness) | erasing_facts(witness)
    told["erasures half done, in all looks"] = half_done
    told["students gone that nobody asked for"] = (
        before
        - number(witness, "select count(*) from app.student")
        - number(witness, "select sum(students) from fault.asked where subject <> 'account'")
    )
    told |= ledger_facts(eraser.ledger, witness)
    print(
        f"killed: {dict(kills)}, {sum(kills.values())} in all, {caught} times all workers at an erasure;"
        f" looked {looked} times"
    )
    print("\n".join(f"{name}: {value}" for name, value in told.items()), flush=True)
    assert set(codes) <= {0, -signal.SIGTERM}, Path(crowd.log).read_text()[-4000:]
    assert told["erasures verified"] == told["erasures asked for"] > SECONDS / 5
    for name in (*MUST_BE_NONE, *NONE_OF_THESE):
        assert told[name] == 0, name


NONE_OF_THESE = (
    "erasures half done, in all looks",
    "erasures that took a step twice",
    "erasures that left out a step",
    "rows left of somebody erased",
    "students gone that nobody asked for",
    "receipts in the database and not in the ledger's file",
    "marks in the database and not in the ledger's file",
)


def ask(
    witness: psycopg.Connection, eraser: Eraser, found: tuple[Subject, str] | tuple[int, list[int]]
) -> None:
    """Confirm an erasure, and have a worker carry it out, as the web does."""
    if isinstance(found[0], Subject):
        begun = _one(witness, eraser, found[0], str(found[1]))
    else:
        begun = _several(witness, found[0], list(map(int, found[1])))
    with transaction(WHO) as tx:
        queue.put(tx, ERASE, {"erasure": begun}, asked=Asked.PERSON)


def _one(witness: psycopg.Connection, eraser: Eraser, kind: Subject, public_id: str) -> int:
    begun = services.begin(eraser=eraser, subject=kind, public_id=public_id, asked_as=AskedAs.COMMAND)
    of = number(witness, "select subject_id from app.erasure where id = %s", begun)
    students = {
        Subject.STUDENT: "select 1",
        Subject.CLASSROOM: f"select count(*) from app.enrollment where classroom_id = {of}",
        Subject.SCHOOL: f"select count(*) from app.student where school_id = {of}",
        Subject.ACCOUNT: f"select count(*) from app.membership where account_id = {of}",
    }[kind]
    witness.execute(f"insert into fault.asked values (%s, %s, %s, ({students}))", [begun, str(kind), of])
    return begun


def _several(witness: psycopg.Connection, school: int, children: list[int]) -> int:
    now = clock.now()
    with transaction(WHO) as tx:
        row = Erasure(id=tx.take_id(Erasure), subject=Subject.STUDENT, school_id=school)
        row.stage, row.asked_as, row.asked_at, row.confirmed_at = Stage.CONFIRMED, AskedAs.LEADER, now, now
        row.choose(children)
        tx.add(row)
        begun = row.id
    witness.execute(
        "insert into fault.asked values (%s, %s, null, %s, %s)", [begun, SEVERAL, len(children), children]
    )
    return begun


def until_it_works(witness: psycopg.Connection) -> float:
    """Wait until a worker has begun a job; the seconds from the start of the processes on."""
    began = time.monotonic()
    while time.monotonic() - began < STARTING:
        if number(witness, "select count(*) from fault.begun"):
            return time.monotonic() - began
        time.sleep(0.1)
    raise AssertionError(f"No job was begun within {STARTING:.0f} s.")


def under_way(witness: psycopg.Connection) -> bool:
    """Wait until an erasure is between two of its steps; whether there was one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if number(witness, "select count(*) from app.erasure where stage in ('noted', 'erased')"):
            return True
        time.sleep(0.002)
    return False


def not_ended(witness: psycopg.Connection) -> int:
    return number(witness, "select count(*) from app.erasure where stage in ('confirmed', 'noted', 'erased')")


def erasing_facts(witness: psycopg.Connection) -> dict[str, int | float]:
    """What became of the erasures."""
    steps = "select erasure, array_agg(becomes order by id) as taken from fault.stage group by erasure"
    whole = "array['noted', 'erased', 'verified']"
    columns = witness.execute(
        "select c.table_schema || '.' || c.table_name, c.column_name from information_schema.columns c"
        " join information_schema.tables t using (table_schema, table_name)"
        " where t.table_type = 'BASE TABLE' and (c.table_schema = 'app' or c.table_schema like 'plugin%%')"
        " and c.column_name = any (%s) and c.table_name not in ('erasure', 'audit_entry', 'audit_detail')",
        [list(OF.values())],
    ).fetchall()
    kinds = {column: kind for kind, column in OF.items()}
    left = 0
    for table, column in columns:
        left += number(
            witness,
            f"select count(*) from {table} t join fault.asked a on a.number = t.{column} and a.subject = %s",
            kinds[column],
        )
        if column == OF["student"]:
            left += number(
                witness, f"select count(*) from {table} t join fault.asked a on t.{column} = any (a.numbers)"
            )
    return {
        "erasures asked for": number(witness, "select count(*) from fault.asked"),
        "erasures verified": number(
            witness,
            "select count(*) from fault.asked a join app.erasure e on e.id = a.erasure"
            " where e.stage = 'verified'",
        ),
        **{
            f"of these {subject}": count
            for subject, count in witness.execute(
                "select subject, count(*) from fault.asked group by 1 order by 1"
            ).fetchall()
        },
        "erasures that took a step twice": number(
            witness,
            "select count(*) from (select from fault.stage group by erasure, becomes having count(*) > 1) t",
        ),
        "erasures that left out a step": number(
            witness, f"select count(*) from ({steps}) t where taken <> {whole}"
        ),
        "erasures whose steps several processes took": number(
            witness,
            "select count(*) from (select from fault.stage group by erasure"
            " having count(distinct pid) > 1) t",
        ),
        "runs of erasing told as lost": number(
            witness, "select count(*) from app.job_run where state = 'lost' and job like 'core.%%eras%%'"
        ),
        "rows left of somebody erased": left,
    }


def ledger_facts(file: ledger.LedgerFile, witness: psycopg.Connection) -> dict[str, int | float]:
    """The ledger's file beside the database. A step that was killed after writing has written twice."""
    lines = list(file.lines())
    issued = {line.receipt for line in lines if isinstance(line, Issued)}
    marks = Counter(mark for line in lines if isinstance(line, Line) for mark in line.marks)
    receipts = {
        row[0] for row in witness.execute("select receipt from app.erasure where receipt is not null")
    }
    # The world has a mark for each of its erasures that wait, and no file.
    noted = {
        row[0]
        for row in witness.execute(
            "select mark from app.erasure_mark m where exists"
            " (select from app.erasure e join fault.asked a on a.erasure = e.id"
            " where e.public_id = m.erasure)"
        )
    }
    return {
        "lines of the ledger": len(lines),
        "lines written again, because the first was killed": sum(marks.values()) - len(marks),
        "receipts in the database and not in the ledger's file": len(receipts - issued),
        "marks in the database and not in the ledger's file": len(noted - marks.keys()),
    }
