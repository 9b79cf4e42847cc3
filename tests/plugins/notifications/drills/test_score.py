"""What a drill scores follows from what was written down, and is kept as it was when the drill was closed."""

from datetime import timedelta

import time_machine
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.notifications import schools, services
from plugins.notifications.contracts import NO_CLAUSE, Terms
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.drills import queries
from plugins.notifications.drills.score import MOST, TITLES, Scored, scored
from plugins.notifications.drills.services import answer_event
from plugins.notifications.models import Incident
from plugins.notifications.notices import sending
from plugins.notifications.notices import services as notices
from plugins.notifications.notices.models import Audience
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens
from tests.plugins.notifications.drills.conftest import concern_home, drill_of, events_of, go_on, play
from tests.plugins.notifications.notices.conftest import WORKER, Founders, let_out, propose, waited

WHY = "All is done"


def now_scored(
    founders: Founders, incident: str, *, later: timedelta = timedelta(), ended: bool = False
) -> Scored:
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        return scored(tx, row, at=clock.now() + later, ended=ended)


def send() -> None:
    sending.send_notices(WORKER, progress=lambda _done: None)
    sending.settle(WORKER)


def test_all_parts_come_to_a_hundred() -> None:
    assert set(MOST) == set(TITLES)
    assert sum(MOST.values()) == 100
    assert Scored(MOST).score == 100
    # A part that there was nothing of takes no points away.
    assert Scored({name: most for name, most in MOST.items() if name != "events"}).score == 100


def test_whoever_does_nothing_scores_nothing(founders: Founders) -> None:
    made = play(founders[0])
    last = events_of(made)[-1]
    found = now_scored(founders, made, later=last.late_at - clock.now())
    assert (set(found.parts.values()), found.score) == ({0}, 0)
    # Without a notice there is nobody who let one out.
    assert "two" not in found.parts


def test_a_drill_that_is_played_well_scores_all(world: World, founders: Founders) -> None:
    made = play(founders[0])
    school = concern_home(world, founders[0], made)
    stated = services.Stated(
        what="Somebody signed in",
        systems="",
        role=Role.PROCESSOR,
        risk=Risk.RISK,
        kinds=frozenset({"name", "student_id"}),
        encrypted=Encrypted.NO,
        noticed_at=clock.now() - timedelta(seconds=1),
        determined_at=clock.now() - timedelta(seconds=1),
    )
    services.state_facts(principal=founders[0], incident=made, stated=stated, seen=0)
    schools.state_contract(principal=founders[0], school=school, terms=Terms(NO_CLAUSE), whole_district=False)
    for audience in (Audience.SCHOOLS, Audience.BANNER, Audience.STAFF, Audience.PARENTS):
        let_out(founders, made, audience)
    send()
    for event in events_of(made):
        with time_machine.travel(event.comes_at + timedelta(seconds=30), tick=True):
            by = world.sign_in("founder")
            answer_event(principal=by, event=event.public_id, answer="We look at it")
    found = now_scored(founders, made, later=timedelta(hours=2))
    assert found.parts == MOST
    assert found.score == 100


def test_each_thing_that_goes_wrong_costs_its_points(world: World, founders: Founders) -> None:
    made = play(founders[0])
    concern_home(world, founders[0], made)
    # Staff before their school, by one founder alone, and the banner at hour 48.
    staff = propose(founders[0], made, Audience.STAFF)
    waited(staff)
    notices.approve_alone(principal=founders[0], notice=staff, version=0, reason=WHY)
    send()
    go_on(made, timedelta(minutes=48))
    answer_event(principal=founders[0], event=events_of(made)[0].public_id, answer="Rather late")
    let_out(founders, made, Audience.BANNER)
    found = now_scored(founders, made).parts
    assert found["order"] == 0
    assert found["banner"] == int(MOST["banner"] / 2)
    assert found["addressed"] == round(MOST["addressed"] / 3)
    assert found["two"] == round(MOST["two"] / 2)
    assert found["events"] == 0


def test_a_deadline_that_passed_counts_and_one_that_runs_does_not(world: World, founders: Founders) -> None:
    made = play(founders[0])
    school = concern_home(world, founders[0], made)
    assert "deadlines" not in now_scored(founders, made).parts
    assert now_scored(founders, made, later=timedelta(days=1)).parts["deadlines"] == 0
    schools.tell_school(principal=founders[0], school=school, at=clock.now(), late_reason="")
    assert now_scored(founders, made).parts["deadlines"] == MOST["deadlines"]


def test_whoever_closes_early_has_done_the_rest_not_in_time(world: World, founders: Founders) -> None:
    made = play(founders[0])
    concern_home(world, founders[0], made)
    running, ended = now_scored(founders, made).parts, now_scored(founders, made, ended=True).parts
    assert not {"deadlines", "events"} & set(running)
    assert (ended["deadlines"], ended["events"]) == (0, 0)


def test_notices_about_no_school_reach_nobody(founders: Founders) -> None:
    made = play(founders[0])
    for audience in (Audience.SCHOOLS, Audience.STAFF, Audience.PARENTS):
        let_out(founders, made, audience)
    send()
    found = now_scored(founders, made).parts
    assert (found["order"], found["addressed"]) == (0, 0)


def test_a_school_may_be_telephoned_and_the_police_may_hold_the_banner(
    world: World, founders: Founders
) -> None:
    made = play(founders[0])
    school = concern_home(world, founders[0], made)
    assert now_scored(founders, made).parts["banner"] == 0
    schools.tell_school(principal=founders[0], school=school, at=clock.now(), late_reason="")
    with transaction(SYSTEM) as tx:
        tx.execute(update(Incident).values(held_since=clock.now()))
    found = now_scored(founders, made).parts
    assert "banner" not in found
    assert (found["order"], found["addressed"]) == (MOST["order"], round(MOST["addressed"] / 3))
    schools.people_were_told(principal=founders[0], school=school, at=clock.now())
    assert now_scored(founders, made).parts["addressed"] == MOST["addressed"]


def test_what_was_scored_is_kept_and_compared(founders: Founders) -> None:
    first, second = (play(founders[0]) for _ in range(2))
    for made in (first, second):
        services.close_incident(principal=founders[0], incident=made, reason=WHY, although_open=True)
    kept = drill_of(first)
    assert kept.parts is not None
    assert kept.score == Scored.of(kept.parts).score
    with transaction(founders[0]) as tx:
        newest, before = queries.played(tx)
        assert [each.incident.public_id for each in (newest, before)] == [second, first]
        (only,) = queries.played(tx, before=newest.closed_at)
        assert only.incident.public_id == first


def test_a_real_incident_is_never_scored(founders: Founders, opens: Opens) -> None:
    made = opens()
    services.close_incident(principal=founders[0], incident=made, reason=WHY, although_open=True)
    with transaction(founders[0]) as tx:
        assert queries.played(tx) == []
