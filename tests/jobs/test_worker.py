"""Real workers and schedulers: they are killed, stopped, cut off from the database, and lose nothing."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backoffice import launch
from backoffice.access.transaction import transaction
from backoffice.host import services as host
from backoffice.jobs import core, registry
from backoffice.jobs.job import Job
from backoffice.jobs.queue import defer
from backoffice.jobs.reaper import reap
from backoffice.runtime import Runtime
from tests.factories.world import SYSTEM, World
from tests.jobs.conftest import Look
from tests.jobs.process import JOBS, fail

PATIENCE = 60  # seconds; nothing here is timed
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def _slow_jobs(runtime: Runtime) -> Iterator[None]:
    own = {plugin.name: plugin.jobs for plugin in runtime.plugins}
    registry.install({"core": (*core.JOBS, *JOBS), **own})
    yield
    registry.install({"core": core.JOBS, **own})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def start(runtime: Runtime, log: Path, look: Look) -> Iterator[Start]:
    """Start a process and answer when it lives; all are killed at the end."""
    environment = launch._background_environment(runtime)
    started: list[subprocess.Popen[bytes]] = []
    look.do("delete from queue.procrastinate_workers")

    def begin(role: str) -> subprocess.Popen[bytes]:
        before = look.one("select coalesce(max(id), 0) from queue.procrastinate_workers")
        with log.open("ab") as written:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.process", role],
                env=environment,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )
        started.append(child)
        if role == "worker":
            until(look, "select exists (select from queue.procrastinate_workers where id > %s)", before)
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()


def until(look: Look, question: str, *parameters: Any) -> None:
    """Wait until the answer is yes."""
    end = time.monotonic() + PATIENCE
    while not look.one(question, *parameters):
        assert time.monotonic() < end, f"never: {question}"
        time.sleep(0.05)


def queue_one(name: str, **arguments: int | str) -> None:
    with transaction(SYSTEM) as tx:
        defer(tx, name, **arguments)


RUNNING = "select exists (select from app.job_run where state = 'running' and done > 0)"
DONE = "select exists (select from app.job_run where state = 'succeeded')"


def test_a_killed_workers_job_is_done_by_another(look: Look, start: Start) -> None:
    first = start("worker")
    queue_one("core.slow", tenths=30)
    until(look, RUNNING)
    first.kill()
    first.wait()
    start("worker")
    assert reap(timedelta(0)) >= 1
    until(look, DONE)
    assert look.runs() == [(1, "lost"), (2, "succeeded")]
    # The queue forgets the job after its run has been written.
    until(look, "select not exists (select from queue.procrastinate_jobs)")


def test_a_worker_that_is_asked_to_end_finishes_the_job_in_hand(look: Look, start: Start) -> None:
    worker = start("worker")
    queue_one("core.slow", tenths=15)
    queue_one("core.slow", tenths=14)
    until(look, RUNNING)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert look.runs() == [(1, "succeeded"), (1, "waiting")]
    assert look.one("select count(*) from queue.procrastinate_workers") == 0


def test_a_worker_outlives_being_cut_off_from_the_database(look: Look, start: Start) -> None:
    worker = start("worker")
    queue_one("core.slow", tenths=1)
    until(look, DONE)
    look.do(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where usename = 'backoffice_system' and datname = current_database()"
    )
    queue_one("core.slow", tenths=2)
    until(look, "select count(*) = 2 from app.job_run where state = 'succeeded'")
    assert worker.poll() is None


def test_work_of_a_plugin_that_is_off_waits_until_it_is_on_unless_it_forgets(
    runtime: Runtime, world: World, look: Look, start: Start
) -> None:
    founder = world.sign_in("founder")
    host.switch_plugin(
        principal=founder, installed=runtime.plugins, name="trust", enabled=False, reason="To try it out"
    )
    host.switch_plugin(principal=founder, installed=runtime.plugins, name="rosters", enabled=False)
    queue_one("trust.check")
    queue_one("rosters.forget-uploads")
    queue_one("core.slow", tenths=1)
    start("worker")
    until(look, "select count(*) = 2 from app.job_run where state = 'succeeded'")
    assert look.rows("select job, state from app.job_run order by id") == [
        ("trust.check", "waiting"),
        ("rosters.forget-uploads", "succeeded"),
        ("core.slow", "succeeded"),
    ]
    for name in ("trust", "rosters"):
        host.switch_plugin(principal=founder, installed=runtime.plugins, name=name, enabled=True)
    until(look, "select count(*) = 3 from app.job_run where state = 'succeeded'")


def test_a_worker_leaves_a_job_that_it_does_not_know_to_a_newer_one(look: Look, start: Start) -> None:
    start("worker")
    before = list(registry.installed().values())
    registry.install({"core": (*(each.job for each in before if each.owner == "core"), Job("newer", fail))})
    queue_one("core.newer")
    queue_one("core.slow", tenths=1)
    until(look, DONE)
    job = (
        "select status::text, scheduled_at > now() from queue.procrastinate_jobs"
        " where task_name = 'core.newer'"
    )
    assert look.rows(job) == [("todo", True)]
    look.do("update queue.procrastinate_jobs set scheduled_at = null, attempts = 100000")
    queue_one("core.slow", tenths=2)
    until(look, "select status = 'failed' from queue.procrastinate_jobs where task_name = 'core.newer'")
    assert reap() == 0
    assert look.rows("select state, finished_at is not null from app.job_run where job = 'core.newer'") == [
        ("lost", True)
    ]


def test_no_log_of_a_worker_repeats_a_message_or_an_argument(look: Look, start: Start, log: Path) -> None:
    start("worker")
    queue_one("core.failing", student="abcdefghjkmnpqrs")
    until(look, "select exists (select from app.job_run where state = 'failed')")
    queue_one("core.slow", tenths=1)
    until(look, DONE)
    written = log.read_text("utf-8")
    assert "core.failing" in written
    assert "ValueError" in written
    assert "Quartermaine" not in written
    assert "abcdefghjkmnpqrs" not in written


def test_scheduler_and_worker_do_what_is_due(look: Look, start: Start) -> None:
    scheduler = start("scheduler")
    start("worker")
    until(
        look,
        "select exists (select from app.job_run where job = 'core.forget-jobs'"
        " and asked = 'schedule' and state = 'succeeded')",
    )
    scheduler.send_signal(signal.SIGTERM)
    assert scheduler.wait(PATIENCE) == 0
