"""Drills in the console: begun, answered, scored, and shown beside the one before."""

import re
from datetime import timedelta

import time_machine
from flask import Flask

from plugins.notifications.drills.scripts import SCRIPTS
from plugins.notifications.services import close_incident
from tests.contract.pages import form_token
from tests.factories.world import World
from tests.plugins.notifications.conftest import Opens
from tests.plugins.notifications.drills.conftest import events_of, go_on, play
from tests.plugins.notifications.notices.conftest import Founders
from tests.plugins.notifications.notices.test_pages import HERE, signed_in

WHY = "All is done"


def test_a_drill_is_begun_and_what_comes_in_is_answered(app: Flask, world: World, founders: Founders) -> None:
    del founders
    one = signed_in(app, world, "founder")
    page = one.get(f"{HERE}drills").text
    assert page.count("Play it") == len(SCRIPTS)
    # Another script from the same page begins another drill.
    forms = re.findall(r'name="form"[^>]*value="([^"]+)"', page)
    assert len(set(forms)) == len(SCRIPTS)
    asked = {"csrf_token": form_token(page), "form": forms[2]}
    unknown = one.post(f"{HERE}drills/play", data={**asked, "script": "x"}, follow_redirects=True).text
    assert "Choose one of the scripts." in unknown
    begun = one.post(f"{HERE}drills/play", data={**asked, "script": "mail-service"})
    made = begun.headers["Location"].rsplit("/", 1)[1]
    page = one.get(f"{HERE}{made}").text
    assert "An hour of it is a minute" in page
    assert "data-reload=" in page
    for each in ("", "/facts", "/note", "/close", "/notices", "/notices/new?audience=staff", "/drill"):
        assert "DRILL: nothing of it is real" in one.get(f"{HERE}{made}{each}").text
    assert "This came in:" not in page
    first = events_of(made)[0]
    answer = f"{HERE}drills/events/{first.public_id}"
    assert one.get(answer).status_code == 404
    with time_machine.travel(first.comes_at + timedelta(seconds=5), tick=True):
        page = one.get(f"{HERE}{made}").text
        assert f"This came in: {SCRIPTS[2].events[0].said}" in page
        assert answer in page
        asked = {"csrf_token": form_token(one.get(answer).text), "answer": "<b>We</b> ask them"}
        answered = one.post(answer, data=asked, follow_redirects=True).text
        assert "&lt;b&gt;We&lt;/b&gt; ask them" in answered
        assert "Score so far:" in answered
        assert "data-reload=" in answered
        assert "This came in:" not in one.get(f"{HERE}{made}").text
        assert one.post(answer, data=asked).status_code == 422


def test_a_closed_drill_stands_beside_the_one_before(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    before, made = play(founders[0], "guessed-password"), play(founders[0], "stolen-laptop")
    for each in (before, made):
        go_on(each, timedelta(minutes=5))
        close_incident(principal=founders[0], incident=each, reason=WHY, although_open=True)
    page = one.get(f"{HERE}{made}/drill").text
    assert "The drill before scored 0: A teacher&#39;s password was guessed" in page
    assert "Score: 0 of 100" in page
    assert "data-reload=" not in page
    assert "The disk was encrypted" in page
    assert "/drills/events/" not in page
    listed = one.get(f"{HERE}drills").text
    assert listed.count("Drill: ") == 2


def test_a_real_incident_has_no_page_of_a_drill(app: Flask, world: World, opens: Opens) -> None:
    one = signed_in(app, world, "founder")
    made = opens()
    assert one.get(f"{HERE}{made}/drill").headers["Location"] == f"{HERE}{made}"
    page = one.get(f"{HERE}{made}").text
    assert "/drill" not in page
    assert "DRILL" not in page
    assert "data-reload=" not in page
