"""Two schedulers and three workers, killed at random: every firing is worked on, once, and none is lost.

`FAULT_SECONDS` says for how long (300), `FAULT_SEED` repeats a run's choices.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from backoffice import launch
from backoffice.jobs.job import EPOCH
from backoffice.runtime import Runtime
from tests.faults.process import JOBS

SECONDS = float(os.environ.get("FAULT_SECONDS", "300"))
LEAST = 30.0  # a job is lost, taken for dead and done again in no less
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
ROLES = ("scheduler-1", "scheduler-2", "worker-1", "worker-2", "worker-3")
SETTLING = 240  # seconds in which everything that was begun must end; a job waits longer each time it is lost
NAMES = [f"core.{job.name}" for job in JOBS]

# An account of its own: each move of the schedule is noted in the transaction that makes it.
WITNESS = """
create schema fault;
create table fault.taken (
  id bigint generated always as identity primary key, job text, was timestamptz, becomes timestamptz,
  at timestamptz default clock_timestamp());
create table fault.begun (number bigint, pid integer, at timestamptz default clock_timestamp());
create table fault.done (number bigint primary key, pid integer, at timestamptz default clock_timestamp());
create table fault.repeated (number bigint, pid integer, at timestamptz default clock_timestamp());
create function fault.witness() returns trigger language plpgsql security definer as $$
begin
  if new.next_at <> old.next_at then
    insert into fault.taken (job, was, becomes) values (new.job, old.next_at, new.next_at);
  end if;
  return new;
