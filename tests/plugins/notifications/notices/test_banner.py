"""A banner that is up is on the home page in every process at once, whatever is switched off."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.host.services import switch_plugin
from backoffice.runtime import Runtime
from backoffice.web import cookies
from plugins.notifications.notices import services
from plugins.notifications.notices.models import Audience
from tests.factories.statements import statements
from tests.factories.world import World
from tests.plugins.notifications.notices.conftest import (
    ENGLISH,
    HEADING,
    SPANISH,
    Founders,
    let_out,
    propose,
)


@pytest.fixture
def home(app: Flask) -> FlaskClient:
    return app.test_client()


def test_it_is_up_from_its_approval_to_its_end_in_every_process(
    runtime: Runtime, home: FlaskClient, founders: Founders, incident: str
) -> None:
    other = build(replace(runtime)).test_client()
    notice = propose(founders[0], incident, Audience.BANNER)
    assert HEADING not in home.get("/").text
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    for browser in (home, other):
        page = browser.get("/").text
        assert HEADING in page
        assert ENGLISH["contact"] in page
        assert SPANISH["heading"] not in page
    services.take_down(principal=founders[0], notice=notice, reason="Everybody has been told")
    for browser in (home, other):
        assert HEADING not in browser.get("/").text


def test_it_is_read_in_the_own_language(home: FlaskClient, founders: Founders, incident: str) -> None:
    let_out(founders, incident, Audience.BANNER)
    let_out(founders, incident, Audience.BANNER, {"en": {**ENGLISH, "heading": "A second banner"}})
    page = home.get("/", headers={"Accept-Language": "es"}).text
    assert SPANISH["heading"] in page
    assert '<div lang="en">\n<h2 class="notice-title">A second banner' in page


def test_no_switch_takes_it_down(
    runtime: Runtime, home: FlaskClient, founders: Founders, incident: str
) -> None:
    let_out(founders, incident, Audience.BANNER)
    for enabled in (False, True):
        switch_plugin(
            principal=founders[0],
            installed=runtime.plugins,
            name="notifications",
            enabled=enabled,
            reason="To see that it stays",
        )
        assert HEADING in home.get("/").text


def test_a_drill_is_shown_to_nobody(home: FlaskClient, founders: Founders, drill: str) -> None:
    let_out(founders, drill, Audience.BANNER)
    assert HEADING not in home.get("/").text


def test_what_is_written_stays_text(home: FlaskClient, founders: Founders, incident: str) -> None:
    hostile = {name: f"<script>{name}</script>" for name in ENGLISH} | {"contact": "<b>a@b.example</b>"}
    let_out(founders, incident, Audience.BANNER, {"en": hostile})
    page = home.get("/").text
    assert "&lt;script&gt;which&lt;/script&gt;" in page
    assert "<script>w" not in page
    assert "<b>a@b" not in page


def test_the_home_page_asks_one_question_more_at_most(
    runtime: Runtime, home: FlaskClient, world: World, founders: Founders, incident: str
) -> None:
    home.get("/")
    with statements(runtime) as asked:
        home.get("/")
    assert len(asked) == 1
    let_out(founders, incident, Audience.BANNER)
    with statements(runtime) as with_one:
        home.get("/")
    assert len(with_one) == 1
    home.set_cookie(cookies.ACCOUNT, world.token("teacher"))
    with statements(runtime) as signed_in:
        home.get("/")
    assert len([each for each in signed_in if "banners_up" in each]) == 1


def test_everybody_reads_what_is_up_and_nothing_else_of_it(
    world: World, founders: Founders, incident: str
) -> None:
    propose(founders[0], incident, Audience.BANNER)
    let_out(founders, incident, Audience.STAFF)
    shown = func.plugin_notifications.banners_up().table_valued("template", "template_version", "said")
    with transaction(Principal(Nobody())) as tx:
        assert tx.execute(select(shown)).all() == []
    let_out(founders, incident, Audience.BANNER)
    for who in (Principal(Nobody()), world.sign_in("teacher")):
        with transaction(who) as tx:
            (row,) = tx.execute(select(shown)).all()
        assert (row.template, row.template_version) == ("breach-banner", 1)
