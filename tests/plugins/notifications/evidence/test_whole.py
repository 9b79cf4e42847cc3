"""An incident with a school, clocks and a notice: all of it is told, and nobody is named."""

from typing import Any

import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.notifications import clocks, schools
from plugins.notifications.deadlines.facts import Risk, Role
from plugins.notifications.evidence.bundle import as_json
from plugins.notifications.evidence.content import content_of
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices.models import Audience
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import BOTH, ENGLISH, Founders, let_out, opened


@pytest.fixture
def incident(world: World, founders: Founders) -> str:
    """One by whose law an authority has to be told."""
    made = opened(world, founders[0], role=Role.CONTROLLER, risk=Risk.RISK, kinds=["name"])
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(place="DE", time_zone="Europe/Berlin"))
    return made


def _told(founders: Founders, incident: str) -> dict[str, Any]:
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        return content_of(tx, row, now=clock.now())


def _give_first(founders: Founders, incident: str) -> str:
    with transaction(founders[1]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        first = clocks.open_duties(clocks.standing(tx, row))[0]
    schools.give_notice(
        principal=founders[1],
        incident=incident,
        rule=first.rule.id,
        school=first.school,
        at=clock.now(),
        late_reason="",
    )
    return first.rule.id


def test_schools_and_clocks_are_told_with_what_was_done(founders: Founders, incident: str) -> None:
    rule = _give_first(founders, incident)
    told = _told(founders, incident)
    (school,) = told["schools"]
    assert (school["place"], school["students"], school["staff"], school["parents"]) == ("DE", 2, 3, 1)
    done = next(each for each in told["clocks"] if each["rule"] == rule)
    assert done["done_at"] is not None
    assert done["citation"]
    assert [each["rule"] for each in told["given"]] == [rule]


def test_a_notice_is_told_with_its_wording_and_who_decided_as_letters(
    founders: Founders, incident: str
) -> None:
    let_out(founders, incident, Audience.SCHOOLS, BOTH)
    (notice,) = _told(founders, incident)["notices"]
    assert notice["audience"] == "schools"
    assert set(notice["wording"]) == {"en", "es"}
    assert notice["wording"]["en"]["what"] == ENGLISH["what"]
    assert [each["kind"] for each in notice["steps"]] == ["proposed", "approved"]
    assert len({each["by"] for each in notice["steps"]}) == len(founders)


def test_nobody_is_named(world: World, founders: Founders, incident: str) -> None:
    let_out(founders, incident, Audience.SCHOOLS, BOTH)
    _give_first(founders, incident)
    told = as_json(_told(founders, incident)).decode()
    assert "@" not in told
    for person in world.people.values():
        assert person.email not in told
        assert person.name not in told