end $$;
create trigger witness after update on app.job_schedule for each row execute function fault.witness();
grant usage on schema fault to backoffice_system;
grant select, insert on all tables in schema fault to backoffice_system;
"""


@dataclass
class Crowd:
    """The processes, each started again when it is killed."""

    environment: dict[str, str]
    log: Path
    running: dict[str, subprocess.Popen[bytes]]

    def start(self, name: str) -> None:
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.process", name.partition("-")[0]],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        child = self.running.pop(name)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def stop(self) -> list[int]:
        """Ask all to end; their exit codes."""
        for child in self.running.values():
            child.terminate()
        return [child.wait(timeout=30) for child in self.running.values()]


@pytest.fixture
def crowd(durable: Runtime, tmp_path: Path) -> Iterator[Crowd]:
    with psycopg.connect(durable.database.address, autocommit=True) as administrator:
        administrator.execute(WITNESS)
    made = Crowd(dict(launch._background_environment(durable)), tmp_path / "log", {})
    yield made
    for name in list(made.running):
        if made.running[name].poll() is None:
            made.kill(name)


def test_every_firing_is_worked_on_once_whoever_is_killed(durable: Runtime, crowd: Crowd) -> None:
    assert SECONDS >= LEAST, f"FAULT_SECONDS={SECONDS:.0f} tells nothing: give it {LEAST:.0f}."
    print(f"\nseed {SEED}, {SECONDS:.0f} s", flush=True)
    chance = random.Random(SEED)
    for name in ROLES:
        crowd.start(name)
    kills: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.5, 4))
        name = chance.choice(ROLES)
        crowd.kill(name)
        kills[name] += 1
        crowd.start(name)
    with psycopg.connect(durable.database.address, autocommit=True) as witness:
        # Let nothing new begin, and wait for what has begun.
        witness.execute("update app.job_schedule set paused_at = now() where job = any (%s)", [NAMES])
        until = time.monotonic() + SETTLING
        while open_runs(witness) and time.monotonic() < until:
            time.sleep(1)
        codes = crowd.stop()
        told = facts(witness)
    print(f"killed: {dict(kills)}, {sum(kills.values())} in all")
    print("\n".join(f"{name}: {value}" for name, value in told.items()), flush=True)
    # One that was started a moment ago has not yet come to minding the signal.
    assert set(codes) <= {0, -signal.SIGTERM}, crowd.log.read_text()[-4000:]
    assert told["firings taken"] > SECONDS / 5
    for name in MUST_BE_NONE:
        assert told[name] == 0, name


MUST_BE_NONE = (
    "firings taken twice",
    "firings whose next is not the one after",
    "firings at a time that is none of the job's",
    "firings that no run made good",
    "jobs queued by a firing and not done",
    "jobs done without a firing",
    "runs still open",
    "jobs still in the queue",
)


def open_runs(witness: psycopg.Connection) -> int:
    return number(
        witness,
        "select count(*) from app.job_run where state in ('waiting', 'running') and job = any (%s)",
        NAMES,
    )


def number(witness: psycopg.Connection, statement: str, *parameters: object) -> int:
    row = witness.execute(statement.encode(), parameters or None).fetchone()
    assert row is not None
    return int(row[0] or 0)


def facts(witness: psycopg.Connection) -> dict[str, int | float]:
    """What the witness has seen. All but the last lines must be nothing or say how much there was."""
    spans = {name: timedelta(seconds=int(name.rpartition("-")[2])) for name in NAMES}
    taken = witness.execute(
        "select job, was, becomes, at from fault.taken where job = any (%s) order by id", [NAMES]
    ).fetchall()
    first = {job: min((t[1] for t in taken if t[0] == job), default=EPOCH) for job in NAMES}
    odd_times = [t for t in taken if t[1] != first[t[0]] and (t[1] - EPOCH) % spans[t[0]]]
    broken = 0
    for job in NAMES:
        own = [t for t in taken if t[0] == job]
        broken += sum(1 for a, b in pairwise(own) if a[2] != b[1])
    made = """
      from fault.taken t where t.job = any (%s) and not exists (
        select from app.job_run r where r.job = t.job and r.asked = 'schedule' and r.state = 'succeeded'
           and (r.due_at = t.was or r.asked_at < t.at and r.started_at > t.at - interval '1 second'))"""
    return {
        "firings taken": len(taken),
        "firings with a job of their own": number(
            witness, "select count(distinct number) from app.job_run where job = any (%s)", NAMES
        ),
        "firings made good by one that still waited": number(
            witness,
            "select count(*) from fault.taken t where t.job = any (%s) and not exists"
            " (select from app.job_run r where r.job = t.job and r.due_at = t.was)",
            NAMES,
        ),
        "firings taken twice": len(taken) - len({(t[0], t[1]) for t in taken}),
        "firings whose next is not the one after": broken,
        "firings at a time that is none of the job's": len(odd_times),
        "firings that no run made good": number(witness, f"select count(*) {made}", NAMES),
        "jobs queued by a firing and not done": number(
            witness,
            "select count(distinct r.number) from app.job_run r where r.job = any (%s)"
            " and not exists (select from fault.done d where d.number = r.number)",
            NAMES,
        ),
        "jobs done without a firing": number(
            witness,
            "select count(*) from fault.done d where not exists"
            " (select from app.job_run r where r.number = d.number and r.asked = 'schedule')",
        ),
        "runs still open": open_runs(witness),
        "jobs still in the queue": number(
            witness, "select count(*) from queue.procrastinate_jobs where task_name = any (%s)", NAMES
        ),
        "jobs done": number(witness, "select count(*) from fault.done"),
        "times that a job was begun": number(witness, "select count(*) from fault.begun"),
        "jobs begun again, because they were killed": number(
            witness, "select count(*) from (select from fault.begun group by number having count(*) > 1) t"
        ),
        "jobs whose work was done and that were run again": number(
            witness, "select count(*) from fault.repeated"
        ),
        "runs told as lost": number(
            witness, "select count(*) from app.job_run where state = 'lost' and job = any (%s)", NAMES
        ),
        "seconds from due to taken, at most": round(
            max(((t[3] - t[1]).total_seconds() for t in taken), default=0.0), 1
        ),
    }
