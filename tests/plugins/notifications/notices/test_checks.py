"""The promises that people are told of a breach: on the home page, by mail, and their schools directly."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.controls.check import Finding, Looking, State
from backoffice.schools.models import District, School, SchoolKind
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import checks, queries, sending
from plugins.notifications.notices.models import Audience, Notice, NoticeDelivery
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import WORKER, Founders, let_out, opened


def look(app: Flask, check: Callable[[Looking], Finding]) -> Finding:
    with transaction(Purpose("trust.check")) as tx:
        return check(Looking(app, app.extensions["backoffice"].settings, tx))


def rows() -> list[int]:
    with transaction(SYSTEM) as tx:
        return [tx.scalar(select(func.count()).select_from(each)) or 0 for each in (Incident, Notice)]


def test_a_banner_that_is_tried_out_is_read_and_leaves_nothing(app: Flask, founders: Founders) -> None:
    del founders
    before = rows()
    found = look(app, checks.breach_homepage)
    assert found.state is State.HOLDS, found.evidence
    assert "0 banners up" in found.evidence
    assert rows() == before


def test_it_is_tried_by_the_name_under_which_the_site_is_known(
    app: Flask, founders: Founders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under another name no page of it opens, and no address is made."""
    del founders
    monkeypatch.setattr(app, "own_hosts", {"school.example"})
    named = app.extensions["backoffice"].settings.model_copy(update={"base_url": "https://school.example"})
    with transaction(Purpose("trust.check")) as tx:
        found = checks.breach_homepage(Looking(app, named, tx))
    assert found.state is State.HOLDS, found.evidence


def test_a_banner_that_does_not_come_up_falls_short(
    app: Flask, founders: Founders, monkeypatch: pytest.MonkeyPatch
) -> None:
    del founders
    monkeypatch.setattr(queries, "approve_alone", lambda *_args, **_named: True)
    assert look(app, checks.breach_homepage).state is State.FALLS_SHORT


def test_a_home_page_that_leaves_the_banner_out_falls_short(app: Flask, founders: Founders) -> None:
    del founders
    shown: Any = app.view_functions["web.home"]
    app.view_functions["web.home"] = lambda: shown().replace(checks.TRIED, "")
    try:
        assert look(app, checks.breach_homepage).state is State.FALLS_SHORT
    finally:
        app.view_functions["web.home"] = shown


def test_a_school_that_is_found_to_be_concerned_later_is_to_be_told(
    app: Flask, founders: Founders, incident: str
) -> None:
    let_out(founders, incident, Audience.STAFF)
    sending.send_notices(WORKER, progress=lambda _done: None)
    now = clock.now()

    def concerned(at: datetime) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Notice).values(sent_at=now - timedelta(days=2)))
            tx.execute(update(ConcernedSchool).values(concerned_at=at))

    for hours, state in ((49, State.HOLDS), (25, State.FALLS_SHORT), (23, State.HOLDS)):
        concerned(now - timedelta(hours=hours))
        assert look(app, checks.breach_email).state is state
    concerned(now - timedelta(hours=25))
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(told_at=now))
    assert look(app, checks.breach_email).state is State.HOLDS
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(told_at=None, shown_at=None))
    assert look(app, checks.breach_email).state is State.FALLS_SHORT
    let_out(founders, incident, Audience.STAFF)
    sending.send_notices(WORKER, progress=lambda _done: None)
    assert look(app, checks.breach_email).state is State.HOLDS


def test_without_a_founder_no_banner_can_be_tried(app: Flask, founders: Founders) -> None:
    del founders
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).values(founder=False))
    assert look(app, checks.breach_homepage).state is State.NOT_EXERCISED


def test_numbers_of_the_newest_that_was_mailed(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    assert look(app, checks.breach_email).state is State.NOT_EXERCISED
    let_out(founders, incident, Audience.STAFF)
    sending.send_notices(WORKER, progress=lambda _done: None)
    found = look(app, checks.breach_email)
    assert found.state is State.HOLDS
    assert found.evidence.startswith("The newest incident addressed ")
    assert "0 waiting" not in found.evidence
    drill = opened(world, founders[0], is_drill=True)
    let_out(founders, drill, Audience.PARENTS)
    sending.send_notices(WORKER, progress=lambda _done: None)
    assert look(app, checks.breach_email).evidence.startswith("The newest drill addressed ")


def test_a_notice_that_nobody_writes_falls_short(app: Flask, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    assert look(app, checks.breach_email).state is State.HOLDS
    with transaction(SYSTEM) as tx:
        long_ago = clock.now() - timedelta(hours=2)
        tx.execute(update(Notice).where(Notice.public_id == notice).values(approved_at=long_ago))
    assert look(app, checks.breach_email).state is State.FALLS_SHORT


def test_letters_that_nobody_posts_fall_short(app: Flask, founders: Founders, incident: str) -> None:
    let_out(founders, incident, Audience.LETTERS)
    sending.send_notices(WORKER, progress=lambda _done: None)
    assert look(app, checks.breach_email).state is State.HOLDS
    with transaction(SYSTEM) as tx:
        tx.execute(update(NoticeDelivery).values(addressed_at=clock.now() - timedelta(days=8)))
    found = look(app, checks.breach_email)
    assert (found.state, found.evidence) == (
        State.FALLS_SHORT,
        "1 letter to be posted for over seven days.",
    )


def test_each_school_has_a_contact(app: Flask, founders: Founders) -> None:
    del founders
    assert look(app, checks.breach_schools).state is State.FALLS_SHORT
    with transaction(SYSTEM) as tx:
        for school in tx.scalars(select(School).where(School.kind == SchoolKind.SCHOOL)):
            school.security_contact = "security@school.example"
    assert look(app, checks.breach_schools).state is State.HOLDS
    with transaction(SYSTEM) as tx:
        first = select(School).where(School.kind == SchoolKind.SCHOOL, School.district_id.is_not(None))
        school = tx.scalars(first.limit(1)).one()
        school.security_contact = "Ask at the desk"
    found = look(app, checks.breach_schools)
    assert found.state is State.FALLS_SHORT
    assert found.evidence.startswith("1 of ")
    with transaction(SYSTEM) as tx:
        tx.get_one(District, school.district_id).security_contact = "security@district.example"
    assert look(app, checks.breach_schools).state is State.HOLDS
