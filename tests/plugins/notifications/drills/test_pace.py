"""In a drill an hour is a minute: laws are asked in played time, and answer in ours."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.notifications import clocks, said, schools
from plugins.notifications.deadlines.engine import Row, deadlines
from plugins.notifications.deadlines.facts import Facts, Given, PoliceHold, SchoolFacts
from plugins.notifications.drills.pace import Pace
from plugins.notifications.models import Incident
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens
from tests.plugins.notifications.deadlines.test_engine import CASES, facts_of
from tests.plugins.notifications.drills.conftest import concern_home, play
from tests.plugins.notifications.notices.conftest import Founders

BEGUN = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
PACE = Pace(BEGUN, 60)
# From New York's vendors, to whoever keeps the data for schools: within seven days.
SEVEN_DAYS = "us-ny-121-10-vendor"


def standing(incident: str) -> clocks.Standing:
    with transaction(SYSTEM) as tx:
        return clocks.standing(tx, tx.scalars(select(Incident).where(Incident.public_id == incident)).one())


def test_an_hour_is_a_minute_from_the_beginning_on() -> None:
    assert PACE.played(BEGUN + timedelta(minutes=1)) == BEGUN + timedelta(hours=1)
    assert PACE.ours(BEGUN + timedelta(hours=72)) == BEGUN + timedelta(minutes=72)
    before = BEGUN - timedelta(hours=5)
    assert (PACE.played(before), PACE.ours(before)) == (before, before)
    assert PACE.lasts(timedelta(minutes=2)) == timedelta(hours=2)


def test_a_moment_keeps_the_zone_in_which_it_is_said() -> None:
    zone = ZoneInfo("America/New_York")
    ours = PACE.ours((BEGUN + timedelta(days=7)).astimezone(zone))
    assert ours.tzinfo is zone
    assert ours == BEGUN + timedelta(minutes=7 * 24)


@given(st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30)))
def test_there_and_back_is_where_it_was(span: timedelta) -> None:
    at = BEGUN + span
    assert PACE.ours(PACE.played(at)) == at


def test_every_moment_that_laws_know_is_mapped() -> None:
    moments = (datetime, datetime | None)
    answers = {name for name, hint in get_type_hints(Row).items() if hint in moments}
    assert answers == {"due", "normal_due", "safe_due", "due_if", "given_at"}
    asked = {
        f"{each.__name__}.{name}"
        for each in (Facts, SchoolFacts, PoliceHold, Given)
        for name, hint in get_type_hints(each).items()
        if hint in moments
    }
    assert asked == {
        *("Facts.noticed", "Facts.determined", "Facts.confirmed", "Given.at"),
        *("SchoolFacts.told", "SchoolFacts.individuals_told", "PoliceHold.since", "PoliceHold.until"),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_case_ends_sixty_times_sooner(case: Mapping[str, Any]) -> None:
    """The cases that were worked out by hand, in which all that is known happens in a drill."""
    facts, law = facts_of(case), clocks.law()
    pace = Pace(facts.noticed - timedelta(hours=1), 60)
    found = pace.deadlines(deadlines(law, pace.facts(in_our_time(facts, pace)))).rows
    for row, asked in zip(found, deadlines(law, facts).rows, strict=True):
        assert (row.rule.id, row.school, row.status, row.is_late) == (
            *(asked.rule.id, asked.school, asked.status, asked.is_late),
        )
        for name in ("due", "normal_due", "safe_due", "due_if", "given_at"):
            at, expected = getattr(row, name), getattr(asked, name)
            assert (at is None) == (expected is None)
            # A moment of ours is rounded to a microsecond, which is sixty that are played.
            assert at is None or abs(at - pace.ours(expected)) < timedelta(milliseconds=1)


def in_our_time(facts: Facts, pace: Pace) -> Facts:
    """These facts as they would be known by our clock."""

    def ours(at: datetime | None) -> datetime | None:
        return None if at is None else pace.ours(at)

    hold = facts.hold
    return replace(
        facts,
        noticed=pace.ours(facts.noticed),
        determined=ours(facts.determined),
        confirmed=ours(facts.confirmed),
        schools={
            name: replace(each, told=ours(each.told), individuals_told=ours(each.individuals_told))
            for name, each in facts.schools.items()
        },
        individuals_told={place: pace.ours(at) for place, at in facts.individuals_told.items()},
        hold=PoliceHold(pace.ours(hold.since), ours(hold.until)) if hold else None,
        given=tuple(replace(each, at=pace.ours(each.at)) for each in facts.given),
    )


def test_what_is_no_drill_runs_as_it_did(world: World, opens: Opens) -> None:
    made = opens()
    concern_home(world, world.sign_in("founder"), made)
    (row,) = [each for each in standing(made).deadlines.rows if each.rule.id == SEVEN_DAYS]
    assert row.due is not None
    assert row.due > clock.now() + timedelta(days=6)


def test_a_clock_of_seven_days_ends_within_three_hours(world: World, founders: Founders) -> None:
    made = play(founders[0])
    school = concern_home(world, founders[0], made)
    began = clock.now()

    def found() -> said.Clock:
        shown = said.clocks(standing(made), clock.now())
        return next(each for each in shown if each.rule.id == SEVEN_DAYS)

    due = found().due
    assert due is not None
    # Seven days, and what is left of the last one.
    assert timedelta(minutes=7 * 24 - 1) <= due - began <= timedelta(minutes=8 * 24)
    assert found().tone == "info"
    with time_machine.travel(due - timedelta(minutes=50), tick=False):
        assert found().tone == "warn"
    with time_machine.travel(due - timedelta(minutes=20), tick=False):
        assert found().tone == "bad"
    with time_machine.travel(due + timedelta(minutes=1), tick=False):
        assert str(found().state) == "Late"
        now = clock.now()
        schools.tell_school(principal=world.sign_in("founder"), school=school, at=now, late_reason="A drill")
        assert found().late == 1
