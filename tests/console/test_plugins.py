"""Plugins in the console: what a founder is told of each before and after switching it."""

from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.jobs.models import Asked, JobRun, RunState
from backoffice.web import cookies
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World


@pytest.fixture
def founder(app: Flask, world: World) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token("founder"))
    return browser


def page(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return unescape(answer.text)


def test_each_says_what_it_adds_and_holds(founder: FlaskClient) -> None:
    text = page(founder, "/console/plugins/rosters")
    for said in ("Rosters", "Import finished", "backoffice rosters", "rosters:import", "every hour"):
        assert said in text
    assert "Roster upload" in text
    assert "personal and sealed" in text
    assert "up to date" in text


def test_its_health_tells_how_its_jobs_went(founder: FlaskClient) -> None:
    assert "has not run" in page(founder, "/console/plugins/rosters")
    now = clock.now()
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(JobRun).values(
                job="rosters.forget-uploads",
                state=RunState.FAILED,
                asked=Asked.SCHEDULE,
                attempt=1,
                asked_at=now,
                started_at=now,
                finished_at=now,
            )
        )
    text = page(founder, "/console/plugins/rosters")
    assert 'href="/console/jobs/rosters.forget-uploads"' in text
    assert "failed" in text


def test_consequences_are_told_before_and_a_reason_is_asked_for(founder: FlaskClient) -> None:
    asked = page(founder, "/console/plugins/trust/switch")
    for said in (
        "These jobs no longer run: Check the promises that are due.",
        "What it holds is kept.",
        "These pages stay: /security, /trust, /trust.json.",
        "the other founders are told",
    ):
        assert said in asked
    fields = {"csrf_token": form_token(asked), "wanted": "off"}
    refused = founder.post("/console/plugins/trust/switch", data=fields)
    assert (refused.status_code, "Say why, in a sentence." in refused.text) == (422, True)
    fields["reason"] = "It is being moved"
    done = founder.post("/console/plugins/trust/switch", data=fields, follow_redirects=True)
    assert "Trust is switched off." in done.text
    assert "It is being moved" in done.text
    back = {"csrf_token": form_token(done.text), "wanted": "on"}
    assert "Trust is switched on." in (
        founder.post("/console/plugins/trust/switch", data=back, follow_redirects=True).text
    )


def test_what_a_switch_does_not_stop_is_told(founder: FlaskClient) -> None:
    asked = page(founder, "/console/plugins/rosters/switch")
    assert "These jobs no longer run: Import an uploaded roster." in asked
    assert "is still forgotten, by these jobs: Delete old uploads, and names in old reports." in asked


def test_a_form_sent_twice_does_nothing_twice(founder: FlaskClient) -> None:
    token = form_token(page(founder, "/console/plugins/rosters/switch"))
    for _ in range(2):
        fields = {"csrf_token": token, "wanted": "off"}
        founder.post("/console/plugins/rosters/switch", data=fields)
    assert "Switch on" in page(founder, "/console/plugins/rosters")
    founder.post("/console/plugins/rosters/switch", data={"csrf_token": token, "wanted": "on"})
    assert "Switch off" in page(founder, "/console/plugins/rosters")
