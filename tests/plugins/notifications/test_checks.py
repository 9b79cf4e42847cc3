"""The promise that legal deadlines are kept, and the ways from what was reported to an incident."""

from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import delete, func, select, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.controls.check import Finding, Looking, State
from backoffice.reports.models import Report
from plugins.notifications import checks, schools, services
from plugins.notifications.drills.models import Drill
from plugins.notifications.models import ConcernedSchool
from tests.factories import world as factory
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens, row_of


def look(app: Flask) -> Finding:
    with transaction(Purpose("trust.check")) as tx:
        return checks.breach_law(Looking(app, app.extensions["backoffice"].settings, tx))


def concern_new_york(world: World, incident: str) -> None:
    """A school in New York, whose names and numbers of students got out."""
    founder: Principal = world.sign_in("founder")
    schools.concern(principal=founder, incident=incident, place=world.home.public_id)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(place="US-NY", time_zone="America/New_York"))


def test_without_an_incident_nothing_was_to_be_kept(app: Flask, opens: Opens) -> None:
    assert look(app).state is State.NOT_EXERCISED
    opens(is_drill=True)
    assert look(app).state is State.NOT_EXERCISED


def test_a_deadline_that_is_past_falls_short_until_it_is_met(app: Flask, world: World, opens: Opens) -> None:
    made = opens(timedelta(hours=1))
    concern_new_york(world, made)
    assert (look(app).state, "none missed" in look(app).evidence) == (State.HOLDS, True)
    with time_machine.travel(clock.now() + timedelta(days=9), tick=True):
        assert look(app).state is State.FALLS_SHORT
        founder = world.sign_in("founder")
        with transaction(SYSTEM) as tx:
            concerned = tx.scalars(select(ConcernedSchool.public_id)).one()
        schools.tell_school(
            principal=founder, school=concerned, at=clock.now() - timedelta(days=8), late_reason=""
        )
        assert look(app).state is State.HOLDS
    assert row_of(made).closed_at is None


def test_while_nothing_is_open_the_newest_drill_counts(app: Flask, world: World, opens: Opens) -> None:
    founder = world.sign_in("founder")
    for _ in range(2):
        made = opens(is_drill=True)
        services.close_incident(principal=founder, incident=made, reason="Played", although_open=True)
    # Nobody let a notice out: somebody only looked how drills are.
    assert look(app).state is State.NOT_EXERCISED
    with transaction(SYSTEM) as tx:
        tx.execute(update(Drill).values(score=0, parts=["two 0"]))
    found = look(app)
    assert (found.state, "scored 0 of 100" in found.evidence) == (State.FALLS_SHORT, True)
    with transaction(SYSTEM) as tx:
        best = update(Drill).where(Drill.id == select(func.max(Drill.id)).scalar_subquery())
        tx.execute(best.values(score=90, parts=["deadlines 25", "two 5"]))
    found = look(app)
    assert found.state is State.HOLDS
    assert "scored 90 of 100, 25 of 30 for deadlines (the one before: 0)." in found.evidence
    with time_machine.travel(clock.now() + timedelta(days=367), tick=True):
        assert look(app).state is State.FALLS_SHORT
    # What really happens counts more.
    opens()
    assert "open" in look(app).evidence
    assert "scored" not in look(app).evidence


def test_reports_and_security_events_lead_to_an_incident(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Report))
        _, report = factory.report(tx, world.people["parent"])
        event = tx.scalars(select(SecurityEvent.public_id)).first()
    browser = signed_in(app, world, "founder")
    assert f'href="/console/incidents/new?report={report}"' in browser.get(f"/console/reports/{report}").text
    assert 'href="/console/incidents/new"' in browser.get(f"/console/security/{event}").text
    form = browser.get(f"/console/incidents/new?report={report}").text
    assert f'value="{report}"' in form
    assert "javascript" not in browser.get("/console/incidents/new?report=javascript:1").text
