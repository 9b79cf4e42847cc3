"""What a dead worker leaves is freed, and no more often than it may be tried."""

from datetime import timedelta

import pytest

from backoffice.access.transaction import transaction
from backoffice.jobs.queue import defer
from backoffice.jobs.reaper import reap
from tests.factories.world import SYSTEM
from tests.jobs.conftest import Look

pytestmark = pytest.mark.usefixtures("trial")


@pytest.fixture
def taken(look: Look) -> int:
    """The number of a job that a silent worker has taken."""
    with transaction(SYSTEM) as tx:
        defer(tx, "core.trial")
    worker = look.one(
        "insert into queue.procrastinate_workers (last_heartbeat)"
        " values (now() - interval '1 minute') returning id"
    )
    number = look.one("select (queue.procrastinate_fetch_job_v2(null, %s)).id", worker)
    look.do("update app.job_run set state = 'running', started_at = now()")
    return int(number)


def job(look: Look) -> tuple[str, bool]:
    """State, and whether it is put off."""
    ((status, later),) = look.rows(
        "select status::text, scheduled_at > now() + interval '5 seconds' from queue.procrastinate_jobs"
    )
    return status, bool(later)


def test_a_dead_workers_job_waits_again_and_its_run_is_lost(look: Look, taken: int) -> None:
    assert reap() == 1
    assert job(look) == ("todo", False)
    assert look.runs() == [(1, "lost"), (2, "waiting")]
    assert look.one("select number from app.job_run where attempt = 2") == taken
    assert reap() == 0


def test_what_kills_its_workers_again_and_again_is_put_off(look: Look, taken: int) -> None:
    look.do("update app.job_run set attempt = 2")
    assert reap() == 1
    assert job(look) == ("todo", True)
    assert look.runs() == [(2, "lost"), (3, "waiting")]


def test_a_worker_that_gives_signs_of_life_keeps_its_job(look: Look, taken: int) -> None:
    look.do("update queue.procrastinate_workers set last_heartbeat = now()")
    assert reap() == 0
    assert reap(timedelta(0)) == 1


def test_a_worker_whose_row_is_gone_is_dead(look: Look, taken: int) -> None:
    look.do("delete from queue.procrastinate_workers")
    assert reap() == 1


def test_the_last_attempt_that_is_lost_is_the_end(look: Look, taken: int) -> None:
    look.do("update app.job_run set attempt = 3")
    assert reap() == 1
    assert job(look) == ("failed", False)
    assert look.runs() == [(3, "lost")]


def test_killed_between_the_work_and_telling_the_queue(look: Look, taken: int) -> None:
    look.do("update app.job_run set state = 'succeeded', finished_at = now()")
    assert reap() == 1
    assert look.one("select count(*) from queue.procrastinate_jobs") == 0
    assert look.runs() == [(1, "succeeded")]


def test_killed_between_a_failure_and_telling_the_queue(look: Look, taken: int) -> None:
    look.do("update app.job_run set state = 'failed', finished_at = now()")
    look.do(
        "insert into app.job_run (public_id, job, number, asked, state, attempt, asked_at)"
        " select 'bbbbbbbbbbbbbbbb', job, number, asked, 'waiting', 2, asked_at from app.job_run"
    )
    assert reap() == 1
    assert job(look) == ("todo", False)
    assert look.runs() == [(1, "failed"), (2, "waiting")]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("update queue.procrastinate_jobs set status = 'failed'", "lost"),
        ("delete from queue.procrastinate_jobs", "lost"),
        ("select queue.procrastinate_fetch_job_v2(null, null)", "waiting"),
        ("select 1", "waiting"),
    ],
)
def test_what_waits_for_a_job_that_is_not_in_the_queue_is_lost(look: Look, change: str, state: str) -> None:
    with transaction(SYSTEM) as tx:
        defer(tx, "core.trial")
    look.do(change)
    reap(timedelta(days=1))
    assert look.rows("select state, finished_at is not null from app.job_run") == [(state, state == "lost")]


def test_a_command_that_was_killed_is_lost_and_one_that_works_is_not(look: Look) -> None:
    look.do(
        "insert into app.job_run (public_id, job, asked, state, attempt, asked_at)"
        " values ('bbbbbbbbbbbbbbbb', 'core.trial', 'command', 'running', 1, now())"
    )
    look.do("select pg_advisory_lock(hashtextextended('core.trial', 7203))")
    reap()
    assert look.runs() == [(1, "running")]
    look.do("select pg_advisory_unlock_all()")
    reap()
    assert look.runs() == [(1, "lost")]
