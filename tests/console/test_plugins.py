"""Plugins in the console: what a founder is told of each before and after switching it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import Field, SecretStr
from sqlalchemy import delete, insert

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.host.models import PluginHistory, PluginState
from backoffice.jobs.models import Asked, JobRun, RunState
from backoffice.plugin import PluginSettings
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
    for said in ("Rosters", "Roster import finished", "backoffice rosters", "rosters:import", "every hour"):
        assert said in text
    assert "Uploaded rosters" in text
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


@pytest.mark.parametrize(
    ("plugin", "title", "reason"), [("rosters", "Rosters", ""), ("trust", "Trust", "It is being moved")]
)
def test_what_somebody_else_has_switched_meanwhile_is_told_as_it_is(
    founder: FlaskClient, plugin: str, title: str, reason: str
) -> None:
    at = f"/console/plugins/{plugin}/switch"
    fields = {"csrf_token": form_token(page(founder, at)), "wanted": "off", "reason": reason}
    assert f"{title} is switched" in founder.post(at, data=fields, follow_redirects=True).text
    late = founder.post(at, data=fields, follow_redirects=True).text
    assert (f"{title} is off already." in late, f"{title} is switched" in late) == (True, False)
    fields["wanted"] = "on"
    assert f"{title} is switched" in founder.post(at, data=fields, follow_redirects=True).text
    late = founder.post(at, data=fields, follow_redirects=True).text
    assert (f"{title} is on already." in late, f"{title} is switched" in late) == (True, False)


SETTINGS = "/console/plugins/rosters/settings"


@pytest.fixture
def as_installed() -> Iterator[None]:
    """Nobody has set rosters before, nor behind it."""
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(PluginState).where(PluginState.name == "rosters"))
        tx.execute(delete(PluginHistory).where(PluginHistory.plugin == "rosters"))


def value(text: str, name: str) -> str:
    """What a field of a page is filled with."""
    (tag,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', text)
    (found,) = re.findall(r'value="([^"]*)"', tag)
    return str(found)


def opened(browser: FlaskClient) -> dict[str, str]:
    """The form as it stands, to be sent."""
    text = page(browser, SETTINGS)
    names = ("csrf_token", "seen", "upload_hours", "names_days")
    return {"csrf_token": form_token(text), **{name: value(text, name) for name in names[1:]}}


def plain(text: str) -> str:
    return re.sub(r"<[^>]+>", "", text)


@pytest.mark.usefixtures("as_installed")
def test_settings_say_what_is_not_the_default_and_lead_back_to_it(founder: FlaskClient) -> None:
    assert "Not the default" not in page(founder, SETTINGS)
    saved = founder.post(SETTINGS, data=opened(founder) | {"upload_hours": "7", "names_days": "5"})
    assert saved.status_code == 303
    text = page(founder, SETTINGS)
    assert text.count("Not the default") == 2
    assert "Use the default of Uploads wait at most: 24 hours" in plain(text)
    # One is filled in with its default and nothing is saved; what else was typed stays.
    reset = founder.post(SETTINGS, data=opened(founder) | {"names_days": "9", "reset": "upload_hours"})
    assert reset.status_code == 200
    assert (value(reset.text, "upload_hours"), value(reset.text, "names_days")) == ("24", "9")
    assert "Nothing is saved yet" in reset.text
    assert "7 hours" in page(founder, "/console/plugins/rosters")
    whole = founder.post(SETTINGS, data=opened(founder) | {"reset": "*"})
    assert (value(whole.text, "upload_hours"), value(whole.text, "names_days")) == ("24", "30")
    assert founder.post(SETTINGS, data=opened(founder) | {"reset": "wings"}).status_code == 404
    told = page(founder, "/console/plugins/rosters")
    assert re.search(r"<strong>Set</strong>: Reports show names for, Uploads wait at most", told)
    assert "by Robin Founder" in told


@pytest.mark.usefixtures("as_installed")
def test_a_setting_that_cannot_be_is_told_by_its_field_with_what_was_typed(founder: FlaskClient) -> None:
    answer = founder.post(SETTINGS, data=opened(founder) | {"upload_hours": "99"})
    assert answer.status_code == 422
    # As the field's help, by the field and on top.
    assert answer.text.count("From 1 to 24 hours.") == 3
    assert 'id="upload_hours-error"' in answer.text
    assert value(answer.text, "upload_hours") == "99"


class WithSecret(PluginSettings):
    """Something to get wrong beside a secret."""

    days: int = Field(3, ge=1, le=9)
    token: SecretStr = SecretStr("")


def test_a_secret_beside_an_error_is_asked_for_again(app: Flask, founder: FlaskClient) -> None:
    before = app.extensions["backoffice"]
    plugins = [
        replace(each, settings=WithSecret) if each.name == "rosters" else each for each in before.plugins
    ]
    app.extensions["backoffice"] = replace(before, plugins=tuple(plugins))
    said = "Type it again: it was not saved."
    try:
        form = page(founder, SETTINGS)
        sent = {"csrf_token": form_token(form), "seen": value(form, "seen"), "token": "s3cret"}
        for wrong, status in (({"days": "99"}, 422), ({"days": "5", "reset": "days"}, 200)):
            answer = founder.post(SETTINGS, data=sent | wrong)
            shown = (answer.status_code, said in answer.text, "s3cret" in answer.text)
            assert shown == (status, True, False)
        assert said not in founder.post(SETTINGS, data=sent | {"days": "99", "token": ""}).text
    finally:
        app.extensions["backoffice"] = before


@pytest.mark.usefixtures("as_installed")
def test_what_somebody_else_saved_meanwhile_is_shown_and_not_overwritten(founder: FlaskClient) -> None:
    mine, theirs = opened(founder), opened(founder)
    founder.post(SETTINGS, data=theirs | {"upload_hours": "7"})
    answer = founder.post(SETTINGS, data=mine | {"names_days": "5"})
    assert answer.status_code == 422
    assert "saved these settings while you had this page open" in answer.text
    assert re.findall(r"Saved meanwhile: (\d+ \w+)", plain(answer.text)) == ["7 hours", "30 days"]
    assert "7 hours" in page(founder, "/console/plugins/rosters")
    # Seen by now, it may be replaced.
    again = founder.post(SETTINGS, data=mine | {"names_days": "5", "seen": value(answer.text, "seen")})
    assert again.status_code == 303
    assert "24 hours (default)" in plain(page(founder, "/console/plugins/rosters"))


def test_return_saves_and_uses_no_default(founder: FlaskClient) -> None:
    """A browser presses the first button of a form."""
    form = page(founder, SETTINGS).split('class="card form-card settings"')[1]
    assert "name=" not in re.findall(r"<button[^>]*>", form)[0]


def test_promises_and_their_state_stand_by_the_plugin_that_looks_after_them(founder: FlaskClient) -> None:
    text = page(founder, "/console/plugins/trust")
    assert "Promises it looks after" in text
    assert "fall short or were not checked in time." in text
    assert "not kept or not checked in time" in page(founder, "/console/plugins/")
    assert "Promises it" not in page(founder, "/console/plugins/rosters")
