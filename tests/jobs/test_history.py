"""How jobs ran: the newest runs, day by day, the last failure, and in one word how each is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import delete, insert

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.jobs import history, registry
from backoffice.jobs.health import LATE_AFTER, Condition, Health, conditions
from backoffice.jobs.kinds import days_kept
from backoffice.jobs.models import JobRun, JobSchedule, RunState
from tests.factories.world import SYSTEM, World

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
OFTEN, SELDOM = "core.send-mail", "core.forget-mail"


@pytest.fixture(autouse=True)
def _at_noon(world: World) -> Iterator[None]:
    del world
    with time_machine.travel(NOW, tick=False):
        with transaction(SYSTEM) as tx:
            tx.execute(delete(JobRun))
            tx.execute(delete(JobSchedule))
        yield


@pytest.fixture(scope="module")
def founder(world: World) -> Principal:
    with time_machine.travel(NOW, tick=False):
        return world.sign_in("founder")


def ran(at: datetime, *, took: float | None = 1.0, job: str = OFTEN, **more: Any) -> None:
    state = more.pop("state", RunState.SUCCEEDED)
    values = {"job": job, "asked": "schedule", "state": state, "attempt": 1, "asked_at": at, **more}
    if state != RunState.WAITING:
        values["started_at"] = at
        values["finished_at"] = at + timedelta(seconds=took) if took is not None else None
    with transaction(SYSTEM) as tx:
        tx.execute(insert(JobRun).values(values))


def scheduled(next_at: datetime, *, job: str = OFTEN, **more: Any) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(insert(JobSchedule).values(job=job, time="every 1 minute", next_at=next_at, **more))


def how(founder: Principal) -> Condition:
    with transaction(founder) as tx:
        return conditions(tx, {OFTEN: registry.one(OFTEN)})[0]


def test_the_newest_of_each_job_and_no_more(founder: Principal) -> None:
    for number in range(4):
        ran(NOW - timedelta(hours=4 - number), took=number)
    ran(NOW - timedelta(days=3), job=SELDOM, state=RunState.FAILED)
    ran(NOW, state=RunState.WAITING)
    with transaction(founder) as tx:
        found = history.newest(tx, jobs=[OFTEN, SELDOM, "core.other"], most=3)
    assert [mark.took.total_seconds() for mark in found[OFTEN]] == [3, 2, 1]
    assert [mark.state for mark in found[SELDOM]] == [RunState.FAILED]
    assert set(found) == {OFTEN, SELDOM}


def test_days_begin_where_the_reader_is(world: World, founder: Principal) -> None:
    del world
    zone = ZoneInfo(founder.time_zone)
    yesterday = NOW.astimezone(zone).date() - timedelta(days=1)
    midnight = datetime.combine(yesterday, time(), zone).astimezone(UTC)
    for seconds in (1, 2, 30):
        ran(midnight + timedelta(minutes=1), took=seconds)
    ran(midnight - timedelta(minutes=1), took=9)
    ran(midnight + timedelta(minutes=2), state=RunState.FAILED, took=500)
    ran(midnight + timedelta(minutes=3), state=RunState.LOST, took=500)
    ran(midnight + timedelta(minutes=4), job=SELDOM)
    with transaction(founder) as tx:
        days = history.by_day(tx, jobs=[OFTEN], days=3)
        failures = history.failures(tx, days=3)
    before, that_day, today = days
    assert (before.runs, before.worst) == (1, timedelta(seconds=9))
    assert (that_day.runs, that_day.failed) == (5, 2)
    # What failed says nothing of how long the work takes.
    assert (that_day.median, that_day.worst) == (timedelta(seconds=2), timedelta(seconds=30))
    assert (today.runs, today.median) == (0, None)
    assert [day.day for day in days] == list(failures)
    assert list(failures.values()) == [0, 2, 0]


def test_a_month_is_shown_and_what_is_older_is_not(founder: Principal) -> None:
    ran(NOW - timedelta(days=40))
    with transaction(founder) as tx:
        days = history.by_day(tx, jobs=[OFTEN])
    assert len(days) == days_kept()
    assert days[-1].day == date(2027, 3, 10)
    assert sum(day.runs for day in days) == 0


def test_the_last_that_went_wrong_is_found_behind_those_that_went_well(founder: Principal) -> None:
    ran(NOW - timedelta(days=3), state=RunState.LOST)
    ran(NOW - timedelta(days=2), state=RunState.FAILED, error="ValueError at a.py:1")
    ran(NOW - timedelta(days=1))
    with transaction(founder) as tx:
        found = history.last_wrong(tx, job=OFTEN)
        assert history.last_wrong(tx, job=SELDOM) is None
    assert found is not None
    assert found.error == "ValueError at a.py:1"


def test_what_waits_is_counted_with_the_oldest(founder: Principal) -> None:
    for minutes in (1, 9, 4):
        ran(NOW - timedelta(minutes=minutes), state=RunState.WAITING)
    ran(NOW - timedelta(hours=1), state=RunState.WAITING, job=SELDOM)
    # Tried again later and later, it says nothing of the workers.
    ran(NOW - timedelta(hours=9), state=RunState.WAITING, attempt=2)
    with transaction(founder) as tx:
        assert history.waiting(tx, jobs=[OFTEN], most=10) == history.Waiting(4, NOW - timedelta(minutes=9))
        assert history.waiting(tx, jobs=[OFTEN, SELDOM], most=1).count == 2


def test_one_word_says_how_a_job_is(founder: Principal) -> None:
    assert how(founder).health is Health.NEVER
    ran(NOW - timedelta(minutes=3))
    assert how(founder).health is Health.GOOD
    scheduled(NOW - LATE_AFTER)
    assert how(founder).health is Health.GOOD
    with time_machine.travel(NOW + timedelta(seconds=1), tick=False):
        assert how(founder).health is Health.LATE
    ran(NOW, state=RunState.RUNNING, took=None)
    assert how(founder).health is Health.RUNNING
    ran(NOW, state=RunState.LOST)
    assert how(founder).health is Health.FAILED
    with transaction(SYSTEM) as tx:
        tx.execute(delete(JobSchedule))
    scheduled(NOW - timedelta(days=1), paused_at=clock.now())
    assert how(founder).health is Health.RESTING
    assert how(founder).next_at is None
