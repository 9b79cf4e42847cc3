"""The page of the console, and that no switch stops what forgets."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.host.services import switch_plugin
from backoffice.jobs import registry
from backoffice.jobs.runs import Run
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.runtime import Runtime
from plugins.retention.jobs import WAITS
from tests.contract.pages import form_token
from tests.factories.visitor import field_value, signed_in
from tests.factories.world import SYSTEM, World, add_founder
from tests.privacy.retention.conftest import Sessions, Write

PAGE = "/console/retention/"
SECOND = timedelta(seconds=1)


def waits(kind: str = "worries") -> None:
    with transaction(SYSTEM) as tx:
        then = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
        run = {"kind": kind, "state": RunState.PAUSED, "due": 30, "total": 100, "gone": 0}
        tx.add(RetentionRun(**run, up_to=then, began_at=then))


def job(app: Flask) -> Run:
    run = Run(id=0, attempt=1, app=app, who=Purpose("retention.run"), arguments={})
    entry = registry.one("retention.run")
    run.counts = entry.job.work(run)  # type: ignore[attr-defined]
    return run


@pytest.mark.parametrize("role", ["founder", "leader", "officer"])
def test_what_went_and_what_will_is_shown(
    app: Flask, world: World, now: datetime, sessions: Sessions, role: str
) -> None:
    border = SESSIONS.before(now)
    sessions(border - SECOND, *(border + timedelta(days=2, minutes=each) for each in range(3)))
    client = signed_in(app, world, role)
    assert "Nothing, as far as it is known." in client.get(PAGE).text
    job(app)
    page = client.get(PAGE).text
    assert '<svg class="chart"' in page
    assert "Friday, 18 June" in page
    row = page.partition('href="/privacy/retention#adult-sessions"')[2].partition("</tr>")[0]
    counts = [cell.partition("</td>")[0].rpartition(">")[2] for cell in row.split('class="is-number"')[1:]]
    # At the next run, within a month, and gone.
    assert counts == ["0", "3", "1"]
    assert f'href="{PAGE}"' in client.get("/console/").text


@pytest.mark.parametrize("role", ["teacher", "helper", "parent"])
def test_nobody_else_sees_it(app: Flask, world: World, role: str) -> None:
    assert signed_in(app, world, role).get(PAGE).status_code == 404


def test_a_founder_lets_what_waits_go_on(app: Flask, world: World) -> None:
    waits()
    leader = signed_in(app, world, "leader").get(PAGE).text
    assert "this waits for a person" in leader
    assert "Erase all 30" not in leader
    client = signed_in(app, world, "founder")
    page = client.get(PAGE).text
    assert "30 of 100 would go at once, more than 5 %." in page
    data = {"csrf_token": form_token(page), "kind": "worries", "due": "29"}
    answer = client.post(f"{PAGE}go-on", data=data, follow_redirects=True)
    assert "It does not wait any more" in answer.text
    answer = client.post(f"{PAGE}go-on", data={**data, "due": "30"}, follow_redirects=True)
    assert "It goes on as soon as a worker is free." in answer.text
    assert "this waits for a person" not in answer.text
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(RetentionRun.state)) == RunState.RELEASED


def test_a_run_says_that_something_waits(app: Flask, world: World) -> None:
    # Over what its own job looks after; any other waits no longer than so much is due.
    waits("inactive-teachers")
    assert WAITS in job(app).lines


# -- changes of the policy

FILE_DIFFERS = "The file says something else than what was decided"
SHORTER = (
    'period = "P6M"\nclock = "When the child told it."',
    'period = "P4M"\nclock = "When the child told it."',
)


def test_one_founder_proposes_and_another_confirms(app: Flask, world: World, write: Write) -> None:
    add_founder(world, "founder_2", "Fay Founder")
    founder, second = signed_in(app, world, "founder"), signed_in(app, world, "founder_2")
    assert FILE_DIFFERS not in founder.get(PAGE).text
    digest = write(SHORTER)
    page = founder.get(PAGE).text
    assert FILE_DIFFERS in page
    assert "What children told" in page
    assert "<del>6 months</del> → <ins>4 months</ins>" in page
    assert "shorter" in page
    data = {"csrf_token": form_token(page), "digest": field_value(page, "digest")}
    assert data["digest"] == digest
    answer = founder.post(f"{PAGE}propose", data=data, follow_redirects=True)
    assert "It is proposed." in answer.text
    assert "Confirm it, and tell every school" not in answer.text
    answer = founder.post(f"{PAGE}confirm", data=data, follow_redirects=True)
    assert "You have proposed it yourself." in answer.text
    page = second.get(PAGE).text
    data["csrf_token"] = form_token(page)
    assert "Proposed by Robin Founder." in page
    assert "Confirm it, and tell every school" in page
    answer = second.post(f"{PAGE}confirm", data=data, follow_redirects=True)
    assert "It is decided, and schools are being told." in answer.text
    assert FILE_DIFFERS not in answer.text
    row = answer.text.partition('href="/privacy/retention#worries"')[2].partition("</tr>")[0]
    assert "4 months" in row


def test_a_founder_withdraws_what_waits(app: Flask, world: World, write: Write) -> None:
    founder = signed_in(app, world, "founder")
    data = {"digest": write(SHORTER)}
    data["csrf_token"] = form_token(founder.get(PAGE).text)
    founder.post(f"{PAGE}propose", data=data)
    answer = founder.post(f"{PAGE}withdraw", data=data, follow_redirects=True)
    assert "It is withdrawn." in answer.text
    assert "Propose it to a second founder" in answer.text


@pytest.mark.parametrize("role", ["leader", "officer"])
def test_nobody_else_sees_what_is_not_decided(app: Flask, world: World, write: Write, role: str) -> None:
    write(SHORTER)
    page = signed_in(app, world, role).get(PAGE).text
    assert FILE_DIFFERS not in page
    assert "4 months" not in page
    for door in ("propose", "confirm", "withdraw"):
        assert signed_in(app, world, role).post(f"{PAGE}{door}").status_code in {400, 404}


# -- switched off; the last, since it stays so


def test_switched_off_it_forgets_all_the_same(app: Flask, world: World, runtime: Runtime) -> None:
    entry = registry.one("retention.run")
    switch_plugin(
        principal=world.sign_in("founder"),
        installed=runtime.plugins,
        name="retention",
        enabled=False,
        reason="To see that it goes on",
    )
    with transaction(SYSTEM) as tx:
        assert not tx.enabled("retention")
        assert entry.is_on(tx)
    assert app.test_client().get("/privacy/retention").status_code == 200
