"""The Jobs page: what founders see and do, and that a time can be set without knowing how it is written."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.audit.models import AuditEntry
from backoffice.jobs import registry, services
from backoffice.jobs.models import JobRun, JobSchedule, QueuedJob, RunState
from backoffice.jobs.scheduler import sync
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from tests.factories.statements import statements
from tests.factories.visitor import field_value, form_token, send, signed_in
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
    assert re.search(r"[2-4] minutes ago", page)
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


def test_nobody_sets_a_time_over_another(founder: FlaskClient) -> None:
    opened = founder.get(f"{PAGE}/time").text
    seen = {"csrf_token": form_token(opened), "seen": field_value(opened, "seen")}
    mine = {"how": "every", "count": "7", "on": "monday", "unit": "minute", "at": ""}
    send(founder, f"{PAGE}/time", {**mine, "how": "daily", "at": "04:50"})
    late = founder.post(f"{PAGE}/time", data=seen | mine)
    assert (late.status_code, "now it is every day at 04:50" in late.text) == (422, True)
    assert row().time == "daily 04:50"
    seen["seen"] = field_value(late.text, "seen")
    assert founder.post(f"{PAGE}/time", data=seen | mine).status_code == 303
    assert row().time == "every 7 minutes"


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


def add_runs(*runs: dict[str, Any]) -> None:
    now = clock.now()
    with transaction(SYSTEM) as tx:
        for number, run in enumerate(runs):
            at = run.pop("at", now - timedelta(minutes=len(runs) - number))
            values = {"job": JOB, "asked": "schedule", "attempt": 1, "state": RunState.SUCCEEDED, **run}
            values |= {"asked_at": at, "started_at": at, "finished_at": at + timedelta(seconds=1)}
            tx.execute(insert(JobRun).values(values))


@pytest.fixture
def only_these() -> Iterator[None]:
    """Runs that a test adds are gone behind it."""
    with transaction(SYSTEM) as tx:
        last = tx.scalar(select(func.max(JobRun.id))) or 0
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(JobRun).where(JobRun.id > last))


@pytest.mark.usefixtures("only_these")
def test_a_glance_tells_how_all_are_and_narrows_the_list(founder: FlaskClient) -> None:
    add_runs({"state": RunState.FAILED, "error": "ValueError at a.py:1", "job": "core.forget-mail"})
    with transaction(SYSTEM) as tx:
        late = clock.now() - timedelta(minutes=16)
        tx.execute(update(JobSchedule).where(JobSchedule.job == JOB).values(next_at=late))
        tx.execute(
            update(JobSchedule).where(JobSchedule.job == "core.forget-tries").values(paused_at=clock.now())
        )
    page = founder.get("/console/jobs/").text
    glances = dict(re.findall(r'state=(\w+)">[^<]+</a></h2><p class="tile-value">(\d+)<', page))
    assert glances == {"failed": "1", "late": "1", "resting": "1"}
    assert "Runs are kept for 30 days after they end." in page
    # The job that is due longest is the next.
    assert f'<h2><a href="{PAGE}">Next</a></h2>' in page
    assert 'aria-label="One run: 1 failed."' in page
    # What goes wrong stands first.
    listed = re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)<', page)
    assert set(listed[:2]) == {"Forget old mails", "Check the promises that are due"}
    for word, title in (
        ("failed", "Forget old mails"),
        ("late", "Check the promises that are due"),
        ("resting", "Forget counts of tries whose time is over"),
    ):
        narrowed = founder.get(f"/console/jobs/?state={word}").text
        table = narrowed[narrowed.index("<table") : narrowed.index("</table>")]
        assert re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)<', table) == [title]
    assert founder.get("/console/jobs/?state=wrong").text.count('<th scope="row">') == 2
    assert "No job is so at this moment." in founder.get("/console/jobs/?state=running").text
    assert founder.get("/console/jobs/?state=odd").status_code == 404


@pytest.mark.usefixtures("only_these")
def test_runs_are_narrowed_by_state_and_day_and_paged(founder: FlaskClient) -> None:
    old = clock.now() - timedelta(days=3)
    add_runs(
        *({"counts": f"number: {number}"} for number in range(60)),
        {"state": RunState.FAILED, "error": "ValueError at a.py:1", "at": old},
    )

    def shown(address: str) -> list[str]:
        return re.findall(r"number: (\d+)", founder.get(address).text)

    first = founder.get(PAGE).text
    assert shown(PAGE)[:2] == ["59", "58"]
    older = unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    assert shown(older)[-1] == "0"
    assert set(shown(PAGE)).isdisjoint(shown(older))
    failed = founder.get(f"{PAGE}?state=failed").text
    assert "number:" not in failed
    # Told as the last failure, and in the list.
    assert failed.count("ValueError at a.py:1") == 2
    day = old.date().isoformat()
    that_day = founder.get(f"{PAGE}?from={day}&until={day}").text
    assert that_day.count("ValueError at a.py:1") == 2
    assert "number:" not in that_day
    assert "No run fits." in founder.get(f"{PAGE}?state=lost").text
    second = founder.get(f"{PAGE}?state=succeeded").text
    assert "state=succeeded" in re.findall(r'rel="next" href="([^"]+)"', second)[0]
    for odd in ("state=odd", "from=yesterday", "until=9999-12-31", "from=0001-01-01"):
        assert founder.get(f"{PAGE}?{odd}").status_code == 404
    assert founder.get(f"{PAGE}?after=a.b&before=x").status_code == 200


@pytest.mark.usefixtures("only_these")
def test_days_are_told_in_pictures_and_in_a_table_behind(founder: FlaskClient) -> None:
    at = clock.now() - timedelta(days=2)
    add_runs({"at": at}, {"at": at}, {"at": at, "state": RunState.LOST})
    page = founder.get(PAGE).text
    row = re.findall(rf'from={at.date()}[^>]+>[^<]+</a></th>((?:<td class="is-number">[^<]*</td>)+)', page)[0]
    assert re.findall(r">([^<]*)</td>", row) == ["3", "1", "1.0 s", "1.0 s"]
    assert page.count('role="img"') == 3
    assert "Last failure" in page
    assert "its worker died" in page


def test_what_waits_too_long_for_a_worker_is_told(founder: FlaskClient) -> None:
    send(founder, f"{PAGE}/run", {}, page=PAGE)
    page = founder.get(PAGE).text
    assert "Waits for a worker" in page
    assert "No worker has taken it yet." not in page
    # Looked at again by itself, but not a page of failures from under its reader.
    assert "data-reload" in page
    assert "data-reload" not in founder.get(f"{PAGE}?state=failed").text
    # Nor for ever, or where others use the computer: each look counts as being there.
    assert 'data-reload-for="180"' in page
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(idle_minutes=10))
    page = founder.get(PAGE).text
    assert ("data-reload" in page, "Look again" in page) == (False, True)
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(idle_minutes=60))
    with transaction(SYSTEM) as tx:
        old = clock.now() - timedelta(minutes=20)
        tx.execute(update(JobRun).where(JobRun.state == RunState.WAITING).values(asked_at=old))
    assert "No worker has taken it yet." in founder.get(PAGE).text


@pytest.mark.usefixtures("only_these")
def test_what_a_page_costs_does_not_grow_with_its_runs(founder: FlaskClient, runtime: Runtime) -> None:
    def cost(address: str) -> int:
        with statements(runtime) as asked:
            assert founder.get(address).status_code == 200
        return len(asked)

    addresses = ("/console/jobs/", PAGE, "/console/plugins/", "/console/plugins/trust")
    add_runs({})
    before = [cost(each) for each in addresses]
    add_runs(*({} for _ in range(40)))
    assert [cost(each) for each in addresses] == before
