"""What a contract asks has a clock of its own, is remembered, and is said for one school or a district."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from plugins.notifications import clocks, schools
from plugins.notifications.contracts import NO_CLAUSE, Terms
from plugins.notifications.deadlines.engine import Bound
from plugins.notifications.models import ConcernedSchool, Counted, Incident, TimelineEntry
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens

HOURS = Terms("contract-hours", 48, Counted.NOTICED)


def concern(world: World, incident: str, place: str | None = None) -> dict[int, str]:
    """The schools that it concerns then, by their numbers."""
    place = place or world.home.public_id
    schools.concern(principal=world.sign_in("founder"), incident=incident, place=place)
    return {each.school_id or 0: each.public_id for each in rows(incident)}


def rows(incident: str) -> list[ConcernedSchool]:
    of_it = select(ConcernedSchool).join(Incident, Incident.id == ConcernedSchool.incident_id)
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(of_it.where(Incident.public_id == incident).order_by(ConcernedSchool.id)))


def state(world: World, school: str, terms: Terms, *, whole_district: bool = False) -> None:
    schools.state_contract(
        principal=world.sign_in("founder"), school=school, terms=terms, whole_district=whole_district
    )


def standing(incident: str) -> clocks.Standing:
    with transaction(SYSTEM) as tx:
        return clocks.standing(tx, tx.scalars(select(Incident).where(Incident.public_id == incident)).one())


def said(incident: str) -> list[str]:
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.id).where(Incident.public_id == incident)).one()
        lines = select(TimelineEntry.said).where(TimelineEntry.incident_id == number)
        return list(tx.scalars(lines.order_by(TimelineEntry.id)))


def test_a_contract_has_a_clock_of_its_own(world: World, opens: Opens) -> None:
    made = opens(timedelta(hours=30))
    school = concern(world, made)[world.home.id]
    assert standing(made).deadlines.contract is Bound.NONE
    state(world, school, HOURS)
    found = standing(made).deadlines
    assert found.contract is Bound.YES
    (row,) = [each for each in found.rows if each.rule.id == "contract-hours"]
    assert row.due is not None
    left = row.due - clock.now()
    assert timedelta(hours=17, minutes=55) < left < timedelta(hours=18, minutes=5)
    assert said(made)[-1] == "The contract of 1 school: From when we noticed it: 48 hours"
    # Said once more it is no news.
    lines = len(said(made))
    state(world, school, HOURS)
    assert len(said(made)) == lines
    state(world, school, Terms(NO_CLAUSE, 5, Counted.CONFIRMED))
    assert standing(made).deadlines.contract is Bound.NONE
    (only,) = rows(made)
    assert (only.contract_rule, only.contract_hours, only.contract_start) == (NO_CLAUSE, None, None)


def test_a_rule_that_says_all_takes_no_hours(world: World, opens: Opens) -> None:
    made = opens()
    school = concern(world, made)[world.home.id]
    state(world, school, Terms("contract-ndpa-v1", 5, Counted.NOTICED))
    (row,) = rows(made)
    assert (row.contract_rule, row.contract_hours, row.contract_start) == ("contract-ndpa-v1", None, None)


def test_a_district_is_said_at_once_and_nobody_elses(world: World, opens: Opens) -> None:
    made = opens()
    concern(world, made, world.outside.public_id)
    known = concern(world, made, world.district)
    assert len(known) == 3
    state(world, known[world.home.id], HOURS, whole_district=True)
    assert {each.school_id: each.contract_hours for each in rows(made)} == {
        world.home.id: 48,
        world.elsewhere.id: 48,
        world.outside.id: None,
    }
    state(world, known[world.home.id], Terms("contract-hours", 24, Counted.NOTICED))
    assert {each.contract_hours for each in rows(made)} == {24, 48, None}


def test_the_next_incident_begins_with_what_was_said_last(world: World, opens: Opens) -> None:
    first, second = opens(), opens()
    school = concern(world, first)[world.home.id]
    state(world, school, Terms("contract-hours", 24, Counted.CONFIRMED))
    state(world, school, HOURS)
    concern(world, second, world.district)
    assert {each.school_id: each.contract_hours for each in rows(second)} == {
        world.home.id: 48,
        world.elsewhere.id: None,
    }


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms("contract-hours"), "hours"),
        (Terms("contract-hours", 0), "hours"),
        (Terms("contract-hours", 8761), "hours"),
        (Terms("us-ny-121-10-vendor"), "terms"),
        (Terms(""), "terms"),
    ],
)
def test_what_no_contract_asks_is_refused(world: World, opens: Opens, terms: Terms, field: str) -> None:
    made = opens()
    school = concern(world, made)[world.home.id]
    with pytest.raises(Rejected) as refused:
        state(world, school, terms)
    assert list(refused.value.fields) == [field]
    assert rows(made)[0].contract_rule is None


def test_nobody_else_says_it(world: World, opens: Opens) -> None:
    school = concern(world, opens())[world.home.id]
    for role in ("leader", "teacher", "parent"):
        with pytest.raises(NotFound):
            schools.state_contract(
                principal=world.sign_in(role), school=school, terms=HOURS, whole_district=False
            )
