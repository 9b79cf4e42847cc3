"""Running one job: its row, its attempts, and never twice at once."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

import pytest
import structlog
from flask import Flask

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.jobs import registry, runs
from backoffice.jobs.job import Counts, JobRun
from backoffice.jobs.queue import defer, lock_of
from backoffice.jobs.runs import Again, Busy, GivenUp, run_here, run_queued
from tests.factories.world import SYSTEM
from tests.jobs.conftest import Look, Trial

Start = Callable[..., None]
SECRET = "Wilhelmina Quartermaine"


@pytest.fixture
def start(app: Flask, trial: Trial, look: Look) -> Start:
    """Run the one job in the queue as a worker does."""
    del trial

    def run(name: str = "core.trial") -> None:
        number, arguments = look.rows("select id, args from queue.procrastinate_jobs")[0]
        run_queued(registry.one(name), number=number, arguments=arguments, app=app)

    return run


def queue_one(name: str = "core.trial", **arguments: int | str) -> None:
    with transaction(SYSTEM) as tx:
        defer(tx, name, **arguments)


def fail(_run: JobRun) -> Counts:
    raise ValueError(f"{SECRET} is not a number")


def test_a_run_tells_what_was_done(trial: Trial, look: Look, start: Start) -> None:
    def work(run: JobRun) -> Counts:
        run.say("Looked at two\nthings.")
        run.progress(1, 2)
        run.progress(2, 2)
        return {"looked at": 2, "changed": 0}

    trial.work = work
    queue_one(roster="abcdefghjkmnpqrs")
    start()
    assert look.rows("select state, attempt, counts, log, done, total, error from app.job_run") == [
        ("succeeded", 1, "looked at: 2\nchanged: 0", "Looked at two things.", 2, 2, None)
    ]
    assert look.one("select started_at <= finished_at from app.job_run")
    (given,) = trial.runs
    assert (given.who.name, dict(given.arguments)) == ("core.trial", {"roster": "abcdefghjkmnpqrs"})


def test_progress_can_be_seen_while_it_works(trial: Trial, look: Look, start: Start) -> None:
    seen = []

    def work(run: JobRun) -> None:
        run.progress(3, 10)
        seen.extend(look.rows("select state, done, total from app.job_run"))

    trial.work = work
    queue_one()
    start()
    assert seen == [("running", 3, 10)]


def test_a_failure_is_told_by_kind_and_place_and_never_by_its_message(
    trial: Trial, look: Look, start: Start
) -> None:
    trial.work = fail
    queue_one()
    with structlog.testing.capture_logs() as lines, pytest.raises(Again) as raised:
        start()
    error = look.one("select error from app.job_run where attempt = 1")
    assert error.startswith("ValueError at ")
    assert "test_runs.py:" in error
    assert raised.value.__cause__ is None
    everything = f"{lines}{raised.value}{look.rows('select r::text from app.job_run r')}"
    assert SECRET not in everything
    assert "ValueError" in str(lines)


def test_what_fails_is_tried_again_ever_later_and_then_given_up(
    trial: Trial, look: Look, start: Start
) -> None:
    trial.work = fail
    queue_one()
    waits = []
    for _ in range(2):
        before = clock.now()
        with pytest.raises(Again) as raised:
            start()
        waits.append(raised.value.at - before)
    with pytest.raises(GivenUp):
        start()
    assert look.runs() == [(1, "failed"), (2, "failed"), (3, "failed")]
    assert timedelta(seconds=10) <= waits[0] < timedelta(seconds=30) < waits[1] < timedelta(seconds=50)
    with pytest.raises(GivenUp):
        start()
    assert len(trial.runs) == 3


def test_what_is_done_is_not_done_again(trial: Trial, look: Look, start: Start) -> None:
    """A worker killed between the work and telling the queue leaves it there."""
    queue_one()
    start()
    start()
    assert len(trial.runs) == 1
    assert look.runs() == [(1, "succeeded")]


def test_a_run_whose_worker_died_is_lost_and_begun_anew(trial: Trial, look: Look, start: Start) -> None:
    queue_one()
    look.do("update app.job_run set state = 'running', started_at = now()")
    start()
    assert look.runs() == [(1, "lost"), (2, "succeeded")]
    assert len(trial.runs) == 1


def test_two_workers_never_do_the_same_at_once(app: Flask, trial: Trial, look: Look, start: Start) -> None:
    inside, go_on = Event(), Event()

    def work(_run: JobRun) -> None:
        inside.set()
        go_on.wait(10)

    trial.work = work
    queue_one()
    first = Thread(target=start)
    first.start()
    assert inside.wait(10)
    try:
        with pytest.raises(Again):
            start()
        with pytest.raises(Busy):
            run_here(registry.one("core.trial"), app=app)
        assert look.runs() == [(1, "running")]
    finally:
        go_on.set()
        first.join()
    assert look.runs() == [(1, "succeeded")]
    assert len(trial.runs) == 1


def test_a_paused_worker_that_ends_after_all_spares_the_next_attempt(
    trial: Trial, look: Look, start: Start
) -> None:
    def work(run: JobRun) -> None:
        del run
        look.do("update app.job_run set state = 'lost'")
        look.do(
            "insert into app.job_run (public_id, job, number, asked, state, attempt, asked_at)"
            " select 'bbbbbbbbbbbbbbbb', job, number, asked, 'waiting', 2, asked_at from app.job_run"
        )

    trial.work = work
    queue_one()
    start()
    assert look.runs() == [(1, "succeeded"), (2, "skipped")]


def test_the_lock_ends_with_the_run(trial: Trial, look: Look, start: Start) -> None:
    trial.work = fail
    queue_one()
    with pytest.raises(Again):
        start()
    # A session that was closed ends in a moment; to wait for its lock is to wait for that.
    look.do("set statement_timeout = '10s'")
    look.do("select pg_advisory_lock(hashtextextended(%s, 7203))", lock_of("core.trial", {}))
    look.do("select pg_advisory_unlock_all()")


def test_a_run_at_the_terminal_is_told_and_tried_once(app: Flask, trial: Trial, look: Look) -> None:
    trial.work = lambda _run: {"seen": 3}
    assert run_here(registry.one("core.trial"), app=app) == {"seen": 3}
    trial.work = fail
    with pytest.raises(GivenUp):
        run_here(registry.one("core.trial"), app=app)
    assert look.rows("select asked, number, state from app.job_run order by id") == [
        ("command", None, "succeeded"),
        ("command", None, "failed"),
    ]


def test_the_log_of_a_run_stays_small(trial: Trial, look: Look, start: Start) -> None:
    def work(run: JobRun) -> None:
        for number in range(runs.MOST_LINES + 5):
            run.say(f"{number} " + "x" * 1000)

    trial.work = work
    queue_one()
    start()
    lines = look.one("select log from app.job_run").splitlines()
    assert len(lines) == runs.MOST_LINES
    assert lines[0].startswith("5 ")
    assert {len(line) for line in lines} == {runs.LONGEST_LINE}
