"""When jobs are due, and that each firing is taken once."""

from datetime import timedelta
from functools import partial
from threading import Barrier, Thread

import pytest

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.host import services as host
from backoffice.jobs import queries, registry
from backoffice.jobs.job import Job, daily
from backoffice.jobs.scheduler import fire_due, sync
from backoffice.runtime import Runtime
from tests.factories.world import SYSTEM, World
from tests.jobs.conftest import Look, Trial

pytestmark = pytest.mark.usefixtures("trial")


def queued(look: Look) -> list[str]:
    return [name for (name,) in look.rows("select task_name from queue.procrastinate_jobs order by id")]


def only_trial(look: Look) -> None:
    sync()
    look.do("delete from app.job_schedule where job <> 'core.trial'")


def test_a_new_job_is_due_at_once_and_one_that_only_waits_to_be_asked_never(look: Look) -> None:
    sync()
    rows = dict(look.rows("select job, next_at <= now() from app.job_schedule"))
    assert rows["trust.check"]
    timed = {name for name, entry in registry.installed().items() if entry.job.when is not None}
    assert "core.on-request" not in timed
    assert set(rows) == timed


def test_a_time_that_nobody_changed_follows_the_code(trial: Trial, look: Look) -> None:
    only_trial(look)
    look.do("update app.job_schedule set next_at = next_at - interval '1 hour'")
    registry.install({"core": (Job("trial", trial, daily(at="03:10")),)})
    sync()
    assert look.rows("select time, next_at > now() from app.job_schedule") == [("daily 03:10", True)]
    look.do("update app.job_schedule set changed_at = now(), time = 'every 2 hours'")
    sync()
    assert look.one("select time from app.job_schedule") == "every 2 hours"


def test_what_is_due_goes_into_the_queue_and_on_in_one_step(look: Look) -> None:
    only_trial(look)
    before = look.one("select next_at from app.job_schedule")
    assert fire_due() == 1
    assert queued(look) == ["core.trial"]
    assert look.rows("select asked, due_at, state from app.job_run") == [("schedule", before, "waiting")]
    next_at, last_at = look.rows("select next_at, last_at from app.job_schedule")[0]
    assert last_at < next_at <= last_at + timedelta(seconds=5)
    assert fire_due() == 0


def test_what_was_missed_is_made_up_for_once(look: Look) -> None:
    only_trial(look)
    look.do("update app.job_schedule set next_at = now() - interval '1 hour'")
    assert (fire_due(), fire_due()) == (1, 0)
    assert len(queued(look)) == 1


def test_a_firing_that_still_waits_stands_for_the_next(look: Look) -> None:
    only_trial(look)
    fire_due()
    look.do("update app.job_schedule set next_at = now() - interval '1 second'")
    assert fire_due() == 0
    assert len(queued(look)) == 1
    assert look.one("select next_at > now() from app.job_schedule")


ENDED = [
    "update queue.procrastinate_jobs set status = 'failed'",
    "delete from queue.procrastinate_jobs",
]


@pytest.mark.parametrize("ended", ENDED)
def test_a_firing_that_waits_for_nothing_stands_for_none(look: Look, ended: str) -> None:
    only_trial(look)
    fire_due()
    look.do(ended)
    look.do("update app.job_schedule set next_at = now() - interval '1 second'")
    assert fire_due() == 1
    assert look.one("select count(*) from queue.procrastinate_jobs where status = 'todo'") == 1


def test_many_schedulers_take_a_firing_once(look: Look) -> None:
    only_trial(look)
    for _ in range(5):
        look.do("update app.job_schedule set next_at = now() - interval '1 second'")
        look.do("delete from app.job_run")
        together = Barrier(4)
        fired: list[int] = []

        def tick(together: Barrier = together, fired: list[int] = fired) -> None:
            together.wait()
            fired.append(fire_due())

        threads = [Thread(target=tick) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(fired) == [0, 0, 0, 1]


def test_a_job_that_rests_is_not_fired(look: Look) -> None:
    only_trial(look)
    look.do("update app.job_schedule set paused_at = now()")
    assert fire_due() == 0


def test_rows_of_jobs_that_are_gone_are_passed_over(look: Look) -> None:
    look.do("insert into app.job_schedule (job, time, next_at) values ('gone.job', 'daily 03:10', now())")
    assert fire_due() == 0


def test_a_plugin_that_is_off_fires_nothing_and_once_when_it_is_on_again(
    runtime: Runtime, world: World, look: Look
) -> None:
    founder = world.sign_in("founder")
    switch = partial(
        host.switch_plugin, principal=founder, installed=runtime.plugins, name="trust", reason="To try it out"
    )
    sync()
    look.do("delete from app.job_schedule where job <> 'trust.trial'")
    switch(enabled=False)
    assert fire_due() == 0
    switch(enabled=True)
    assert (fire_due(), fire_due()) == (1, 0)
    assert queued(look) == ["trust.trial"]


def test_what_forgets_is_fired_whatever_is_switched_off(runtime: Runtime, world: World, look: Look) -> None:
    founder = world.sign_in("founder")
    switch = partial(host.switch_plugin, principal=founder, installed=runtime.plugins, name="rosters")
    sync()
    look.do("delete from app.job_schedule where job not like 'rosters.%'")
    switch(enabled=False)
    assert (fire_due(), queued(look)) == (1, ["rosters.forget-uploads"])
    switch(enabled=True)


def test_the_schedule_moves_only_with_the_job(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    only_trial(look)
    before = look.rows("select next_at, last_at from app.job_schedule")

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(queries, "note_run", fail)
    with pytest.raises(RuntimeError):
        fire_due()
    assert look.rows("select next_at, last_at from app.job_schedule") == before
    assert queued(look) == []


def test_times_of_the_schedule_are_the_clocks(look: Look) -> None:
    sync()
    with transaction(SYSTEM) as tx:
        assert all(row.next_at <= clock.now() for row in queries.schedules(tx).values())
    del look
