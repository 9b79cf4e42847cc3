"""The Jobs page: what founders see and do, and that a time can be set without knowing how it is written."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.jobs import registry, services
from backoffice.jobs.models import JobRun, JobSchedule, QueuedJob, RunState
from backoffice.jobs.scheduler import sync
from backoffice.problems import Rejected
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

JOB = "trust.check"
PAGE = f"/console/jobs/{JOB}"


@pytest.fixture(autouse=True)
def _as_installed(world: World) -> Iterator[None]:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(JobSchedule))
    sync()
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(JobRun).where(JobRun.state == RunState.WAITING))


@pytest.fixture
def founder(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "founder")


def row() -> JobSchedule:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(JobSchedule).where(JobSchedule.job == JOB)).one()


def audited(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == verb)) or 0


def test_every_job_is_listed_with_its_time_and_last_run(founder: FlaskClient) -> None:
    page = founder.get("/console/jobs/").text
    for entry in registry.installed().values():
        assert entry.title in page
        assert entry.job.when is None or entry.job.when.words[1:] in page
    assert "2 minutes ago" in page
    assert "60.0 s" in page or "1 minute" in page


def test_a_jobs_page_tells_its_runs(founder: FlaskClient) -> None:
    page = founder.get(PAGE).text
    assert "checked: 12" in page
    assert "Looked at every promise." in page
    assert "asked by a founder" in page


def test_run_now_is_one_run_however_often_it_is_pressed(founder: FlaskClient) -> None:
    before = audited("jobs.run")
    for _ in range(2):
        answer = send(founder, f"{PAGE}/run", {}, page=PAGE)
        assert answer.status_code == 303
    with transaction(SYSTEM) as tx:
        runs = tx.scalars(select(JobRun).where(JobRun.state == RunState.WAITING)).all()
    assert [(run.job, run.asked) for run in runs] == [(JOB, "person")]
    assert audited("jobs.run") == before + 1
    assert "Waiting" in founder.get(PAGE).text


def test_run_now_is_not_answered_with_a_run_that_never_comes(world: World) -> None:
    founder = world.sign_in("founder")
    first = services.run_now(principal=founder, job=JOB)
    with transaction(SYSTEM) as tx:
        tx.execute(update(QueuedJob).values(status="failed"))
    assert services.run_now(principal=founder, job=JOB) != first


def test_pausing_and_resuming(founder: FlaskClient, world: World) -> None:
    send(founder, f"{PAGE}/pause", {}, page=PAGE)
    assert (row().paused_at is not None, row().paused_by) == (True, world.people["founder"].id)
    assert "Paused" in founder.get("/console/jobs/").text
    with transaction(SYSTEM) as tx:
        tx.execute(update(JobSchedule).values(next_at=clock.now() - timedelta(days=1)))
    send(founder, f"{PAGE}/resume", {}, page=PAGE)
    assert (row().paused_at, row().paused_by) == (None, None)
    assert row().next_at > clock.now()
    assert audited("jobs.pause") == audited("jobs.resume") == 1


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"how": "daily", "at": "03:10"}, "daily 03:10"),
        ({"how": "weekly", "on": "sunday", "at": "04:00"}, "weekly sunday 04:00"),
        ({"how": "every", "count": "15", "unit": "minute"}, "every 15 minutes"),
        ({"how": "every", "count": "1", "unit": "hour"}, "every 1 hour"),
    ],
)
def test_a_time_is_chosen_and_not_written(founder: FlaskClient, fields: dict[str, str], text: str) -> None:
    whole = {"on": "monday", "unit": "minute", "at": "", "count": "", **fields}
    assert send(founder, f"{PAGE}/time", whole).status_code == 303
    assert row().time == text
    assert row().changed_at is not None
    assert clock.now() < row().next_at
    # The form shows what is set.
    page = founder.get(f"{PAGE}/time").text
    chosen = next(tag for tag in re.findall(r"<input[^>]*>", page) if f'value="{fields["how"]}"' in tag)
    assert "checked" in chosen
    assert all(f'value="{value}"' in page for value in fields.values())


def test_back_to_how_it_was_installed(founder: FlaskClient) -> None:
    whole = {"on": "monday", "unit": "minute", "at": "03:10", "count": "", "how": "daily"}
    send(founder, f"{PAGE}/time", whole)
    send(founder, f"{PAGE}/time", {**whole, "how": "as-installed"})
    assert (row().time, row().changed_at, row().changed_by) == ("every 5 minutes", None, None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"how": "daily"}, "Write a time of day"),
        ({"how": "every"}, "Write a number from 1 to 999."),
        ({"how": "every", "count": "0"}, "Write a number from 1 to 999."),
        ({"how": "daily", "at": "25:00"}, "Not a valid time value."),
        ({"how": "sometimes"}, "Not a valid choice"),
    ],
)
def test_what_is_no_time_is_told_beside_its_field(
    founder: FlaskClient, fields: dict[str, str], sentence: str
) -> None:
    whole = {"on": "monday", "unit": "minute", "at": "", "count": "", **fields}
    answer = send(founder, f"{PAGE}/time", whole)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert row().time == "every 5 minutes"


@pytest.mark.parametrize("role", ["leader", "teacher", "officer", "parent"])
def test_nobody_else_gets_in(app: Flask, world: World, role: str) -> None:
    browser = signed_in(app, world, role)
    for address in ("/console/jobs/", PAGE, f"{PAGE}/time"):
        assert browser.get(address).status_code == 404
    who = world.sign_in(role)
    with pytest.raises(Denied):
        services.run_now(principal=who, job=JOB)
    for verb in (services.pause_job, services.resume_job):
        with pytest.raises(NotFound):
            verb(principal=who, job=JOB)
    with pytest.raises(NotFound):
        services.change_time(principal=who, job=JOB, time="daily 03:10")


def test_a_job_that_is_not_there(founder: FlaskClient, world: World) -> None:
    assert founder.get("/console/jobs/core.other").status_code == 404
    with pytest.raises(NotFound):
        services.run_now(principal=world.sign_in("founder"), job="core.other")


def test_a_time_in_words_that_say_none_is_rejected(world: World) -> None:
    with pytest.raises(Rejected, match="Write the time as one of"):
        services.change_time(principal=world.sign_in("founder"), job=JOB, time="often")


def test_moments_are_told_relative_and_exact(founder: FlaskClient) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(JobSchedule)
            .where(JobSchedule.job == JOB)
            .values(next_at=clock.now() + timedelta(hours=3, minutes=20))
        )
    due = row().next_at.astimezone(UTC)
    page = founder.get(PAGE).text
    assert "in 3 hours" in page
    assert f'datetime="{due.isoformat()}"' in page
    assert f"{due.day} {due:%B %Y, %H:%M:%S}" in page
    assert isinstance(due, datetime)
