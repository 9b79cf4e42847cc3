"""Who answers for a school sees an incident once the school was told, and nothing of anybody else's."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from backoffice import clock
from backoffice.access.lookup import find, rows_of
from backoffice.access.policy import can, rules
from backoffice.access.transaction import transaction
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.runtime import Runtime
from backoffice.schools.models import School
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from plugins.notifications import schools, services
from plugins.notifications.models import ConcernedSchool, Incident, IncidentTask, TimelineEntry
from plugins.notifications.notices import sending
from plugins.notifications.notices.models import Audience, Notice
from plugins.notifications.permissions import INCIDENTS_TOLD
from plugins.notifications.told import queries
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import (
    ENGLISH,
    HEADING,
    SPANISH,
    WORKER,
    Founders,
    let_out,
    opened,
    propose,
)
from tests.plugins.notifications.notices.test_pages import signed_in

HERE = "/console/school-incidents/"
# What founders alone know: the name among them, the words, the timeline, a task, a draft.
INTERNAL = ("Walrus protocol", "Inside words", "Said among us", "Ring the walrus", "Not let out yet")


def concern(incident: str, school: School, **values: Any) -> str:
    """One more school that it concerns, with numbers of its own; its identifier there."""
    place = {"place": "US-CA", "time_zone": "America/Los_Angeles", "school_id": school.id}
    numbers = {"students": 4711, "staff": 815, "parents": 1234}
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.id).where(Incident.public_id == incident)).one()
        row = ConcernedSchool(public_id=new_public_id(), incident_id=number, **place, **{**numbers, **values})
        tx.add(row)
        tx.flush()
        return row.public_id


def of(incident: str, school: School) -> ConcernedSchool:
    here = select(ConcernedSchool).join(Incident, Incident.id == ConcernedSchool.incident_id)
    with transaction(SYSTEM) as tx:
        return tx.scalars(
            here.where(Incident.public_id == incident, ConcernedSchool.school_id == school.id)
        ).one()


def tell(incident: str, school: School, **values: Any) -> str:
    """The school was told, by whatever way."""
    row, told = of(incident, school), {"told_at": clock.now(), **values}
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).where(ConcernedSchool.id == row.id).values(**told))
    return row.public_id


def send(notice_state: MailState = MailState.SENT) -> None:
    """All mails that wait are written, and become this."""
    sending.send_notices(WORKER, progress=lambda _done: None)
    with transaction(SYSTEM) as tx:
        done = {"state": notice_state, "finished_at": clock.now()}
        tx.execute(update(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED).values(done))
    sending.settle(WORKER)


@pytest.fixture
def inside(world: World, founders: Founders, incident: str) -> str:
    """One with everything that founders write about it, and a draft to schools."""
    services.note(principal=founders[0], incident=incident, said="Said among us", happened_at=clock.now())
    services.add_task(principal=founders[0], incident=incident, said="Ring the walrus", due_at=None)
    propose(founders[0], incident, Audience.PARENTS, {"en": {**ENGLISH, "heading": "Not let out yet"}})
    with transaction(SYSTEM) as tx:
        named = {"title": "Walrus protocol", "what": "Inside words", "systems": "Inside words"}
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        row.title, row.what, row.systems = named["title"], named["what"], named["systems"]
        row.kinds = ["name", "username"]
    return incident


@pytest.mark.parametrize("role", ["officer", "leader"])
def test_what_was_said_to_the_school_is_read_again(
    app: Flask, world: World, founders: Founders, inside: str, role: str
) -> None:
    elsewhere, outside = concern(inside, world.elsewhere), concern(inside, world.outside, students=9931)
    let_out(founders, inside, Audience.SCHOOLS)
    browser = signed_in(app, world, role)
    # Two founders have let it go out, and nobody was told yet.
    assert "No incident" in browser.get(HERE).text
    assert browser.get(f"{HERE}{of(inside, world.home).public_id}").status_code == 404
    send()
    assert all(of(inside, each).told_at for each in (world.home, world.elsewhere, world.outside))
    listed = browser.get(HERE).text
    assert HEADING in listed
    assert elsewhere in listed
    assert outside not in listed
    answer = browser.get(f"{HERE}{of(inside, world.home).public_id}")
    page = answer.text
    assert answer.status_code == 200
    for said in (*ENGLISH.values(), *SPANISH.values()):
        assert str(said).splitlines()[0] in page
    assert all(each in page for each in ("Names, Usernames", world.home.name, world.elsewhere.name))
    assert "4,711" in page
    assert "Sent: " in page
    assert not any(each in page + listed for each in (*INTERNAL, world.outside.name, "9,931"))
    assert browser.get(f"{HERE}{elsewhere}").text.count(world.home.name) >= 1
    assert browser.get(f"{HERE}{outside}").status_code == 404


def test_what_came_back_is_said(app: Flask, world: World, founders: Founders, incident: str) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    send()
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).values(state=MailState.BOUNCED))
    sending.settle(WORKER)
    page = signed_in(app, world, "officer").get(f"{HERE}{of(incident, world.home).public_id}").text
    assert "Came back: " in page


@pytest.mark.parametrize("role", ["teacher", "co_teacher", "helper", "parent", "founder", "outsider"])
def test_nobody_else_opens_it(app: Flask, world: World, founders: Founders, incident: str, role: str) -> None:
    here = tell(incident, world.home)
    assert signed_in(app, world, role).get(f"{HERE}{here}").status_code == 404


def test_a_drill_is_shown_to_nobody(app: Flask, world: World, founders: Founders, drill: str) -> None:
    here = tell(drill, world.home)
    row = of(drill, world.home)
    assert (row.told_at is None, row.shown_at) == (False, None)
    browser = signed_in(app, world, "officer")
    assert browser.get(f"{HERE}{here}").status_code == 404
    assert "No incident" in browser.get(HERE).text


def test_a_school_that_was_left_out_is_shown_nothing(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    left = schools.leave_out(principal=founders[0], school=of(incident, world.home).public_id)
    assert left == incident
    browser = signed_in(app, world, "officer")
    assert browser.get(f"{HERE}{of(incident, world.home).public_id}").status_code == 404
    tell(concern_another(world, founders), world.elsewhere)
    assert of(incident, world.home).public_id not in browser.get(HERE).text


def concern_another(world: World, founders: Founders) -> str:
    made = opened(world, founders[0])
    concern(made, world.elsewhere)
    return made


def test_the_page_of_one_school_names_no_school_that_was_not_told(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    concern(incident, world.elsewhere)
    here = tell(incident, world.home)
    page = signed_in(app, world, "officer").get(f"{HERE}{here}").text
    assert world.home.name in page
    assert world.elsewhere.name not in page
    assert "4,711" not in page


def test_a_notice_before_a_school_was_concerned_is_none_to_it(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    send()
    concern(incident, world.elsewhere, concerned_at=clock.now())
    there = tell(incident, world.elsewhere)
    browser = signed_in(app, world, "officer")
    with transaction(world.sign_in("officer")) as tx:
        late = find(tx, ConcernedSchool, there, permission=INCIDENTS_TOLD)
        assert queries.notices_of(tx, [late]) == []
    assert HEADING in browser.get(f"{HERE}{there}").text  # of the other school of the same district
    let_out(founders, incident, Audience.SCHOOLS, {"en": {**ENGLISH, "heading": "What is new by now"}})
    assert "What is new by now" in browser.get(f"{HERE}{there}").text


def test_what_is_paused_is_read_no_more(app: Flask, world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    send()
    here = of(incident, world.home).public_id
    browser = signed_in(app, world, "officer")
    assert HEADING in browser.get(f"{HERE}{here}").text
    with transaction(SYSTEM) as tx:
        tx.execute(update(Notice).where(Notice.public_id == notice).values(paused_at=clock.now()))
    page = browser.get(f"{HERE}{here}").text
    assert HEADING not in page
    assert "No notice of ours can be read here" in page


def test_clocks_are_those_of_the_own_schools(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    terms = {"contract_rule": "contract-hours", "contract_start": "noticed"}
    concern(incident, world.elsewhere, contract_hours=48, **terms)
    concern(incident, world.outside, contract_hours=7, **terms)
    tell(incident, world.outside)
    here = tell(incident, world.elsewhere)
    page = signed_in(app, world, "officer").get(f"{HERE}{here}").text
    assert "48 hours" in page
    assert "7 hours" not in page
    assert "told by us" in page
    assert "1 of 2" not in page


@pytest.mark.parametrize("role", ["officer", "leader", "teacher", "outsider", "parent"])
def test_the_database_alone_keeps_the_rest(world: World, founders: Founders, inside: str, role: str) -> None:
    """With no policy at all: rows of the own schools that were told, and of the incident itself nothing."""
    concern(inside, world.elsewhere)
    concern(inside, world.outside)
    let_out(founders, inside, Audience.SCHOOLS)
    send()
    for each in (world.home, world.outside):
        tell(inside, each)
    with transaction(SYSTEM) as tx:
        not_told = ConcernedSchool.id == of(inside, world.elsewhere).id
        tx.execute(update(ConcernedSchool).where(not_told).values(told_at=None))
    # Whom it is about and a second incident of which nobody was told.
    opened(world, founders[0])
    mine = {"parent": set(), "outsider": {world.outside.id}}.get(role, {world.home.id})
    with transaction(world.sign_in(role)) as tx:
        if role == "outsider":
            # A founder in these tests, who sees all of them.
            assert tx.principal.founder
            return
        rows = tx.scalars(select(ConcernedSchool)).all()
        assert {each.school_id for each in rows} == mine
        for entity in (Incident, TimelineEntry, IncidentTask, Notice):
            assert tx.scalar(select(func.count()).select_from(entity)) == 0
    every = all_rows()
    with transaction(world.sign_in(role)) as tx:
        for asked in (queries.notices_of, queries.ways_of, queries.given_of):
            found = {each.concerned_school_id for each in asked(tx, every)}
            assert found <= {each.id for each in every if each.school_id in mine}
            assert bool(found) == bool(mine) or asked is queries.given_of
        assert len(queries.facts_of(tx, every)) == bool(mine)


def all_rows() -> list[ConcernedSchool]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(ConcernedSchool)))


def test_the_policy_alone_keeps_it_too(world: World, founders: Founders, incident: str) -> None:
    officer = world.sign_in("officer")
    assert rules()[ConcernedSchool].once == "shown_at"
    assert not can(officer, INCIDENTS_TOLD, of(incident, world.home))
    with transaction(SYSTEM) as tx:
        asked = rows_of(officer, ConcernedSchool, INCIDENTS_TOLD)
        assert tx.scalars(asked).all() == []
    tell(incident, world.home)
    assert can(officer, INCIDENTS_TOLD, of(incident, world.home))
    with transaction(SYSTEM) as tx:
        assert [each.school_id for each in tx.scalars(rows_of(officer, ConcernedSchool, INCIDENTS_TOLD))] == [
            world.home.id
        ]


def test_the_web_cannot_show_it_early(
    runtime: Runtime, world: World, founders: Founders, incident: str
) -> None:
    row = of(incident, world.home)
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        may = "select has_column_privilege('backoffice_app', :of, 'shown_at', 'update')"
        assert connection.scalar(text(may), {"of": "plugin_notifications.concerned_school"}) is False
        connection.execute(
            text("update plugin_notifications.concerned_school set shown_at = :at where id = :id"),
            {"at": clock.now(), "id": row.id},
        )
    assert of(incident, world.home).shown_at is None


def test_the_file_has_what_the_list_has(app: Flask, world: World, founders: Founders, incident: str) -> None:
    concern(incident, world.outside)
    tell(incident, world.outside)
    tell(incident, world.home)
    file = signed_in(app, world, "officer").get(f"{HERE}export.csv")
    said = file.get_data(as_text=True)
    assert world.home.name in said
    assert world.outside.name not in said
    assert "4711" not in said


def test_it_is_in_the_menu_of_who_answers_for_a_school(app: Flask, world: World, founders: Founders) -> None:
    for role, there in (("officer", True), ("leader", True), ("teacher", False), ("founder", False)):
        assert (HERE in signed_in(app, world, role).get("/console/").text) is there


def test_moments_are_those_of_the_incident(app: Flask, world: World, founders: Founders) -> None:
    noticed = clock.now() - timedelta(days=3)
    made = opened(world, founders[0], noticed_at=noticed)
    here = tell(made, world.home)
    page = signed_in(app, world, "officer").get(f"{HERE}{here}").text
    assert f"{noticed:%Y-%m-%dT%H:}" in page or "3 days ago" in page
